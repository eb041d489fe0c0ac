"""The pass for any net: a whole batch goes through one stage after the other, in one thread or in several."""

from __future__ import annotations

from typing import Any

from clearprop.engines.compiled.barrier import read, wait
from clearprop.engines.compiled.linkage import call
from clearprop.engines.compiled.memory import Memory
from clearprop.engines.compiled.moves import combined, move, rule_of
from clearprop.engines.compiled.plan import (
    COLUMNS,
    CORRECT,
    EVALUATE,
    HALT,
    INTERRUPTED,
    KIND,
    LOSS,
    N_IN,
    PRODUCT,
    STOP,
    TRAIN,
)
from clearprop.engines.compiled.stages import backward_stage, forward_stage, gradient_stage, parts, share, transpose_stage


def batch_steps(p: Memory) -> None:
    """All steps of an epoch, each with its loss and number of correct predictions in `report`."""
    p.partial[HALT * p.threads + p.thread] = 0.0
    transpose(p)
    k = 0
    while k < p.n_steps and p.partial[HALT * p.threads] == 0.0:
        first = k * p.batch_size
        size = min(p.batch_size, p.n_order - first)
        forward(p, first, size)
        if p.thread == 0:
            p.report[k], p.report[p.n_steps + k] = combined(p, LOSS), combined(p, CORRECT)
        if p.mode != EVALUATE:
            backward(p, size, rule_of(p, k)[0])
        if p.thread == 0 and read(p.counter, STOP) == INTERRUPTED:
            p.partial[HALT * p.threads] = 1.0  # all threads see it behind the next barrier
        if p.mode == TRAIN:
            if p.straight == 0:
                move(p, rule_of(p, k))
            transpose(p)
        else:
            wait(p)
        k += 1


def forward(p: Any, first: int, size: int) -> None:
    """Activations of every stage, and dz of the last one, for the batch that begins at `first` in the order."""
    own = p.thread * p.batch_size
    for r in range(size):
        p.x_offsets[own + r] = p.order[first + r] * p.table[N_IN]
    for stage in range(p.stages):
        if p.table[stage * COLUMNS + KIND] == PRODUCT:
            for part in range(parts(p)):
                forward_stage(p, stage, size, part)
        else:
            call(p.other_forward, p, stage, size)
        wait(p)
    row, row_end = share(size, 1, p.thread, p.threads)
    scale = 1.0 / (size * p.per_example) if p.per_example != 0 else 1.0
    call(p.loss, p, first, row, row_end, scale)
    wait(p)


def backward(p: Any, size: int, lr: float) -> None:
    """Gradients of every stage, from the last to the first; if `straight`, W and b move at once, by -lr times theirs."""
    for stage in range(p.stages - 1, -1, -1):
        if p.table[stage * COLUMNS + KIND] == PRODUCT:
            for part in range(parts(p)):
                if stage > 0:
                    backward_stage(p, stage, size, part)
                if p.straight != 0:
                    gradient_stage(p, stage, size, part, p.packed, 1, -lr)
                else:
                    gradient_stage(p, stage, size, part, p.grad, 0, 1.0)
        else:
            call(p.other_backward, p, stage, size)
        wait(p)


def transpose(p: Any) -> None:
    """Renew W^T of all products but the first stage's, which needs none."""
    for stage in range(1, p.stages):
        if p.table[stage * COLUMNS + KIND] == PRODUCT:
            for part in range(parts(p)):
                transpose_stage(p, stage, part)
    wait(p)
