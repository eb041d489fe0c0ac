"""The epoch: the kernel that the compiled engine calls. One call trains a whole epoch, in each of its threads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from clearprop.engines.compiled.barrier import wait
from clearprop.engines.compiled.cache import keep_on_disk
from clearprop.engines.compiled.denormals import flush_denormals, restore
from clearprop.engines.compiled.lanes import doubles_at, expanded, floats_at, integers_at, lanes_of, pointer, wide
from clearprop.engines.compiled.loss_rows import loss_rows
from clearprop.engines.compiled.narrow import narrow_pass
from clearprop.engines.compiled.online import online_step
from clearprop.engines.compiled.plan import COLUMNS, EVALUATE, GRADIENT, N_IN, N_OUT, TRAIN, Memory, read_data, read_plan
from clearprop.engines.compiled.stages import (
    backward_stage,
    forward_stage,
    gradient_stage,
    own_rows,
    pack,
    panel,
    parts,
    share,
    transpose_stage,
)
from clearprop.engines.compiled.updates import clip_factor, squared_norm, update

LOSS, CORRECT, SQUARES = range(3)


@expanded
def forward(p: Any, first: int, size: int) -> None:
    """Activations of every stage, and dz of the last one, for the batch that begins at `first` in the order."""
    own = p.thread * p.batch_size
    for r in range(size):
        p.x_offsets[own + r] = p.order[first + r] * p.table[N_IN]
    for stage in range(p.stages):
        for part in range(parts(p)):
            forward_stage(p, stage, size, part)
        wait(p.counter, p.threads)
    row, row_end = share(size, 1, p.thread, p.threads)
    scale = 1.0 / (size * p.per_example) if p.per_example else 1.0
    value, n_correct = loss_rows(p, first, row, row_end, scale)
    p.partial[LOSS * p.threads + p.thread] = value * scale
    p.partial[CORRECT * p.threads + p.thread] = n_correct
    wait(p.counter, p.threads)


@expanded
def backward(p: Any, size: int, straight: bool, lr: float) -> None:
    """Gradients of every stage, from the last to the first; if `straight`, W and b move at once, by -lr times theirs."""
    to, keep, scale = (p.packed, 1, -lr) if straight else (p.grad, 0, 1.0)
    for stage in range(p.stages - 1, -1, -1):
        for part in range(parts(p)):
            if stage > 0:
                backward_stage(p, stage, size, part)
            gradient_stage(p, stage, size, part, to, keep, scale)
        wait(p.counter, p.threads)


@expanded
def combined(p: Any, figure: int) -> float:
    """A figure, summed over the shares of the threads."""
    s = 0.0
    for i in range(p.threads):
        s += p.partial[figure * p.threads + i]
    return s


@expanded
def own_numbers(p: Any, stage: int, part: int) -> tuple[int, int]:
    """The range of `packed` that a thread updates for one stage; a single thread updates all with the first."""
    if p.threads == 1:
        return 0, (p.n_packed if stage == 0 else 0)
    row, row_end = own_rows(p, stage, part)
    start, step, _, _ = panel(p, stage, p.thread, part)
    return start + row * step, start + row_end * step


@expanded
def move(p: Any, optimizer: int, rule: Any, decay: float, clip_norm: float) -> None:
    """The optimizer's step, for the thread's part of the parameters."""
    factor = 1.0
    if clip_norm < math.inf:
        squares = 0.0
        for stage in range(p.stages):
            for part in range(parts(p)):
                first, last = own_numbers(p, stage, part)
                squares += squared_norm(p.grad, first, last)
        p.partial[SQUARES * p.threads + p.thread] = squares
        wait(p.counter, p.threads)
        factor = clip_factor(combined(p, SQUARES), clip_norm)
    for stage in range(p.stages):
        for part in range(parts(p)):
            first, last = own_numbers(p, stage, part)
            update(optimizer, p.packed, p.grad, p.one, p.two, first, last, factor, decay, rule, p.lanes)
    wait(p.counter, p.threads)


@expanded
def transpose(p: Any) -> None:
    """Renew W^T of all stages but the first, which needs none."""
    for stage in range(1, p.stages):
        for part in range(parts(p)):
            transpose_stage(p, stage, part)
    wait(p.counter, p.threads)


@expanded
def memory(plan: Any, data: Any, order: Any, thread: int, theta: Any, like: Any) -> Any:
    """The plan, the data and the order as the functions above see them; their numbers are of the dtype of theta.

    Activations, their derivatives and the targets are loaded as through the pointer `like`.
    """
    info = np.finfo(theta.dtype)
    return Memory(
        integers_at(plan.table), plan.n_stages, lanes_of(like), thread, plan.threads, floats_at(plan.packed, theta),
        plan.n_packed, floats_at(plan.grad, theta), floats_at(plan.one, theta), floats_at(plan.two, theta),
        floats_at(plan.a, like), floats_at(plan.da, like), floats_at(plan.transposed, theta), plan.block_start,
        integers_at(plan.offsets),
        integers_at(plan.x_offsets), floats_at(plan.targets, like), floats_at(plan.mask, theta),
        floats_at(plan.sums, theta), doubles_at(plan.partial), integers_at(plan.counter), floats_at(data.x, theta),
        integers_at(data.y), floats_at(data.y, theta), data.value_columns, pointer(order), plan.batch_size, data.loss,
        data.per_example, info.eps, info.tiny,
    )  # fmt: skip


@expanded
def exchange(p: Any, theta: Any, state: Any, back: bool) -> None:
    """Copy theta and the optimizer's state into the memory of the plan, or back."""
    pack(p, theta, p.packed, back)
    for s in range(len(state)):
        pack(p, state[s], p.one if s == 0 else p.two, back)


