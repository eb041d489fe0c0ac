"""The loss of the kernel for the rows of one thread: value, derivative and correct predictions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from clearprop.engines.compiled.lane_math import exp, log
from clearprop.engines.compiled.lane_moves import spaced
from clearprop.engines.compiled.lanes import expanded, fill, largest, load, numbers, pick, smallest, store, total
from clearprop.engines.compiled.loss_blocks import loss_block, n_answers, read_targets
from clearprop.engines.compiled.loss_functions import (
    BINARY,
    BINARY_LOGITS,
    CROSS_ENTROPY,
    LIKELIHOOD,
    SQUARED,
    bce,
    bce_logits,
    d_bce,
    d_bce_logits,
    d_squared,
    squared,
)
from clearprop.engines.compiled.plan import ACTIVATION, COLUMNS, N_OUT, NONE, WIDTH, A
from clearprop.engines.compiled.stages import differentiate, softmax_row

FEW = 2  # examples for which a block is not worth transposing


@expanded
def labelled_row(y_hat: Any, dy: Any, begin: int, n: int, label: int, scale: float) -> tuple[float, float]:
    """Cross-entropy log S + m - z_c of one row of scores that fits into a register; writes dz = scale * (p - y).

    Returns it, and 1 if the prediction is correct.
    """
    z, i = load(y_hat, begin), numbers(y_hat)
    real, true = i < float(n), i == float(label)
    masked = pick(real, z, fill(z, -np.inf))
    m = fill(z, largest(masked))
    e = pick(real, exp(z - m), fill(z, 0.0))
    s = total(e)
    store(dy, begin, (e / fill(z, s) - true) * scale)
    first = smallest(pick(masked == m, i, fill(z, np.inf)))
    return math.log(s) + total(pick(true, m - z, fill(z, 0.0))), 1.0 if first == label else 0.0


@expanded
def set_target(p: Any, begin: int, n: int, example: int) -> None:
    """One row of targets: one-hot if there are labels, else the values, a single one repeated."""
    if p.value_columns == 0:
        for j in range(n):
            p.targets[begin + j] = 0
        p.targets[begin + p.labels[example]] = 1
    else:
        for j in range(n):
            p.targets[begin + j] = p.values[example * p.value_columns + (j if p.value_columns > 1 else 0)]


@expanded
def class_correct(y_hat: Any, begin: int, targets: Any, t: int, n: int) -> float:
    """1 if the largest prediction of a row is where the largest target is, else 0."""
    best = wanted = 0
    for j in range(1, n):
        best = j if y_hat[begin + j] > y_hat[begin + best] else best
        wanted = j if targets[t + j] > targets[t + wanted] else wanted
    return 1.0 if best == wanted else 0.0


@expanded
def class_row(
    code: int, y_hat: Any, dy: Any, begin: int, targets: Any, t: int, n: int, width: int, scale: float, lanes: int, tiny: float
) -> tuple[float, float]:
    """Loss of one example whose target is a class, and 1 if it is predicted right; writes scale * dL/dy_hat."""
    correct = class_correct(y_hat, begin, targets, t, n)
    value = 0.0
    if code == CROSS_ENTROPY:
        # L = sum_i t_i (log S - (z_i - m)), dL/dz = p sum_i t_i - t
        largest, s = softmax_row(y_hat, begin, n, width, dy, begin, lanes)
        weight = 0.0
        for j in range(0, width, lanes):
            target = load(targets, t + j)
            term = target * (math.log(s) + largest - load(y_hat, begin + j))
            value += total(pick(target, term, fill(y_hat, 0.0)))
            weight += total(target)
        for j in range(0, width, lanes):
            store(dy, begin + j, (load(dy, begin + j) * weight - load(targets, t + j)) * scale)
    else:
        for j in range(0, width, lanes):
            target, p = load(targets, t + j), load(y_hat, begin + j)
            p = pick(p < tiny, fill(p, tiny), p)
            value += total(0.0 - target * log(p))
            store(dy, begin + j, (0.0 - target / p) * scale)
    return value, correct


@expanded
def number_row(
    code: int,
    y_hat: Any,
    dy: Any,
    begin: int,
    targets: Any,
    t: int,
    mask: Any,
    n: int,
    width: int,
    scale: float,
    lanes: int,
    eps: float,
) -> tuple[float, float]:
    """The same for a loss that compares number by number, with the share of outputs on the right side in place of the 1."""
    value = 0.0
    for j in range(0, width, lanes):
        p, y, real = load(y_hat, begin + j), load(targets, t + j), load(mask, j)
        if code == BINARY:
            p = pick(p < eps, fill(p, eps), p)
            p = pick(p > 1.0 - eps, fill(p, 1.0 - eps), p)
        if code == SQUARED:
            f, df = squared(p, y), d_squared(p, y)
        elif code == BINARY_LOGITS:
            f, df = bce_logits(p, y), d_bce_logits(p, y)
        else:
            f, df = bce(p, y), d_bce(p, y)
        zero = fill(p, 0.0)
        value += total(pick(real, f, zero))
        store(dy, begin + j, pick(real, df, zero) * scale)
    if code == SQUARED:
        return value, np.nan
    threshold = 0.0 if code == BINARY_LOGITS else 0.5
    n_correct = 0
    for j in range(n):
        n_correct += (y_hat[begin + j] > threshold) == (targets[t + j] > 0.5)
    return value, n_correct / n


@expanded
def loss_of_rows(p: Any, first: int, row: int, row_end: int, scale: float) -> tuple[float, float]:
    """`loss_rows` for at most as many rows as there are lanes, where a row is one register: transposed, and back."""
    at, lanes, own = (p.stages - 1) * COLUMNS, p.lanes, p.thread * p.lanes
    here = p.block_start + own * lanes
    n, start, code = p.table[at + N_OUT], p.table[at + A], p.table[at + ACTIVATION]
    read_targets(p, first + row, row_end - row)
    for j in range(n):  # the last block reads on into the memory behind the rows; those lanes are not used
        store(p.a, here + j * lanes, spaced(p.a, start + row * lanes + j, lanes))
    losses, n_correct = loss_block(p, here, row_end - row, scale)
    for r in range(row, row_end):
        dz = fill(p.a, 0.0)  # put together in a register: a row of single numbers could not be loaded before all are written
        for j in range(n):
            dz = pick(numbers(p.a) == float(j), fill(p.a, p.da[here + j * lanes + r - row]), dz)
        store(p.da, start + r * lanes, dz)
        if code != NONE:
            differentiate(code, p.a, p.da, start + r * lanes, lanes, 0, lanes, lanes)
    return total(losses), total(n_correct) / n_answers(p)


@expanded
def loss_rows(p: Any, first: int, row: int, row_end: int, scale: float) -> tuple[float, float]:
    """Sums of losses and of correct predictions over some rows of the batch; writes dz of the last stage, times scale.

    `first` is the place of the batch in the order of the examples.
    """
    at = (p.stages - 1) * COLUMNS
    n, width, start, code = p.table[at + N_OUT], p.table[at + WIDTH], p.table[at + A], p.table[at + ACTIVATION]
    value = n_correct = 0.0
    labelled = p.loss == CROSS_ENTROPY and p.value_columns == 0 and code == NONE
    if width == p.lanes and labelled and row_end - row <= FEW:
        for r in range(row, row_end):
            v, c = labelled_row(p.a, p.da, start + r * width, n, p.labels[p.order[first + r]], scale)
            value += v
            n_correct += c
        return value, n_correct
    if width == p.lanes:
        for r in range(row, row_end, p.lanes):
            v, c = loss_of_rows(p, first, r, min(r + p.lanes, row_end), scale)
            value += v
            n_correct += c
        return value, n_correct
    for r in range(row, row_end):
        begin, t = start + r * width, r * width
        set_target(p, t, n, p.order[first + r])
        if p.loss <= LIKELIHOOD:
            v, c = class_row(p.loss, p.a, p.da, begin, p.targets, t, n, width, scale, p.lanes, p.tiny)
        else:
            v, c = number_row(p.loss, p.a, p.da, begin, p.targets, t, p.mask, n, width, scale, p.lanes, p.eps)
        differentiate(code, p.a, p.da, begin, width, 0, width, p.lanes)
        value += v
        n_correct += c
    return value, n_correct
