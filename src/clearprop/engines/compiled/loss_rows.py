"""The loss of the kernel for the rows of one thread: value, derivative and correct predictions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from clearprop.engines.compiled.lane_moves import spaced
from clearprop.engines.compiled.lanes import fill, largest, load, numbers, pick, smallest, store, total
from clearprop.engines.compiled.linkage import call
from clearprop.engines.compiled.loss_blocks import bounded, losses_of_block, n_answers, read_targets
from clearprop.engines.compiled.memory import smallest_normal
from clearprop.engines.compiled.plan import COLUMNS, DF, N_OUT, WIDTH, A

FEW = 2  # examples for which a block is not worth transposing


def labelled_row(y_hat: Any, dy: Any, begin: int, n: int, label: int, scale: float) -> tuple[float, float]:
    """Cross-entropy log S + m - z_c of one row of scores that fits into a register; writes dz = scale * (p - y).

    Returns it, and 1 if the prediction is correct.
    """
    z, i = load(y_hat, begin), numbers(y_hat)
    real, true = i < float(n), i == float(label)
    masked = pick(real, z, fill(z, -np.inf))
    m = fill(z, largest(masked))
    e = pick(real, np.exp(z - m), fill(z, 0.0))
    s = total(e)
    store(dy, begin, (e / fill(z, s) - true) * scale)
    first = smallest(pick(masked == m, i, fill(z, np.inf)))
    return math.log(s) + total(pick(true, m - z, fill(z, 0.0))), 1.0 if first == float(label) else 0.0


def set_target(p: Any, begin: int, n: int, example: int) -> None:
    """One row of targets: one-hot if there are labels, else the values, a single one repeated."""
    if p.value_columns == 0:
        for j in range(n):
            p.targets[begin + j] = 0
        p.targets[begin + p.labels[example]] = 1
    else:
        for j in range(n):
            p.targets[begin + j] = p.values[example * p.value_columns + (j if p.value_columns > 1 else 0)]


def class_correct(y_hat: Any, begin: int, targets: Any, t: int, n: int) -> float:
    """1 if the largest prediction of a row is where the largest target is, else 0."""
    best = 0
    wanted = 0
    for j in range(1, n):
        best = j if y_hat[begin + j] > y_hat[begin + best] else best
        wanted = j if targets[t + j] > targets[t + wanted] else wanted
    return 1.0 if best == wanted else 0.0


def softmax_row(z: Any, start: int, n: int, width: int, p: Any, begin: int, lanes: int) -> tuple[float, float]:
    """p <- softmax of one row of scores; returns the row's maximum m and the sum of exp(z - m)."""
    top = z[start]
    for j in range(start + 1, start + n):
        top = max(top, z[j])
    for j in range(start + n, start + width):
        z[j] = top  # padding must not overflow
    for j in range(0, width, lanes):
        store(p, begin + j, np.exp(load(z, start + j) - fill(z, top)))
    for j in range(begin + n, begin + width):
        p[j] = 0
    s = 0.0
    for j in range(begin, begin + width, lanes):
        s += total(load(p, j))
    for j in range(begin, begin + width, lanes):
        store(p, j, load(p, j) / fill(p, s))
    return top, s


def adjusted(loss: Any, p: Any, t: int, j: int, width: int) -> Any:
    """A register of the targets of one row, smoothed and weighted if the loss asks for it."""
    target = load(p.targets, t + j)
    return target * load(p.class_terms, j) + load(p.class_terms, width + j) if loss.adjusted else target


def class_row(loss: Any, p: Any, begin: int, t: int, n: int, width: int, scale: float) -> tuple[float, float]:
    """Loss of one example whose target is a class, and 1 if it is predicted right; writes scale * dL/dy_hat."""
    y_hat, dy, targets, lanes = p.a, p.da, p.targets, p.lanes
    correct = class_correct(y_hat, begin, targets, t, n)
    value = 0.0
    if loss.on_logits and loss.f is not None:
        value = term_row(loss, p, begin, t, n, width, scale)
    elif loss.on_logits:
        # L = sum_i t_i (log S - (z_i - m)), dL/dz = p sum_i t_i - t
        top, s = softmax_row(y_hat, begin, n, width, dy, begin, lanes)
        weight, log_s = 0.0, math.log(s)
        for j in range(0, width, lanes):
            target = adjusted(loss, p, t, j, width)
            term = target * (log_s + top - load(y_hat, begin + j))
            value += total(pick(target, term, fill(y_hat, 0.0)))
            weight += total(target)
        for j in range(0, width, lanes):
            store(dy, begin + j, (load(dy, begin + j) * weight - adjusted(loss, p, t, j, width)) * scale)
    else:
        tiny = fill(y_hat, smallest_normal(y_hat))
        for j in range(0, width, lanes):
            wanted, given = load(targets, t + j), load(y_hat, begin + j)
            share = pick(given < tiny, tiny, given)
            value += total(0.0 - wanted * np.log(share))
            store(dy, begin + j, (0.0 - wanted / share) * scale)
    return value, correct