@expanded
def within(numbers: Any, n: int, limit: int) -> bool:
    """Whether each of n numbers is one of 0 ... limit - 1."""
    signs = 0
    for i in range(n):
        signs |= numbers[i] | (limit - 1 - numbers[i])  # negative, if the number is, or if what is left of the limit is
    return signs >= 0


@expanded
def readable(p: Any, examples: int, n: int) -> bool:
    """Whether the labels are those of classes, and the n numbers of the order those of examples."""
    if p.value_columns == 0 and not within(p.labels, examples, p.table[(p.stages - 1) * COLUMNS + N_OUT]):
        return False
    return within(p.order, n, examples)


@keep_on_disk
@njit(nogil=True)
def train_steps(
    plan: Any, data: Any, order: Any, mode: int, straight: bool, theta: Any, state: Any, optimizer: int, rules: Any,
    decay: float, clip_norm: float, report: Any, thread: int,
) -> bool:  # fmt: skip
    """Forward, loss, backward, update, for every batch of the order; to be called once in each thread, at the same time.

    Parameters
    ----------
    plan, data
        A `Plan` and `Data`, as `numbered` returns them.
    order : array of int64 (n,)
        The row numbers of the examples.
    mode : int
        TRAIN: take a step for each batch. GRADIENT: leave its gradient in `grad`. EVALUATE: its loss and n_correct only.
    straight : bool
        Gradient descent without momentum, decay or clipping: each product x^T dz goes straight into W.
    theta, state : array (P,), (n, P)
        Read at the beginning, written at the end; theta then holds the gradient of the last batch, if that was asked for.
    optimizer : int
        Code of the rule.
    rules : array of float64 (n, 1 + k)
        The learning rate and the constants of the optimizer, for each step; a single row for all.
    decay, clip_norm : float
        As for `Optimizer`; an infinite norm for no clipping.
    report : array of float64 (2, n_steps)
        For the loss and the number of correct predictions of each step.
    thread : int
        0, 1, ... of `plan.threads`. No thread reads what another writes before both have passed a barrier.

    Returns
    -------
    bool
        False if nothing was done, because a label is outside the classes, or a row number of the order outside the data.
    """
    plan, data = read_plan(plan), read_data(data)
    p = memory(plan, data, order, thread, theta, pointer(theta))
    if thread == 0:
        p.partial[0] = readable(p, data.examples, len(order))
    wait(p.counter, p.threads)
    if not p.partial[0]:
        return False
    control = flush_denormals()
    p_wide = memory(plan, data, order, thread, theta, wide(pointer(theta)))
    if thread == 0:
        exchange(p, theta, state, False)
    wait(p.counter, p.threads)
    if not plan.narrow:
        transpose(p)
    online = straight and p.batch_size == 1 and p.threads == 1
    for step in range(report.shape[1]):
        first = step * p.batch_size
        size = min(p.batch_size, len(order) - first)
        rule = pointer(rules[min(step, len(rules) - 1)])
        if online:
            report[LOSS, step], report[CORRECT, step] = online_step(p, first, rule[0])
        elif plan.narrow:
            report[LOSS, step], report[CORRECT, step] = narrow_pass(p, p_wide, first, size, mode != EVALUATE)
        else:
            forward(p, first, size)
            if thread == 0:
                report[LOSS, step], report[CORRECT, step] = combined(p, LOSS), combined(p, CORRECT)
            if mode != EVALUATE:
                backward(p, size, straight, rule[0])
        if mode == TRAIN and not straight:
            move(p, optimizer, rule, decay, clip_norm)
        if mode == TRAIN and not (plan.narrow or online):
            transpose(p)
    if thread == 0:
        if mode == GRADIENT:
            pack(p, theta, p.grad, True)
        elif mode == TRAIN:
            exchange(p, theta, state, True)
    restore(control)
    return True
