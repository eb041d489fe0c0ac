"""The epoch: the kernel that the compiled engine calls. One call trains a whole epoch, in each of its threads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from clearprop.engines.compiled.barrier import wait
from clearprop.engines.compiled.cache import keep_on_disk
from clearprop.engines.compiled.lanes import expanded, floats_at, integers_at, pointer
from clearprop.engines.compiled.losses import loss_rows
from clearprop.engines.compiled.passes import (
    backward_stage,
    forward_stage,
    gradient_stage,
    pack,
    region,
    share,
    transpose_stage,
    unpack,
)
from clearprop.engines.compiled.plan import N_IN, Memory
from clearprop.engines.compiled.updates import clip_factor, squared_norm, update

LOSS, HITS, SQUARES = range(3)


@expanded
def forward(p: Any, first: int, size: int) -> None:
    """Activations of every stage, and dz of the last one, for the batch that begins at `first` in the order."""
    own = p.thread * p.batch_size
    for r in range(size):
        p.x_offsets[own + r] = p.order[first + r] * p.table[N_IN]
    forward_stage(p, 0, p.x, p.x_offsets, own, size)
    wait(p.counter, p.threads)
    for stage in range(1, p.stages):
        forward_stage(p, stage, p.a, p.offsets, (stage - 1) * p.batch_size, size)
        wait(p.counter, p.threads)
    row, row_end, _, _ = region(p, p.stages - 1, size)
    scale = 1.0 / (size * p.per_example) if p.per_example else 1.0
    value, hits = loss_rows(p, first, row, row_end, scale)
    p.partial[LOSS * p.threads + p.thread] = value * scale
    p.partial[HITS * p.threads + p.thread] = hits
    wait(p.counter, p.threads)


@expanded
def backward(p: Any, size: int, straight: bool, lr: float) -> None:
    """Gradients of every stage, from the last to the first; `straight` away W and b move by -lr times theirs."""
    to, keep, scale = (p.packed, 1, -lr) if straight else (p.grad, 0, 1.0)
    for stage in range(p.stages - 1, 0, -1):
        backward_stage(p, stage, size)
        gradient_stage(p, stage, p.a, p.offsets, (stage - 1) * p.batch_size, size, to, keep, scale)
        wait(p.counter, p.threads)
    gradient_stage(p, 0, p.x, p.x_offsets, p.thread * p.batch_size, size, to, keep, scale)
    wait(p.counter, p.threads)


@expanded
def combined(p: Any, figure: int) -> float:
    """The sum over the threads of what each has contributed to a figure."""
    s = 0.0
    for i in range(p.threads):
        s += p.partial[figure * p.threads + i]
    return s


@expanded
def move(p: Any, optimizer: int, n: int, decay: float, clip_norm: float, lr: float, constants: Any) -> None:
    """The optimizer's step, for the thread's part of the n packed parameters."""
    first, last = share(n, p.lanes, p.thread, p.threads)
    factor = 1.0
    if clip_norm < math.inf:
        p.partial[SQUARES * p.threads + p.thread] = squared_norm(p.grad, first, last)
        wait(p.counter, p.threads)
        factor = clip_factor(combined(p, SQUARES), clip_norm)
    update(optimizer, p.packed, p.grad, p.one, p.two, first, last, factor, decay, lr, constants, p.lanes)
    wait(p.counter, p.threads)


@expanded
def transpose(p: Any) -> None:
    """W^T of all stages but the first, which needs none."""
    for stage in range(1, p.stages):
        transpose_stage(p, stage)
    wait(p.counter, p.threads)


@expanded
def memory(plan: Any, job: Any, thread: int) -> Any:
    """The plan and the job as the functions above see them."""
    info = np.finfo(plan.a.dtype)
    return Memory(
        pointer(plan.table), len(plan.table), plan.lanes, thread, plan.threads, pointer(plan.packed), pointer(plan.grad),
        pointer(plan.slots[0]), pointer(plan.slots[1]), pointer(plan.a), pointer(plan.da), pointer(plan.transposed),
        pointer(plan.offsets), pointer(plan.x_offsets), pointer(plan.targets), pointer(plan.mask), pointer(plan.partial),
        pointer(plan.counter), floats_at(job.x, plan.a), integers_at(job.labels), floats_at(job.values, plan.a),
        job.value_columns, integers_at(job.order), plan.offsets.shape[1], job.loss, job.per_example, info.eps, info.tiny,
    )  # fmt: skip


@keep_on_disk
@njit(nogil=True)
def train_steps(plan: Any, job: Any, thread: int) -> None:
    """Forward, loss, backward, update, for every batch of the order; to be called once in each thread, at the same time.

    Parameters
    ----------
    plan : Plan
    job : Job
    thread : int
        0, 1, ... of `plan.threads`. What a thread writes, no other reads before both have passed a barrier.
    """
    p = memory(plan, job, thread)
    if thread == 0:
        pack(plan.table, job.theta, plan.packed)
        for s in range(len(job.slots)):
            pack(plan.table, job.slots[s], plan.slots[s])
    wait(p.counter, p.threads)
    transpose(p)
    for step in range(len(job.losses)):
        first = step * job.batch_size
        size = min(job.batch_size, job.examples - first)
        lr = job.rates[min(step, len(job.rates) - 1)]
        forward(p, first, size)
        if thread == 0:
            job.losses[step], job.hits[step] = combined(p, LOSS), combined(p, HITS)
        backward(p, size, job.straight, lr)
        if not job.straight and job.update:
            constants = pointer(job.constants[min(step, len(job.constants) - 1)])
            move(p, job.optimizer, len(plan.packed), job.decay, job.clip_norm, lr, constants)
        if job.update:
            transpose(p)
    if thread == 0:
        unpack(plan.table, plan.packed if job.update else plan.grad, job.theta)
        for s in range(len(job.slots)):
            unpack(plan.table, plan.slots[s], job.slots[s])
