"""Stages without a product: an activation that follows none, Dropout, and BatchNorm, forward and backward side by side.

The threads divide the rows of the batch; of a BatchNorm, whose figures are those of a column, the columns. What a stage saves
lies in `extra`: the mask of a Dropout, row by row; x_hat of a BatchNorm, then a row of s = 1 / sqrt(var + eps). Its running
averages have a place of their own, which training and validation share.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.engines.compiled.barrier import wait
from clearprop.engines.compiled.generator import draw_uniform
from clearprop.engines.compiled.lanes import fill, load, numbers, pick, store
from clearprop.engines.compiled.linkage import call
from clearprop.engines.compiled.memory import Memory, doubles_at, floats_at
from clearprop.engines.compiled.plan import (
    ALONE,
    COLUMNS,
    DF,
    DROPOUT,
    EVALUATE,
    EXTRA,
    GENERATOR,
    KIND,
    N_OUT,
    NUMBERS_AT,
    RUNNING_AT,
    WIDTH,
    A,
    F,
    W,
)
from clearprop.engines.compiled.stages import share


def other_forward(p: Memory, stage: int, size: int) -> None:
    """The output of one stage, for this thread's part of the batch."""
    kind = p.table[stage * COLUMNS + KIND]
    if kind == ALONE:
        forward_alone(p, stage, size)
    elif kind == DROPOUT:
        forward_dropout(p, stage, size)
    else:
        forward_norm(p, stage, size)


def other_backward(p: Memory, stage: int, size: int) -> None:
    """dz of the stage before, from the gradient with respect to the output of this one."""
    kind = p.table[stage * COLUMNS + KIND]
    if kind == ALONE:
        backward_alone(p, stage, size)
    elif kind == DROPOUT:
        backward_dropout(p, stage, size)
    else:
        backward_norm(p, stage, size)


def begin_of_row(p: Any, stage: int, row: int) -> int:
    """Where a row of the input of a stage begins, in the data or in the outputs of the stage before."""
    return p.x_offsets[p.thread * p.batch_size + row] if stage == 0 else p.offsets[(stage - 1) * p.batch_size + row]


def input_at(p: Any, stage: int, row: int, j: int) -> Any:
    """A register of one row of the input; rows of the data are not padded, so their end is read number by number."""
    at = begin_of_row(p, stage, row) + j
    if stage > 0:
        return load(p.a, at)
    return end_of_row(p, stage, at, j)


def end_of_row(p: Any, stage: int, at: int, j: int) -> Any:
    """A register of a row of the data, with zeros behind its end."""
    n, spare = p.table[stage * COLUMNS + N_OUT], p.thread * p.lanes
    store(p.spare, spare, fill(p.a, 0.0))
    for k in range(min(p.lanes, n - j)):
        p.spare[spare + k] = p.x[at + k]
    return load(p.spare, spare)


def finish(p: Any, stage: int, row: int, row_end: int) -> None:
    """Multiply da of the stage before by f'(z), if it has an activation."""
    before = (stage - 1) * COLUMNS
    width, start, unit = p.table[before + WIDTH], p.table[before + A], p.table[before + DF]
    if unit != 0 and row < row_end:
        call(unit, p.a, p.z, p.da, start + row * width, start + row_end * width, p.table[before + N_OUT], width)


# --- an activation alone: a = f(x), dx = da f'(x) = dz


def forward_alone(p: Any, stage: int, size: int) -> None:
    """a = f(x)."""
    t, at = p.table, stage * COLUMNS
    width, start = t[at + WIDTH], t[at + A]
    row, row_end = share(size, 1, p.thread, p.threads)
    for r in range(row, row_end):
        for j in range(0, width, p.lanes):
            store(p.a, start + r * width + j, input_at(p, stage, r, j))
    if row < row_end:
        call(t[at + F], p.a, p.z, start + row * width, start + row_end * width, t[at + N_OUT], width)


def backward_alone(p: Any, stage: int, size: int) -> None:
    """dx = dz, where the stage behind this one, or the loss, has made dz = da f'(x) of da, as it does for a product."""
    t, at = p.table, stage * COLUMNS
    width, start = t[at + WIDTH], t[at + A]
    row, row_end = share(size, 1, p.thread, p.threads)
    if row < row_end and stage > 0:
        for k in range(row * width, row_end * width, p.lanes):
            store(p.da, t[at - COLUMNS + A] + k, load(p.da, start + k))
        finish(p, stage, row, row_end)


# --- Dropout: y = m x, dx = m dy


def forward_dropout(p: Any, stage: int, size: int) -> None:
    """y = m x while training, where the numbers of the mask m are 0 or 1 / (1 - rate); else y = x."""
    t, at = p.table, stage * COLUMNS
    width, start, mask = t[at + WIDTH], t[at + A], t[at + EXTRA]
    if p.mode != EVALUATE:
        if p.thread == 0:
            draw_mask(p, stage, size)
        wait(p)
    row, row_end = share(size, 1, p.thread, p.threads)
    for r in range(row, row_end):
        for j in range(0, width, p.lanes):
            x, k = input_at(p, stage, r, j), r * width + j
            if p.mode != EVALUATE:
                store(p.a, start + k, x * load(p.extra, mask + k))
            else:
                store(p.a, start + k, x)


