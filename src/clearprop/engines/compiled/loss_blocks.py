"""The loss of the kernel for a block of examples, one in each lane: value, derivative and correct predictions."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.engines.compiled.lane_moves import add_products, gather
from clearprop.engines.compiled.lanes import fill, lanes_of, load, numbers, pick, store
from clearprop.engines.compiled.memory import epsilon, smallest_normal
from clearprop.engines.compiled.plan import COLUMNS, N_OUT, WIDTH


def read_targets(p: Any, begin: int, n_real: int) -> None:
    """The targets of a block, unit by unit: one-hot if there are labels, else the values, a single one repeated."""
    lanes, n, own = p.lanes, p.table[(p.stages - 1) * COLUMNS + N_OUT], p.thread * p.lanes
    if p.value_columns == 0:
        label = gather(p.labels, p.order, begin, n_real, 1, 0, p.a)
        for j in range(n):
            store(p.targets, (own + j) * lanes, label == float(j))
    else:
        for j in range(n):
            column = j if p.value_columns > 1 else 0
            store(p.targets, (own + j) * lanes, gather(p.values, p.order, begin, n_real, p.value_columns, column, p.a))


def n_answers(p: Any, loss: Any) -> int:
    """Answers that an example gives, each right or wrong: one, its class, or one for each output."""
    return 1 if loss.of_classes else p.table[(p.stages - 1) * COLUMNS + N_OUT]


def loss_block(p: Any, loss: Any, start: int, begin: int, n_real: int, scale: float) -> None:
    """Loss and right answers of the n_real examples of a block, added to `block_sums`, a register for each.

    Reads the outputs at a[start], unit by unit, and writes scale times the derivatives with respect to them to da[start].
    `begin` is the place of the examples in the order.
    """
    read_targets(p, begin, n_real)
    value, n_correct = losses_of_block(p, loss, start, begin, n_real, scale)
    one, lanes = fill(p.a, 1.0), lanes_of(p.block_sums)
    store(p.block_sums, 0, add_products(one, value, load(p.block_sums, 0)))
    store(p.block_sums, lanes, add_products(one, n_correct, load(p.block_sums, lanes)))


def weights_of_block(p: Any, begin: int, n_real: int) -> Any:
    """The weights of the examples of a block: 1, unless there are others."""
    weights = fill(p.a, 1.0)
    if p.weighted != 0:
        weights = gather(p.weights, p.order, begin, n_real, 1, 0, p.a)
    return weights


def losses_of_block(p: Any, loss: Any, start: int, begin: int, n_real: int, scale: float) -> tuple[Any, Any]:
    """Loss, times weight, and number of right answers of each example of a block; zero from n_real on.

    The targets have been read; `begin` is the place of the examples in the order.
    """
    weights = weights_of_block(p, begin, n_real)
    n = p.table[(p.stages - 1) * COLUMNS + N_OUT]
    real, zero = numbers(p.a) < float(n_real), fill(p.a, 0.0)
    if loss.of_classes:
        value, n_correct = class_block(p, loss, start, n, real * scale * weights)
    else:
        value, n_correct = number_block(p, loss, start, n, real * scale * weights)
    return pick(real, value * weights, zero), pick(real, n_correct, zero)


def softmax_block(z: Any, start: int, y: Any, begin: int, n: int, lanes: int) -> tuple[Any, Any]:
    """y <- softmax over n units, for each example; returns the largest score m and the sum of exp(z - m)."""
    m = load(z, start)
    for j in range(1, n):
        z_j = load(z, start + j * lanes)
        m = pick(z_j > m, z_j, m)
    s = fill(z, 0.0)
    for j in range(n):
        e = np.exp(load(z, start + j * lanes) - m)
        store(y, begin + j * lanes, e)
        s = s + e
    part = 1.0 / s
    for j in range(n):
        store(y, begin + j * lanes, load(y, begin + j * lanes) * part)
    return m, s


def class_block(p: Any, loss: Any, start: int, n: int, scale: Any) -> tuple[Any, Any]:
    """The same where the target is a class; a right answer is that class."""
    lanes, own = p.lanes, p.thread * p.lanes
    total = fill(p.a, 0.0)
    if loss.on_logits and loss.f is not None:
        total = term_block(p, loss, start, n, scale)
    elif loss.on_logits:
        # L = sum_i t_i (log S - (z_i - m)), dL/dz = p sum_i t_i - t
        m, s = softmax_block(p.a, start, p.da, start, n, lanes)
        top, weight = np.log(s) + m, fill(p.a, 0.0)
        for j in range(n):
            t = adjusted(p, loss, own, j)
            total = total + pick(t, t * (top - load(p.a, start + j * lanes)), fill(p.a, 0.0))
            weight = weight + t
        for j in range(n):
            k = start + j * lanes
            store(p.da, k, (load(p.da, k) * weight - adjusted(p, loss, own, j)) * scale)
    else:
        tiny = fill(p.a, smallest_normal(p.a))
        for j in range(n):
            target, given = load(p.targets, (own + j) * lanes), load(p.a, start + j * lanes)
            y_hat = pick(given < tiny, tiny, given)
            total = total - target * np.log(y_hat)
            store(p.da, start + j * lanes, (0.0 - target / y_hat) * scale)
    return total, best(p.a, start, n, lanes) == best(p.targets, own * lanes, n, lanes)


def adjusted(p: Any, loss: Any, own: int, j: int) -> Any:
    """The targets of unit j, smoothed and weighted if the loss asks for it."""
    t = load(p.targets, (own + j) * p.lanes)
    if loss.adjusted:
        width = p.table[(p.stages - 1) * COLUMNS + WIDTH]
        return t * fill(p.a, p.class_terms[j]) + fill(p.a, p.class_terms[width + j])
    return t


def term_block(p: Any, loss: Any, start: int, n: int, scale: Any) -> Any:
    """sum_i t_i f(log p_i) for each example of a block; writes dz = scale * (t f' - p sum_i t_i f'_i)."""
    lanes, own = p.lanes, p.thread * p.lanes
    m, s = softmax_block(p.a, start, p.da, start, n, lanes)
    log_sum, total, weight = np.log(s) + m, fill(p.a, 0.0), fill(p.a, 0.0)
    for j in range(n):
        log_p, t = load(p.a, start + j * lanes) - log_sum, load(p.targets, (own + j) * lanes)
        total = total + pick(t, t * loss.f(log_p, *loss.constants), fill(p.a, 0.0))
        weight = weight + t * loss.df(log_p, *loss.constants)
    for j in range(n):
        k = start + j * lanes
        g = load(p.targets, (own + j) * lanes) * loss.df(load(p.a, k) - log_sum, *loss.constants)
        store(p.da, k, (g - load(p.da, k) * weight) * scale)
    return total


def best(y: Any, start: int, n: int, lanes: int) -> Any:
    """The unit with the largest number, for each example; the first of several that are equal."""
    top, found = load(y, start), fill(y, 0.0)
    for j in range(1, n):
        y_j = load(y, start + j * lanes)
        larger = y_j > top
        top, found = pick(larger, y_j, top), pick(larger, fill(y, float(j)), found)
    return found


def number_block(p: Any, loss: Any, start: int, n: int, scale: Any) -> tuple[Any, Any]:
    """The same for a loss that compares number by number; a right answer is an output on the right side."""
    lanes, own = p.lanes, p.thread * p.lanes
    total, n_correct = fill(p.a, 0.0), fill(p.a, 0.0)
    for j in range(n):
        y, given = load(p.targets, (own + j) * lanes), load(p.a, start + j * lanes)
        y_hat = bounded(loss, given)
        total = total + loss.f(y_hat, y, *loss.constants)
        if loss.threshold is not None:
            n_correct = n_correct + ((given > loss.threshold) == (y > 0.5))
        store(p.da, start + j * lanes, loss.df(y_hat, y, *loss.constants) * scale)
    return total, n_correct if loss.threshold is not None else fill(p.a, np.nan)


def bounded(loss: Any, y_hat: Any) -> Any:
    """Predictions, moved into [eps, 1 - eps] if the loss asks for it."""
    if loss.bounded:
        eps = fill(y_hat, epsilon(y_hat))
        above = pick(y_hat < eps, eps, y_hat)
        return pick(above > 1.0 - eps, 1.0 - eps, above)
    return y_hat
