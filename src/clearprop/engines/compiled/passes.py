"""The forward and the backward pass of the kernel, for the part of the work that one thread has."""

from __future__ import annotations

from typing import Any

from clearprop.engines.compiled.lane_math import compile_elementwise, exp
from clearprop.engines.compiled.lane_moves import spaced
from clearprop.engines.compiled.lanes import expanded, fill, load, store, total
from clearprop.engines.compiled.plan import (
    ACTIVATION,
    COLUMNS,
    N_IN,
    N_OUT,
    NONE,
    RELU,
    SIGMOID,
    SOFTMAX,
    T_WIDTH,
    TANH,
    THETA_W,
    WIDTH,
    A,
    T,
    W,
)
from clearprop.engines.compiled.tile import row_product, sum_product
from clearprop.nn import ReLU, Sigmoid, Tanh

sigmoid, d_sigmoid = compile_elementwise(Sigmoid.f), compile_elementwise(Sigmoid.df)
tanh, d_tanh = compile_elementwise(Tanh.f), compile_elementwise(Tanh.df)
relu, d_relu = compile_elementwise(ReLU.f), compile_elementwise(ReLU.df)


@expanded
def share(n: int, unit: int, thread: int, threads: int) -> tuple[int, int]:
    """The part of 0 ... n, in whole units, that falls to a thread."""
    if threads == 1:
        return 0, n
    parts = (n + unit - 1) // unit
    return min(n, parts * thread // threads * unit), min(n, parts * (thread + 1) // threads * unit)


@expanded
def divided(p: Any, stage: int) -> bool:
    """Whether each thread has columns of a stage to itself, rather than rows of the batch.

    There must be enough of them; and a softmax needs whole rows, as the loss does.
    """
    at = stage * COLUMNS
    return p.table[at + ACTIVATION] != SOFTMAX and stage < p.stages - 1 and p.table[at + WIDTH] >= 2 * p.lanes * p.threads


@expanded
def region(p: Any, stage: int, size: int) -> tuple[int, int, int, int]:
    """The rows and the columns of a stage's activations that a thread computes."""
    width = p.table[stage * COLUMNS + WIDTH]
    if divided(p, stage):
        first, last = share(width, p.lanes, p.thread, p.threads)
        return 0, size, first, last
    first, last = share(size, 1, p.thread, p.threads)
    return first, last, 0, width


@expanded
def panel(p: Any, stage: int, thread: int) -> tuple[int, int, int, int]:
    """Where in `packed` a thread's columns of W and b lie: the first number, the step from row to row, and which they are.

    W[i, j] is at start + i * step + j - lane, and b is one more row. If columns are divided, those of a thread lie together,
    far from the others: a processor that fetches more than it was asked for would else take what another writes.
    """
    t, at = p.table, stage * COLUMNS
    if not divided(p, stage):
        return t[at + W], t[at + WIDTH], 0, t[at + WIDTH]
    lane, lane_end = share(t[at + WIDTH], p.lanes, thread, p.threads)
    return t[at + W] + (t[at + N_IN] + 1) * lane, lane_end - lane, lane, lane_end


@expanded
def own_rows(p: Any, stage: int) -> tuple[int, int]:
    """The rows of its panel of W (with b as one more) whose gradient a thread computes, and which it moves."""
    n = p.table[stage * COLUMNS + N_IN] + 1
    return (0, n) if divided(p, stage) else share(n, 1, p.thread, p.threads)


@expanded
def activate(code: int, a: Any, begin: int, n: int, width: int, lane: int, lane_end: int, lanes: int) -> None:
    """a <- f(a) for the columns lane ... lane_end of one row, which begins at `begin`."""
    first, last = begin + lane, begin + lane_end
    if code == SIGMOID:
        for j in range(first, last, lanes):
            store(a, j, sigmoid(load(a, j)))
    elif code == TANH:
        for j in range(first, last, lanes):
            store(a, j, tanh(load(a, j)))
    elif code == RELU:
        for j in range(first, last, lanes):
            store(a, j, relu(load(a, j)))
    elif code == SOFTMAX:
        softmax_row(a, begin, n, width, a, begin, lanes)


@expanded
def softmax_row(z: Any, start: int, n: int, width: int, p: Any, begin: int, lanes: int) -> tuple[float, float]:
    """p <- softmax of one row of scores; returns the row's maximum m and the sum of exp(z - m)."""
    largest = z[start]
    for j in range(start + 1, start + n):
        largest = max(largest, z[j])
    for j in range(start + n, start + width):
        z[j] = largest  # padding must not overflow
    for j in range(0, width, lanes):
        store(p, begin + j, exp(load(z, start + j) - fill(z, largest)))
    for j in range(begin + n, begin + width):
        p[j] = 0
    s = 0.0
    for j in range(begin, begin + width, lanes):
        s += total(load(p, j))
    for j in range(begin, begin + width, lanes):
        store(p, j, load(p, j) / fill(p, s))
    return largest, s


@expanded
def differentiate(code: int, a: Any, da: Any, begin: int, width: int, lane: int, lane_end: int, lanes: int) -> None:
    """dz <- da * f'(z) for the columns lane ... lane_end of one row, in place; f' is computed from a."""
    first, last = begin + lane, begin + lane_end
    if code == SIGMOID:
        for j in range(first, last, lanes):
            store(da, j, load(da, j) * d_sigmoid(load(a, j)))
    elif code == TANH:
        for j in range(first, last, lanes):
            store(da, j, load(da, j) * d_tanh(load(a, j)))
    elif code == RELU:
        for j in range(first, last, lanes):
            store(da, j, load(da, j) * d_relu(load(a, j)))
    elif code == SOFTMAX:
        inner = 0.0
        for j in range(begin, begin + width, lanes):
            inner += total(load(da, j) * load(a, j))
        for j in range(begin, begin + width, lanes):
            store(da, j, load(a, j) * (load(da, j) - fill(a, inner)))


@expanded
def as_one(code: int, row: int, row_end: int, width: int, lane: int, lane_end: int) -> tuple[int, int]:
    """New ends of the rows and of the columns: whole rows lie one behind the other, and are one long row but for a softmax."""
    if code == SOFTMAX or lane_end - lane < width:
        return row_end, lane_end
    return row + 1, (row_end - row) * width


@expanded
def source(p: Any, stage: int) -> tuple[Any, Any, int]:
    """What a stage takes for x: the data, or the activations of the stage before; where its rows begin; the first of these."""
    if stage == 0:
        return p.x, p.x_offsets, p.thread * p.batch_size
    return p.a, p.offsets, (stage - 1) * p.batch_size


@expanded
def forward_stage(p: Any, stage: int, size: int) -> None:
    """a = f(x W + b) of one stage, for the thread's part."""
    x, x_offsets, x_row = source(p, stage)
    row, row_end, lane, lane_end = region(p, stage, size)
    t, at = p.table, stage * COLUMNS
    width, start, code = t[at + WIDTH], t[at + A], t[at + ACTIVATION]
    w_start, w_step, w_lane, _ = panel(p, stage, p.thread)
    w_start -= w_lane
    row_product(
        x, x_offsets, x_row, row, row_end, p.packed, w_start, w_step, t[at + N_IN],
        p.a, start, width, lane, lane_end, 2, 1.0, p.packed, w_start + t[at + N_IN] * w_step, p.lanes,
    )  # fmt: skip
    if code != NONE:
        row_end, lane_end = as_one(code, row, row_end, width, lane, lane_end)
        for r in range(row, row_end):
            activate(code, p.a, start + r * width, t[at + N_OUT], width, lane, lane_end, p.lanes)


@expanded
def backward_stage(p: Any, stage: int, size: int) -> None:
    """dz of the stage before, from dz of this one: da = dz W^T, then times f'(z); for the thread's part."""
    row, row_end, lane, lane_end = region(p, stage - 1, size)
    t, at, before = p.table, stage * COLUMNS, (stage - 1) * COLUMNS
    width, start, code = t[before + WIDTH], t[before + A], t[before + ACTIVATION]
    row_product(
        p.da, p.offsets, stage * p.batch_size, row, row_end, p.transposed, t[at + T], t[at + T_WIDTH], t[at + N_OUT],
        p.da, start, width, lane, lane_end, 0, 1.0, p.packed, 0, p.lanes,
    )  # fmt: skip
    if code != NONE:
        row_end, lane_end = as_one(code, row, row_end, width, lane, lane_end)
        for r in range(row, row_end):
            differentiate(code, p.a, p.da, start + r * width, width, lane, lane_end, p.lanes)


@expanded
def gradient_stage(p: Any, stage: int, size: int, to: Any, keep: int, scale: float) -> None:
    """dW = x^T dz and db = sum of dz, for the thread's part, times scale: written to `to`, or added to it (keep = 1)."""
    x, x_offsets, x_row = source(p, stage)
    t, at, lanes = p.table, stage * COLUMNS, p.lanes
    n_in, width, start = t[at + N_IN], t[at + WIDTH], t[at + A]
    row, row_end = own_rows(p, stage)
    w_start, w_step, lane, lane_end = panel(p, stage, p.thread)
    w_start -= lane
    sum_product(
        x, x_offsets, x_row, row, min(row_end, n_in), p.da, start, width, size,
        to, w_start, w_step, lane, lane_end, keep, scale, p.packed, 0, lanes,
    )  # fmt: skip
    if row_end <= n_in:
        return
    b_start = w_start + n_in * w_step
    for j in range(lane, lane_end, lanes):
        s = load(p.da, start + j)
        for r in range(1, size):
            s = s + load(p.da, start + r * width + j)
        kept = load(to, b_start + j) if keep == 1 else fill(s, 0.0)
        store(to, b_start + j, kept + scale * s)


@expanded
def transpose_stage(p: Any, stage: int) -> None:
    """W^T of one stage, for the thread's part: so many rows at a time as fill a register, which stay in the nearest cache."""
    t, at, lanes = p.table, stage * COLUMNS, p.lanes
    row, row_end = own_rows(p, stage)
    row_end = min(row_end, t[at + N_IN])
    w_start, w_step, first, last = panel(p, stage, p.thread)
    w_start, last = w_start - first, min(last, t[at + N_OUT])
    for i0 in range(row, row_end, lanes):
        for j in range(first, last):
            start, k = t[at + T] + j * t[at + T_WIDTH], w_start + j
            if i0 + lanes <= row_end:
                store(p.transposed, start + i0, spaced(p.packed, k + i0 * w_step, w_step))
            else:
                for i in range(i0, row_end):
                    p.transposed[start + i] = p.packed[k + i * w_step]


@expanded
def pack(p: Any, theta: Any, packed: Any, back: bool) -> None:
    """Copy theta to where it is padded and divided, or back."""
    t = p.table
    for at in range(0, p.stages * COLUMNS, COLUMNS):
        for thread in range(p.threads if divided(p, at // COLUMNS) else 1):
            start, step, lane, lane_end = panel(p, at // COLUMNS, thread)
            for i in range(t[at + N_IN] + 1):
                for j in range(lane, min(lane_end, t[at + N_OUT])):
                    if back:
                        theta[t[at + THETA_W] + i * t[at + N_OUT] + j] = packed[start + i * step + j - lane]
                    else:
                        packed[start + i * step + j - lane] = theta[t[at + THETA_W] + i * t[at + N_OUT] + j]
