"""Online descent: the step for a single example, with plain SGD.

With one example at a time there is nothing to share between rows, so tiles, blocks and places in memory cost more than the
arithmetic. Here the three products are three loops over registers of units, and W moves while x and dz are still at hand:

    z = x W + b          da = W^T dz          W <- W - lr x dz^T

Both W and W^T are kept, and both move by the same rounded products, so that they stay the same to the last bit.
"""

from __future__ import annotations

from typing import Any

from clearprop.engines.compiled.lane_moves import fma
from clearprop.engines.compiled.lanes import expanded, fill, load, store
from clearprop.engines.compiled.loss_rows import loss_rows
from clearprop.engines.compiled.plan import ACTIVATION, BIAS, COLUMNS, N_IN, N_OUT, NONE, T_WIDTH, WIDTH, A, T, W
from clearprop.engines.compiled.stages import activate, differentiate


@expanded
def online_step(p: Any, k: int, lr: float) -> tuple[float, float]:
    """Learn from example k of the order; returns its loss before that, and 1 if it was predicted right."""
    x, x_start = p.x, p.order[k] * p.table[N_IN]
    for stage in range(p.stages):
        forward_one(p, stage, x, x_start)
        x, x_start = p.a, p.table[stage * COLUMNS + A]
    scale = 1.0 / p.per_example if p.per_example else 1.0
    value, n_correct = loss_rows(p, k, 0, 1, scale)
    for stage in range(p.stages - 1, 0, -1):
        backward_one(p, stage)
        move_one(p, stage, p.a, p.table[(stage - 1) * COLUMNS + A], lr)
        move_transposed(p, stage, lr)
    move_one(p, 0, p.x, p.order[k] * p.table[N_IN], lr)
    return value * scale, n_correct


@expanded
def forward_one(p: Any, stage: int, x: Any, x_start: int) -> None:
    """a = f(b + sum_i x_i W_i), in four sums, since each addition waits for the one before."""
    t, at, lanes = p.table, stage * COLUMNS, p.lanes
    n_in, width, w, a, code = t[at + N_IN], t[at + WIDTH], t[at + W], t[at + A], t[at + ACTIVATION]
    for j in range(0, width, lanes):
        z0, z1, z2, z3 = load(p.packed, w + n_in * width + j), fill(p.a, 0.0), fill(p.a, 0.0), fill(p.a, 0.0)
        for i in range(0, n_in - 3, 4):
            k = w + i * width + j
            z0 = fma(fill(p.a, x[x_start + i]), load(p.packed, k), z0)
            z1 = fma(fill(p.a, x[x_start + i + 1]), load(p.packed, k + width), z1)
            z2 = fma(fill(p.a, x[x_start + i + 2]), load(p.packed, k + 2 * width), z2)
            z3 = fma(fill(p.a, x[x_start + i + 3]), load(p.packed, k + 3 * width), z3)
        for i in range(n_in - n_in % 4, n_in):
            z0 = fma(fill(p.a, x[x_start + i]), load(p.packed, w + i * width + j), z0)
        store(p.a, a + j, (z0 + z1) + (z2 + z3))
    if code != NONE:
        activate(code, p.a, a, t[at + N_OUT], width, 0, width, lanes)


@expanded
def backward_one(p: Any, stage: int) -> None:
    """dz of the stage before: f'(a) times the sum of dz_j W^T_j."""
    t, at, before, lanes = p.table, stage * COLUMNS, (stage - 1) * COLUMNS, p.lanes
    dz, n_out, start, width, a = t[at + A], t[at + N_OUT], t[at + T], t[at + T_WIDTH], t[before + A]
    for i in range(0, width, lanes):
        da = fill(p.a, 0.0)
        for j in range(n_out):
            da = fma(fill(p.a, p.da[dz + j]), load(p.transposed, start + j * width + i), da)
        store(p.da, a + i, da)
    if t[before + ACTIVATION] != NONE:
        differentiate(t[before + ACTIVATION], p.a, p.da, a, width, 0, width, lanes)


@expanded
def move_one(p: Any, stage: int, x: Any, x_start: int, lr: float) -> None:
    """W_i <- W_i - lr (x_i dz), and b <- b - lr dz, if there is a bias."""
    t, at, lanes = p.table, stage * COLUMNS, p.lanes
    n_in, width, w, dz = t[at + N_IN], t[at + WIDTH], t[at + W], t[at + A]
    move_rows(p.packed, w, width, x, x_start, n_in, p.da, dz, lr, lanes)
    for j in range(0, width if t[at + BIAS] else 0, lanes):
        k = w + n_in * width + j
        store(p.packed, k, fma(fill(p.a, -lr), load(p.da, dz + j), load(p.packed, k)))


@expanded
def move_transposed(p: Any, stage: int, lr: float) -> None:
    """W^T_j <- W^T_j - lr (dz_j x)."""
    t, at = p.table, stage * COLUMNS
    move_rows(p.transposed, t[at + T], t[at + T_WIDTH], p.da, t[at + A], t[at + N_OUT], p.a, t[at - COLUMNS + A], lr, p.lanes)


@expanded
def move_rows(
    m: Any, start: int, width: int, u: Any, u_start: int, n: int, v: Any, v_start: int, lr: float, lanes: int
) -> None:  # fmt: skip
    """M_i <- M_i - lr (u_i v), for the n rows of a matrix."""
    rate = fill(v, -lr)
    for j in range(0, width, lanes):
        v_j = load(v, v_start + j)
        for i in range(n):
            k = start + i * width + j
            store(m, k, fma(rate, fill(v, u[u_start + i]) * v_j, load(m, k)))