def term_row(loss: Any, p: Any, begin: int, t: int, n: int, width: int, scale: float) -> float:
    """sum_i t_i f(log p_i) for one row of scores; writes dz = scale * (t f' - p sum_i t_i f'_i)."""
    top, s = softmax_row(p.a, begin, n, width, p.da, begin, p.lanes)
    value, weight, log_sum = 0.0, 0.0, top + math.log(s)
    for j in range(0, width, p.lanes):
        log_p, target = load(p.a, begin + j) - log_sum, load(p.targets, t + j)
        value += total(pick(target, target * loss.f(log_p, *loss.constants), fill(p.a, 0.0)))
        weight += total(target * loss.df(log_p, *loss.constants))
    for j in range(0, width, p.lanes):
        g = load(p.targets, t + j) * loss.df(load(p.a, begin + j) - log_sum, *loss.constants)
        store(p.da, begin + j, (g - load(p.da, begin + j) * weight) * scale)
    return value


def number_row(
    loss: Any, y_hat: Any, dy: Any, begin: int, targets: Any, t: int, mask: Any, n: int, width: int, scale: float, lanes: int
) -> tuple[float, float]:
    """The same for a loss that compares number by number, with the share of outputs on the right side in place of the 1."""
    value = 0.0
    for j in range(0, width, lanes):
        y, real, zero = load(targets, t + j), load(mask, j), fill(y_hat, 0.0)
        p = bounded(loss, load(y_hat, begin + j))
        value += total(pick(real, loss.f(p, y, *loss.constants), zero))
        store(dy, begin + j, pick(real, loss.df(p, y, *loss.constants), zero) * scale)
    n_correct = 0.0
    if loss.threshold is not None:
        for j in range(n):
            n_correct += 1.0 if (y_hat[begin + j] > loss.threshold) == (targets[t + j] > 0.5) else 0.0
    return value, n_correct / n if loss.threshold is not None else np.nan


def loss_of_rows(p: Any, loss: Any, first: int, row: int, row_end: int, scale: float) -> tuple[float, float]:
    """`loss_rows` for at most as many rows as there are lanes, where a row is one register: transposed, and back."""
    at, lanes, own = (p.stages - 1) * COLUMNS, p.lanes, p.thread * p.lanes
    here = p.block_start + own * lanes
    n, start, unit = p.table[at + N_OUT], p.table[at + A], p.table[at + DF]
    read_targets(p, first + row, row_end - row)
    for j in range(n):  # the last block reads on into the memory behind the rows; those lanes are not used
        store(p.a, here + j * lanes, spaced(p.a, start + row * lanes + j, lanes))
    losses, n_correct = losses_of_block(p, loss, here, first + row, row_end - row, scale)
    for r in range(row, row_end):
        dz = fill(p.a, 0.0)  # put together in a register: a row of single numbers could not be loaded before all are written
        for j in range(n):
            dz = pick(numbers(p.a) == float(j), fill(p.a, p.da[here + j * lanes + r - row]), dz)
        store(p.da, start + r * lanes, dz)
    if unit != 0:
        call(unit, p.a, p.z, p.da, start + row * lanes, start + row_end * lanes, n, lanes)
    return total(losses), total(n_correct) / n_answers(p, loss)


def weight_of(p: Any, example: int) -> float:
    """The weight of an example: 1, unless it has another."""
    return float(p.weights[example]) if p.weighted != 0 else 1.0


def loss_rows(p: Any, loss: Any, first: int, row: int, row_end: int, scale: float) -> tuple[float, float]:
    """Sums of losses and of correct predictions over some rows of the batch; writes dz of the last stage, times scale.

    `first` is the place of the batch in the order of the examples.
    """
    at = (p.stages - 1) * COLUMNS
    n, width, start, unit = p.table[at + N_OUT], p.table[at + WIDTH], p.table[at + A], p.table[at + DF]
    value = 0.0
    n_correct = 0.0
    plain = loss.on_logits and loss.f is None and not loss.adjusted
    labelled = plain and p.value_columns == 0 and unit == 0 and row_end - row <= FEW
    if labelled and width == p.lanes:
        for r in range(row, row_end):
            w = weight_of(p, p.order[first + r])
            v, c = labelled_row(p.a, p.da, start + r * width, n, p.labels[p.order[first + r]], scale * w)
            value += v * w
            n_correct += c
    elif width == p.lanes:
        for r in range(row, row_end, p.lanes):
            v, c = loss_of_rows(p, loss, first, r, min(r + p.lanes, row_end), scale)
            value += v
            n_correct += c
    else:
        for r in range(row, row_end):
            begin, t, w = start + r * width, r * width, weight_of(p, p.order[first + r])
            set_target(p, t, n, p.order[first + r])
            if loss.of_classes:
                v, c = class_row(loss, p, begin, t, n, width, scale * w)
            else:
                v, c = number_row(loss, p.a, p.da, begin, p.targets, t, p.mask, n, width, scale * w, p.lanes)
            value += v * w
            n_correct += c
        if unit != 0 and row < row_end:
            call(unit, p.a, p.z, p.da, start + row * width, start + row_end * width, n, width)
    return value, n_correct
