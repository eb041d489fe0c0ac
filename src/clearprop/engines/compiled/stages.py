"""The forward and the backward pass of a product with its activation, for the part of the work that one thread has."""

from __future__ import annotations

from typing import Any

from clearprop.engines.compiled.lane_moves import spaced
from clearprop.engines.compiled.lanes import fill, load, store
from clearprop.engines.compiled.linkage import call, separate
from clearprop.engines.compiled.plan import (
    BIAS,
    COLUMNS,
    DF,
    IN_ROWS,
    KIND,
    N_IN,
    N_OUT,
    PRODUCT,
    ROWS,
    T_WIDTH,
    THETA_W,
    WIDTH,
    A,
    F,
    T,
    W,
)
from clearprop.engines.compiled.tile import row_product, sum_product


def share(n: int, unit: int, thread: int, threads: int) -> tuple[int, int]:
    """The part of 0 ... n, in whole units, that belongs to a thread."""
    if threads == 1:
        return 0, n
    parts = (n + unit - 1) // unit
    return min(n, parts * thread // threads * unit), min(n, parts * (thread + 1) // threads * unit)


def divided(p: Any, stage: int) -> int:
    """Number of columns of a stage, from the first on, that are divided among the threads, equally.

    Of the other columns the rows are divided: of those left over, or of all, if there are few, or if the stage needs whole
    rows, for a softmax or for the loss.
    """
    at, unit = stage * COLUMNS, p.lanes * p.threads
    width = p.table[at + WIDTH]
    if p.threads == 1:
        return width
    if p.table[at + IN_ROWS] == 1 or stage == p.stages - 1 or width < 2 * unit or p.table[at + KIND] != PRODUCT:
        return 0
    return width // unit * unit


def parts(p: Any) -> int:
    """Number of parts that a thread has of every stage: its own columns, and, if it is not alone, its rows of the others."""
    return min(p.threads, 2)


def columns(p: Any, stage: int, thread: int, part: int) -> tuple[int, int]:
    """The columns that belong to a part of a thread."""
    n = divided(p, stage)
    if part == 0:
        return share(n, p.lanes, thread, p.threads)
    return n, p.table[stage * COLUMNS + WIDTH]


def rows(p: Any, n: int, part: int) -> tuple[int, int]:
    """The rows, of n, that belong to a part of this thread."""
    return (0, n) if part == 0 else share(n, 1, p.thread, p.threads)


def region(p: Any, stage: int, size: int, part: int) -> tuple[int, int, int, int]:
    """The rows and the columns of a stage's activations that belong to a part of this thread."""
    first, last = rows(p, size, part)
    lane, lane_end = columns(p, stage, p.thread, part)
    return first, last, lane, lane_end


def panel(p: Any, stage: int, thread: int, part: int) -> tuple[int, int, int, int]:
    """Place in `packed` of the columns of W and b: the first number, the step from row to row, first and last column.

    W[i, j] is at start + i * step + j - lane, and b is one more row. The columns of each thread lie together, far from those
    of others: a processor that prefetches would otherwise take cache lines that another one writes.
    """
    lane, lane_end = columns(p, stage, thread, part)
    at = stage * COLUMNS
    return p.table[at + W] + (p.table[at + ROWS] + 1) * lane, lane_end - lane, lane, lane_end


def own_rows(p: Any, stage: int, part: int) -> tuple[int, int]:
    """The rows of a panel of W (with b as one more) whose gradient this thread computes, and which it moves."""
    return rows(p, p.table[stage * COLUMNS + ROWS] + 1, part)


def activate(p: Any, unit: int, start: int, row: int, row_end: int, n: int, width: int, lane: int, lane_end: int) -> None:
    """a <- f(a) for some rows and columns of a stage; whole rows lie one behind the other, and are one long row."""
    if lane_end - lane == width:
        call(unit, p.a, p.z, start + row * width, start + row_end * width, n, width)
    else:
        for r in range(row, row_end):
            call(unit, p.a, p.z, start + r * width + lane, start + r * width + lane_end, n, width)


def differentiate(p: Any, unit: int, start: int, row: int, row_end: int, n: int, width: int, lane: int, lane_end: int) -> None:
    """dz <- da * f'(z) for some rows and columns of a stage, in place; f' is computed from a, or from z."""
    if lane_end - lane == width:
        call(unit, p.a, p.z, p.da, start + row * width, start + row_end * width, n, width)
    else:
        for r in range(row, row_end):
            call(unit, p.a, p.z, p.da, start + r * width + lane, start + r * width + lane_end, n, width)


def forward_stage(p: Any, stage: int, size: int, part: int) -> None:
    """a = f(x W + b) of one stage, for a part of a thread."""
    row, row_end, lane, lane_end = region(p, stage, size, part)
    t, at = p.table, stage * COLUMNS
    width, start, unit = t[at + WIDTH], t[at + A], t[at + F]
    w_start, w_step, w_lane, _ = panel(p, stage, p.thread, part)
    w = w_start - w_lane
    x = p.x if stage == 0 else p.a
    x_offsets = p.x_offsets if stage == 0 else p.offsets
    x_row = p.thread * p.batch_size if stage == 0 else (stage - 1) * p.batch_size
    row_product(
        x, x_offsets, x_row, row, row_end, p.packed, w, w_step, t[at + N_IN],
        p.a, start, width, lane, lane_end, 2, 1.0, p.packed, w + t[at + N_IN] * w_step,
    )  # fmt: skip
    if unit != 0 and lane < lane_end and row < row_end:
        activate(p, unit, start, row, row_end, t[at + N_OUT], width, lane, lane_end)


def backward_stage(p: Any, stage: int, size: int, part: int) -> None:
    """dz of the stage before, from dz of this one: da = dz W^T, then times f'(z); for a part of a thread."""
    row, row_end, lane, lane_end = region(p, stage - 1, size, part)
    t, at, before = p.table, stage * COLUMNS, (stage - 1) * COLUMNS
    width, start, unit = t[before + WIDTH], t[before + A], t[before + DF]
    row_product(
        p.da, p.offsets, stage * p.batch_size, row, row_end, p.transposed, t[at + T], t[at + T_WIDTH], t[at + N_OUT],
        p.da, start, width, lane, lane_end, 0, 1.0, p.packed, 0,
    )  # fmt: skip
    if unit != 0 and lane < lane_end and row < row_end:
        differentiate(p, unit, start, row, row_end, t[before + N_OUT], width, lane, lane_end)


def gradient_stage(p: Any, stage: int, size: int, part: int, to: Any, keep: int, scale: float) -> None:
    """dW = x^T dz and db = sum of dz, for a part of a thread, times scale: written to `to`, or added to it (keep = 1).

    A layer without bias has a b of zeros here, whose gradient is never written and stays zero.
    """
    t, at, lanes = p.table, stage * COLUMNS, p.lanes
    x = p.x if stage == 0 else p.a
    x_offsets = p.x_offsets if stage == 0 else p.offsets
    x_row = p.thread * p.batch_size if stage == 0 else (stage - 1) * p.batch_size
    n_in, width, start = t[at + N_IN], t[at + WIDTH], t[at + A]
    row, row_end = own_rows(p, stage, part)
    w_start, w_step, lane, lane_end = panel(p, stage, p.thread, part)
    w = w_start - lane
    sum_product(
        x, x_offsets, x_row, row, min(row_end, n_in), p.da, start, width, size,
        to, w, w_step, lane, lane_end, keep, scale, p.packed, 0,
    )  # fmt: skip
    if row_end > n_in and t[at + BIAS] != 0:
        add_bias_gradient(p, size, start, width, lane, lane_end, to, w + n_in * w_step, keep, scale, lanes)


def add_bias_gradient(
    p: Any, size: int, start: int, width: int, lane: int, lane_end: int, to: Any, b: int, keep: int, scale: float, lanes: int
) -> None:
    """db = sum of dz over the batch, for some columns."""
    for j in range(lane, lane_end, lanes):
        s = load(p.da, start + j)
        for r in range(1, size):
            s = s + load(p.da, start + r * width + j)
        kept = load(to, b + j) if keep == 1 else fill(to, 0.0)
        store(to, b + j, kept + scale * s)


def transpose_stage(p: Any, stage: int, part: int) -> None:
    """Renew W^T of one stage, for a part of a thread, a register of rows at a time, which stay in the nearest cache."""
    t, at, lanes = p.table, stage * COLUMNS, p.lanes
    row, row_stop = own_rows(p, stage, part)
    row_end = min(row_stop, t[at + N_IN])
    w_start, w_step, first, lane_end = panel(p, stage, p.thread, part)
    w, last = w_start - first, min(lane_end, t[at + N_OUT])
    for i0 in range(row, row_end, lanes):
        for j in range(first, last):
            start, k = t[at + T] + j * t[at + T_WIDTH], w + j
            if i0 + lanes <= row_end:
                store(p.transposed, start + i0, spaced(p.packed, k + i0 * w_step, w_step))
            else:
                for i in range(i0, row_end):
                    p.transposed[start + i] = p.packed[k + i * w_step]


@separate
def pack(p: Any, theta: Any, packed: Any, back: bool) -> None:
    """Copy theta into `packed`, padded and divided among the threads, or back."""
    for stage in range(p.stages):
        for thread in range(p.threads):
            pack_panel(p, stage, thread, 0, theta, packed, back)
        if p.threads > 1:
            pack_panel(p, stage, 0, 1, theta, packed, back)


def pack_panel(p: Any, stage: int, thread: int, part: int, theta: Any, packed: Any, back: bool) -> None:
    """Copy a panel of theta, or back."""
    t, at = p.table, stage * COLUMNS
    start, step, lane, lane_end = panel(p, stage, thread, part)
    for i in range(t[at + ROWS] + t[at + BIAS]):
        for j in range(lane, min(lane_end, t[at + N_OUT])):
            here, there = start + i * step + j - lane, t[at + THETA_W] + i * t[at + N_OUT] + j
            if back:
                theta[there] = packed[here]
            else:
                packed[here] = theta[there]
