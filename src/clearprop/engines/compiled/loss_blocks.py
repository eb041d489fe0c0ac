"""The loss of the kernel for a block of examples, one in each lane: value, derivative and correct predictions."""

from __future__ import annotations

from typing import Any

from clearprop.engines.compiled.lane_math import exp, log
from clearprop.engines.compiled.lane_moves import gather
from clearprop.engines.compiled.lanes import expanded, fill, load, numbers, pick, store
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
from clearprop.engines.compiled.plan import COLUMNS, N_OUT


@expanded
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


@expanded
def n_answers(p: Any) -> int:
    """Answers that an example gives, each right or wrong: one, its class, or one for each output."""
    return 1 if p.loss <= LIKELIHOOD else p.table[(p.stages - 1) * COLUMNS + N_OUT]


@expanded
def loss_block(p: Any, start: int, n_real: int, scale: float) -> tuple[Any, Any]:
    """Loss and number of right answers of each example of a block, of which n_real examples count.

    Reads the outputs at a[start], unit by unit, and writes scale times the derivatives with respect to them to da[start].
    """
    n = p.table[(p.stages - 1) * COLUMNS + N_OUT]
    real, zero = numbers(p.a) < float(n_real), fill(p.a, 0.0)
    if p.loss <= LIKELIHOOD:
        loss, n_correct = class_block(p, start, n, real * scale)
    else:
        loss, n_correct = number_block(p, start, n, real * scale)
    return pick(real, loss, zero), pick(real, n_correct, zero)


@expanded
def softmax_block(z: Any, start: int, y: Any, begin: int, n: int, lanes: int) -> tuple[Any, Any]:
    """y <- softmax over n units, for each example; returns the largest score m and the sum of exp(z - m)."""
    m = load(z, start)
    for j in range(1, n):
        z_j = load(z, start + j * lanes)
        m = pick(z_j > m, z_j, m)
    s = fill(z, 0.0)
    for j in range(n):
        e = exp(load(z, start + j * lanes) - m)
        store(y, begin + j * lanes, e)
        s = s + e
    part = 1.0 / s
    for j in range(n):
        store(y, begin + j * lanes, load(y, begin + j * lanes) * part)
    return m, s


@expanded
def class_block(p: Any, start: int, n: int, scale: Any) -> tuple[Any, Any]:
    """The same where the target is a class; a right answer is that class."""
    lanes, own = p.lanes, p.thread * p.lanes
    loss = fill(p.a, 0.0)
    if p.loss == CROSS_ENTROPY:
        # L = sum_i t_i (log S - (z_i - m)), dL/dz = p sum_i t_i - t
        m, s = softmax_block(p.a, start, p.da, start, n, lanes)
        top, weight = log(s) + m, fill(p.a, 0.0)
        for j in range(n):
            t = load(p.targets, (own + j) * lanes)
            loss = loss + pick(t, t * (top - load(p.a, start + j * lanes)), fill(p.a, 0.0))
            weight = weight + t
        for j in range(n):
            k = start + j * lanes
            store(p.da, k, (load(p.da, k) * weight - load(p.targets, (own + j) * lanes)) * scale)
    else:
        tiny = fill(p.a, p.tiny)
        for j in range(n):
            t, y_hat = load(p.targets, (own + j) * lanes), load(p.a, start + j * lanes)
            y_hat = pick(y_hat < tiny, tiny, y_hat)
            loss = loss - t * log(y_hat)
            store(p.da, start + j * lanes, (0.0 - t / y_hat) * scale)
    return loss, best(p.a, start, n, lanes) == best(p.targets, own * lanes, n, lanes)


@expanded
def best(y: Any, start: int, n: int, lanes: int) -> Any:
    """The unit with the largest number, for each example; the first of several that are equal."""
    top, found = load(y, start), fill(y, 0.0)
    for j in range(1, n):
        y_j = load(y, start + j * lanes)
        larger = y_j > top
        top, found = pick(larger, y_j, top), pick(larger, fill(y, float(j)), found)
    return found


@expanded
def number_block(p: Any, start: int, n: int, scale: Any) -> tuple[Any, Any]:
    """The same for a loss that compares number by number; a right answer is an output on the right side."""
    lanes, own, one = p.lanes, p.thread * p.lanes, fill(p.a, 1.0)
    loss, n_correct, eps = fill(p.a, 0.0), fill(p.a, 0.0), fill(p.a, p.eps)
    threshold = 0.0 if p.loss == BINARY_LOGITS else 0.5
    for j in range(n):
        y, given = load(p.targets, (own + j) * lanes), load(p.a, start + j * lanes)
        y_hat = given
        if p.loss == BINARY:
            y_hat = pick(y_hat < eps, eps, y_hat)
            y_hat = pick(y_hat > one - eps, one - eps, y_hat)
        if p.loss == SQUARED:
            f, df = squared(y_hat, y), d_squared(y_hat, y)
        elif p.loss == BINARY_LOGITS:
            f, df = bce_logits(y_hat, y), d_bce_logits(y_hat, y)
        else:
            f, df = bce(y_hat, y), d_bce(y_hat, y)
        loss = loss + f
        n_correct = n_correct + ((given > threshold) == (y > 0.5))
        store(p.da, start + j * lanes, df * scale)
    return loss, fill(p.a, float("nan")) if p.loss == SQUARED else n_correct