def draw_mask(p: Any, stage: int, size: int) -> None:
    """One mask, from the layer's own generator, in the order in which NumPy would draw it."""
    t, at = p.table, stage * COLUMNS
    own = doubles_at(t[at + NUMBERS_AT])
    rate, factor = own[0], own[1]
    for r in range(size):
        for j in range(t[at + N_OUT]):
            kept = draw_uniform(t[at + GENERATOR]) >= rate
            p.extra[t[at + EXTRA] + r * t[at + WIDTH] + j] = factor if kept else 0.0


def backward_dropout(p: Any, stage: int, size: int) -> None:
    """dx = m dy."""
    t, at = p.table, stage * COLUMNS
    width = t[at + WIDTH]
    row, row_end = share(size, 1, p.thread, p.threads)
    if stage > 0:
        for k in range(row * width, row_end * width, p.lanes):
            dy, m = load(p.da, t[at + A] + k), load(p.extra, t[at + EXTRA] + k)
            store(p.da, t[at - COLUMNS + A] + k, dy * m)
        finish(p, stage, row, row_end)


# --- BatchNorm: y = gamma x_hat + beta, x_hat = s (x - mean), s = 1 / sqrt(var + eps)


def forward_norm(p: Any, stage: int, size: int) -> None:
    """y = gamma x_hat + beta, with the mean and variance of the batch while training, else with the running ones."""
    t, at, lanes = p.table, stage * COLUMNS, p.lanes
    width, w, x_hat = t[at + WIDTH], t[at + W], t[at + EXTRA]
    lane, lane_end = share(width, lanes, p.thread, p.threads)
    own, running = doubles_at(t[at + NUMBERS_AT]), floats_at(t[at + RUNNING_AT], p.a)
    momentum, eps = own[0], own[1]
    for j in range(lane, lane_end, lanes):
        old_mean, old_var = load(running, j), load(running, width + j)
        mean, var = old_mean, old_var
        if p.mode != EVALUATE:
            mean = batch_mean(p, stage, size, j)
            var = batch_variance(p, stage, size, j, mean)
            unbiased = var * (float(size) / (size - 1.0))
            store(running, j, old_mean + momentum * (mean - old_mean))
            store(running, width + j, old_var + momentum * (unbiased - old_var))
        s = pick(numbers_from(p, j) < float(t[at + N_OUT]), 1.0 / np.sqrt(var + eps), 0.0)
        store(p.extra, x_hat + p.batch_size * width + j, s)
        gamma, beta = load(p.packed, w + j), load(p.packed, w + width + j)
        for r in range(size):
            x = (input_at(p, stage, r, j) - mean) * s
            store(p.extra, x_hat + r * width + j, x)
            store(p.a, t[at + A] + r * width + j, gamma * x + beta)


def numbers_from(p: Any, j: int) -> Any:
    """j, j + 1, j + 2, ..."""
    return numbers(p.a) + float(j)


def batch_mean(p: Any, stage: int, size: int, j: int) -> Any:
    """Mean of a register of columns over the batch."""
    total = fill(p.a, 0.0)
    for r in range(size):
        total = total + input_at(p, stage, r, j)
    return total / float(size)


def batch_variance(p: Any, stage: int, size: int, j: int, mean: Any) -> Any:
    """Variance of a register of columns over the batch, the sum of squares divided by B."""
    total = fill(p.a, 0.0)
    for r in range(size):
        d = input_at(p, stage, r, j) - mean
        total = total + d * d
    return total / float(size)


def backward_norm(p: Any, stage: int, size: int) -> None:
    """dgamma = sum dy x_hat, dbeta = sum dy, dx = s (dx_hat - mean(dx_hat) - x_hat mean(dx_hat x_hat)), dx_hat = gamma dy."""
    t, at, lanes = p.table, stage * COLUMNS, p.lanes
    width, w, x_hat, start = t[at + WIDTH], t[at + W], t[at + EXTRA], t[at + A]
    saved = x_hat + p.batch_size * width
    lane, lane_end = share(width, lanes, p.thread, p.threads)
    for j in range(lane, lane_end, lanes):
        d_gamma, d_beta = fill(p.a, 0.0), fill(p.a, 0.0)
        for r in range(size):
            dy = load(p.da, start + r * width + j)
            d_gamma = d_gamma + dy * load(p.extra, x_hat + r * width + j)
            d_beta = d_beta + dy
        store(p.grad, w + j, d_gamma)
        store(p.grad, w + width + j, d_beta)
        if stage > 0:
            scale = load(p.packed, w + j) * load(p.extra, saved + j)
            mean_dy, mean_dy_x = d_beta / float(size), d_gamma / float(size)
            for r in range(size):
                k = r * width + j
                dx = load(p.da, start + k) - mean_dy - load(p.extra, x_hat + k) * mean_dy_x
                store(p.da, t[at - COLUMNS + A] + k, scale * dx)
    if stage > 0:
        wait(p)  # the activation before may need whole rows
        row, row_end = share(size, 1, p.thread, p.threads)
        finish(p, stage, row, row_end)
