"""The forward and the backward pass of the kernel, for the part of the work that one thread has."""

from __future__ import annotations

from typing import Any

from clearprop.engines.compiled.lane_math import compile_elementwise, exp
from clearprop.engines.compiled.lane_moves import spaced
from clearprop.engines.compiled.lanes import expanded, fill, load, store, total
from clearprop.engines.compiled.plan import (
    ACTIVATION,
    BIAS,
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
from clearprop.engines.compiled.verified import original
from clearprop.nn import ReLU, Sigmoid, Tanh

sigmoid, d_sigmoid = compile_elementwise(original(Sigmoid, "f")), compile_elementwise(original(Sigmoid, "df"))
tanh, d_tanh = compile_elementwise(original(Tanh, "f")), compile_elementwise(original(Tanh, "df"))
relu, d_relu = compile_elementwise(original(ReLU, "f")), compile_elementwise(original(ReLU, "df"))


@expanded
def share(n: int, unit: int, thread: int, threads: int) -> tuple[int, int]:
    """The part of 0 ... n, in whole units, that belongs to a thread."""
    if threads == 1:
        return 0, n
    parts = (n + unit - 1) // unit
    return min(n, parts * thread // threads * unit), min(n, parts * (thread + 1) // threads * unit)


@expanded
def divided(p: Any, stage: int) -> int:
    """Number of columns of a stage, from the first on, that are divided among the threads, equally.

    Of the other columns the rows are divided: of those left over, or of all, if there are few, or if the stage needs whole
    rows, for a softmax or for the loss.
    """
    at, unit = stage * COLUMNS, p.lanes * p.threads
    width = p.table[at + WIDTH]
    if p.threads == 1:
        return width
    if p.table[at + ACTIVATION] == SOFTMAX or stage == p.stages - 1 or width < 2 * unit:
        return 0
    return width // unit * unit


@expanded
def parts(p: Any) -> int:
    """Number of parts that a thread has of every stage: its own columns, and, if it is not alone, its rows of the others."""
    return min(p.threads, 2)


@expanded
def columns(p: Any, stage: int, thread: int, part: int) -> tuple[int, int]:
    """The columns that belong to a part of a thread."""
    n = divided(p, stage)
    return share(n, p.lanes, thread, p.threads) if part == 0 else (n, p.table[stage * COLUMNS + WIDTH])


@expanded
def rows(p: Any, n: int, part: int) -> tuple[int, int]:
    """The rows, of n, that belong to a part of this thread."""
    return (0, n) if part == 0 else share(n, 1, p.thread, p.threads)


@expanded
def region(p: Any, stage: int, size: int, part: int) -> tuple[int, int, int, int]:
    """The rows and the columns of a stage's activations that belong to a part of this thread."""
    first, last = rows(p, size, part)
    lane, lane_end = columns(p, stage, p.thread, part)
    return first, last, lane, lane_end


@expanded
def panel(p: Any, stage: int, thread: int, part: int) -> tuple[int, int, int, int]:
    """Place in `packed` of the columns of W and b: the first number, the step from row to row, first and last column.

    W[i, j] is at start + i * step + j - lane, and b is one more row. The columns of each thread lie together, far from those
    of others: a processor that prefetches would otherwise take cache lines that another one writes.
    """
    lane, lane_end = columns(p, stage, thread, part)
    return p.table[stage * COLUMNS + W] + (p.table[stage * COLUMNS + N_IN] + 1) * lane, lane_end - lane, lane, lane_end


@expanded
def own_rows(p: Any, stage: int, part: int) -> tuple[int, int]:
    """The rows of a panel of W (with b as one more) whose gradient this thread computes, and which it moves."""
    return rows(p, p.table[stage * COLUMNS + N_IN] + 1, part)


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
    """The input x of a stage: the data, or the activations before it; where its rows begin; the first of these."""
    if stage == 0:
        return p.x, p.x_offsets, p.thread * p.batch_size
    return p.a, p.offsets, (stage - 1) * p.batch_size


@expanded
def forward_stage(p: Any, stage: int, size: int, part: int) -> None:
    """a = f(x W + b) of one stage, for a part of a thread."""
    x, x_offsets, x_row = source(p, stage)
    row, row_end, lane, lane_end = region(p, stage, size, part)
    t, at = p.table, stage * COLUMNS
    width, start, code = t[at + WIDTH], t[at + A], t[at + ACTIVATION]
    w_start, w_step, w_lane, _ = panel(p, stage, p.thread, part)
    w_start -= w_lane
    row_product(
        x, x_offsets, x_row, row, row_end, p.packed, w_start, w_step, t[at + N_IN],
        p.a, start, width, lane, lane_end, 2, 1.0, p.packed, w_start + t[at + N_IN] * w_step, p.lanes,
    )  # fmt: skip
    if code != NONE and lane < lane_end:
        row_end, lane_end = as_one(code, row, row_end, width, lane, lane_end)
        for r in range(row, row_end):
            activate(code, p.a, start + r * width, t[at + N_OUT], width, lane, lane_end, p.lanes)


@expanded
def backward_stage(p: Any, stage: int, size: int, part: int) -> None:
    """dz of the stage before, from dz of this one: da = dz W^T, then times f'(z); for a part of a thread."""
    row, row_end, lane, lane_end = region(p, stage - 1, size, part)
    t, at, before = p.table, stage * COLUMNS, (stage - 1) * COLUMNS
    width, start, code = t[before + WIDTH], t[before + A], t[before + ACTIVATION]
    row_product(
        p.da, p.offsets, stage * p.batch_size, row, row_end, p.transposed, t[at + T], t[at + T_WIDTH], t[at + N_OUT],
        p.da, start, width, lane, lane_end, 0, 1.0, p.packed, 0, p.lanes,
    )  # fmt: skip
    if code != NONE and lane < lane_end:
        row_end, lane_end = as_one(code, row, row_end, width, lane, lane_end)
        for r in range(row, row_end):
            differentiate(code, p.a, p.da, start + r * width, width, lane, lane_end, p.lanes)


@expanded
def gradient_stage(p: Any, stage: int, size: int, part: int, to: Any, keep: int, scale: float) -> None:
    """dW = x^T dz and db = sum of dz, for a part of a thread, times scale: written to `to`, or added to it (keep = 1).

    A layer without bias has a b of zeros here, whose gradient is never written and stays zero.
    """
    x, x_offsets, x_row = source(p, stage)
    t, at, lanes = p.table, stage * COLUMNS, p.lanes
    n_in, width, start = t[at + N_IN], t[at + WIDTH], t[at + A]
    row, row_end = own_rows(p, stage, part)
    w_start, w_step, lane, lane_end = panel(p, stage, p.thread, part)
    w_start -= lane
    sum_product(
        x, x_offsets, x_row, row, min(row_end, n_in), p.da, start, width, size,
        to, w_start, w_step, lane, lane_end, keep, scale, p.packed, 0, lanes,
    )  # fmt: skip
    if row_end <= n_in or t[at + BIAS] == 0:
        return
    b_start = w_start + n_in * w_step
    for j in range(lane, lane_end, lanes):
        s = load(p.da, start + j)
        for r in range(1, size):
            s = s + load(p.da, start + r * width + j)
        kept = load(to, b_start + j) if keep == 1 else fill(s, 0.0)
        store(to, b_start + j, kept + scale * s)


@expanded
def transpose_stage(p: Any, stage: int, part: int) -> None:
    """Renew W^T of one stage, for a part of a thread, a register of rows at a time, which stay in the nearest cache."""
    t, at, lanes = p.table, stage * COLUMNS, p.lanes
    row, row_end = own_rows(p, stage, part)
    row_end = min(row_end, t[at + N_IN])
    w_start, w_step, first, last = panel(p, stage, p.thread, part)
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
    """Copy theta into `packed`, padded and divided among the threads, or back."""
    for stage in range(p.stages):
        for thread in range(p.threads):
            pack_panel(p, stage, panel(p, stage, thread, 0), theta, packed, back)
        if p.threads > 1:
            pack_panel(p, stage, panel(p, stage, 0, 1), theta, packed, back)


@expanded
def pack_panel(p: Any, stage: int, given: tuple[int, int, int, int], theta: Any, packed: Any, back: bool) -> None:
    """Copy a panel of theta, or back."""
    t, at = p.table, stage * COLUMNS
    start, step, lane, lane_end = given
    for i in range(t[at + N_IN] + t[at + BIAS]):
        for j in range(lane, min(lane_end, t[at + N_OUT])):
            if back:
                theta[t[at + THETA_W] + i * t[at + N_OUT] + j] = packed[start + i * step + j - lane]
            else:
                packed[start + i * step + j - lane] = theta[t[at + THETA_W] + i * t[at + N_OUT] + j]
