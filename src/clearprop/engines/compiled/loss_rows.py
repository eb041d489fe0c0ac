"""The loss of the kernel for the rows that one thread has: value, derivative and hits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from clearprop.engines.compiled.lane_math import exp, log
from clearprop.engines.compiled.lane_moves import spaced
from clearprop.engines.compiled.lanes import expanded, fill, largest, load, numbers, pick, smallest, store, total
from clearprop.engines.compiled.loss_blocks import hits_an_example, loss_block, read_targets
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
from clearprop.engines.compiled.passes import differentiate, softmax_row
from clearprop.engines.compiled.plan import ACTIVATION, COLUMNS, N_OUT, NONE, WIDTH, A

FEW = 2  # examples for which a block is not worth its turning round


@expanded
def labelled_row(y_hat: Any, dy: Any, begin: int, n: int, label: int, scale: float) -> tuple[float, float]:
    """Cross-entropy log S + m - z_c of one row of scores that fits into a register, and hit; writes dz = scale * (p - y)."""
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
def class_hit(y_hat: Any, begin: int, targets: Any, t: int, n: int) -> float:
    """1 if the largest prediction of a row is where the largest target is."""
    best = wanted = 0
    for j in range(1, n):
        best = j if y_hat[begin + j] > y_hat[begin + best] else best
        wanted = j if targets[t + j] > targets[t + wanted] else wanted
    return 1.0 if best == wanted else 0.0


@expanded
def class_row(
    code: int, y_hat: Any, dy: Any, begin: int, targets: Any, t: int, n: int, width: int, scale: float, lanes: int, tiny: float
) -> tuple[float, float]:
    """Loss and hit of one example whose target is a class; writes scale * dL/dy_hat."""
    hit = class_hit(y_hat, begin, targets, t, n)
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
    return value, hit


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
    """The same for a loss that compares number by number; a hit is the share of outputs on the right side."""
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
    hits = 0
    for j in range(n):
        hits += (y_hat[begin + j] > threshold) == (targets[t + j] > 0.5)
    return value, hits / n


@expanded
def loss_of_rows(p: Any, first: int, row: int, row_end: int, scale: float) -> tuple[float, float]:
    """`loss_rows` for at most as many rows as there are lanes, where a row is one register: turned round, and back."""
    at, lanes, own = (p.stages - 1) * COLUMNS, p.lanes, p.thread * p.lanes
    here = p.block_start + own * lanes
    n, start, code = p.table[at + N_OUT], p.table[at + A], p.table[at + ACTIVATION]
    read_targets(p, first + row, row_end - row)
    for j in range(n):  # the last block reads on into the memory behind the rows; those lanes are not used
        store(p.a, here + j * lanes, spaced(p.a, start + row * lanes + j, lanes))
    losses, hits = loss_block(p, here, row_end - row, scale)
    for r in range(row, row_end):
        dz = fill(p.a, 0.0)  # put together in a register: a row of single numbers could not be loaded before all are written
        for j in range(n):
            dz = pick(numbers(p.a) == float(j), fill(p.a, p.da[here + j * lanes + r - row]), dz)
        store(p.da, start + r * lanes, dz)
        if code != NONE:
            differentiate(code, p.a, p.da, start + r * lanes, lanes, 0, lanes, lanes)
    return total(losses), total(hits) / hits_an_example(p)


@expanded
def loss_rows(p: Any, first: int, row: int, row_end: int, scale: float) -> tuple[float, float]:
    """Sums of losses and of hits over some rows of the batch; writes dz of the last stage, of scale * the sum of losses.

    `first` is the place of the batch in the order of the examples.
    """
    at = (p.stages - 1) * COLUMNS
    n, width, start, code = p.table[at + N_OUT], p.table[at + WIDTH], p.table[at + A], p.table[at + ACTIVATION]
    value = hits = 0.0
    labelled = p.loss == CROSS_ENTROPY and p.value_columns == 0 and code == NONE
    if width == p.lanes and labelled and row_end - row <= FEW:
        for r in range(row, row_end):
            v, h = labelled_row(p.a, p.da, start + r * width, n, p.labels[p.order[first + r]], scale)
            value += v
            hits += h
        return value, hits
    if width == p.lanes:
        for r in range(row, row_end, p.lanes):
            v, h = loss_of_rows(p, first, r, min(r + p.lanes, row_end), scale)
            value += v
            hits += h
        return value, hits
    for r in range(row, row_end):
        begin, t = start + r * width, r * width
        set_target(p, t, n, p.order[first + r])
        if p.loss <= LIKELIHOOD:
            v, h = class_row(p.loss, p.a, p.da, begin, p.targets, t, n, width, scale, p.lanes, p.tiny)
        else:
            v, h = number_row(p.loss, p.a, p.da, begin, p.targets, t, p.mask, n, width, scale, p.lanes, p.eps)
        differentiate(code, p.a, p.da, begin, width, 0, width, p.lanes)
        value += v
        hits += h
    return value, hits
