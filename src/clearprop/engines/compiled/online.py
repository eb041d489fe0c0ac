"""Online descent: the step for a single example, with plain SGD.

With one example at a time there is nothing to share between rows, so tiles, blocks and places in memory cost more than the
arithmetic. Here the three products are three loops over registers of units, and W moves while x and dz are still at hand:

    z = x W + b          da = W^T dz          W <- W - lr x dz^T

Both W and W^T are kept, and both move by the same rounded products, so that they stay the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from clearprop.engines.compiled.activation_units import DF_ROWS, F_ROWS, Functions, apply
from clearprop.engines.compiled.lane_moves import fma
from clearprop.engines.compiled.lanes import fill, load, store
from clearprop.engines.compiled.linkage import call
from clearprop.engines.compiled.losses import KernelLoss, loss_functions
from clearprop.engines.compiled.memory import Memory
from clearprop.engines.compiled.moves import rule_of
from clearprop.engines.compiled.plan import BIAS, COLUMNS, CORRECT, DF, LOSS, N_IN, N_OUT, T_WIDTH, WIDTH, A, F, T, W
from clearprop.engines.compiled.stages import transpose_stage


@cache
def online_function(activation: Functions | None, loss: KernelLoss | None) -> Callable[..., Any]:
    """The unit for nets whose activations are all this one, with this loss, both compiled into it; None for any, by a call."""

    def online_steps(p: Memory) -> None:
        """All steps of an epoch, each with its loss and number of correct predictions in `report`."""
        for stage in range(1, p.stages):
            transpose_stage(p, stage, 0)
        for k in range(p.n_steps):
            online_step(p, activation, loss, k, rule_of(p, k)[0])

    return online_steps


def online_step(p: Any, activation: Any, loss: Any, k: int, lr: float) -> None:
    """Learn from example k of the order."""
    x_start = p.order[k] * p.table[N_IN]
    forward_one(p, activation, 0, p.x, x_start)
    for stage in range(1, p.stages):
        forward_one(p, activation, stage, p.a, p.table[(stage - 1) * COLUMNS + A])
    scale = 1.0 / p.per_example if p.per_example != 0 else 1.0
    if loss is None:
        call(p.loss, p, k, 0, 1, scale)
    else:
        loss_functions(loss)[0](p, k, 0, 1, scale)
    for stage in range(p.stages - 1, 0, -1):
        backward_one(p, activation, stage)
        move_one(p, stage, p.a, p.table[(stage - 1) * COLUMNS + A], lr)
        move_transposed(p, stage, lr)
    move_one(p, 0, p.x, x_start, lr)
    p.report[k], p.report[p.n_steps + k] = p.partial[LOSS], p.partial[CORRECT]


def forward_one(p: Any, activation: Any, stage: int, x: Any, x_start: int) -> None:
    """a = f(b + sum_i x_i W_i), in four sums, since each addition waits for the one before."""
    t, at, lanes = p.table, stage * COLUMNS, p.lanes
    n_in, width, w, a, unit = t[at + N_IN], t[at + WIDTH], t[at + W], t[at + A], t[at + F]
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
    if unit != 0:
        apply(activation, F_ROWS, unit, p.a, p.z, a, a + width, t[at + N_OUT], width)


def backward_one(p: Any, activation: Any, stage: int) -> None:
    """dz of the stage before: f'(a) times the sum of dz_j W^T_j."""
    t, at, before, lanes = p.table, stage * COLUMNS, (stage - 1) * COLUMNS, p.lanes
    dz, n_out, start, width, a = t[at + A], t[at + N_OUT], t[at + T], t[at + T_WIDTH], t[before + A]
    for i in range(0, width, lanes):
        da = fill(p.a, 0.0)
        for j in range(n_out):
            da = fma(fill(p.a, p.da[dz + j]), load(p.transposed, start + j * width + i), da)
        store(p.da, a + i, da)
    if t[before + DF] != 0:
        apply(activation, DF_ROWS, t[before + DF], p.a, p.z, p.da, a, a + width, t[before + N_OUT], width)


def move_one(p: Any, stage: int, x: Any, x_start: int, lr: float) -> None:
    """W_i <- W_i - lr (x_i dz), and b <- b - lr dz, if there is a bias."""
    t, at, lanes = p.table, stage * COLUMNS, p.lanes
    n_in, width, w, dz = t[at + N_IN], t[at + WIDTH], t[at + W], t[at + A]
    move_rows(p.packed, w, width, x, x_start, n_in, p.da, dz, lr, lanes)
    for j in range(0, width if t[at + BIAS] != 0 else 0, lanes):
        k = w + n_in * width + j
        store(p.packed, k, fma(fill(p.a, -lr), load(p.da, dz + j), load(p.packed, k)))


def move_transposed(p: Any, stage: int, lr: float) -> None:
    """W^T_j <- W^T_j - lr (dz_j x)."""
    t, at = p.table, stage * COLUMNS
    move_rows(p.transposed, t[at + T], t[at + T_WIDTH], p.da, t[at + A], t[at + N_OUT], p.a, t[at - COLUMNS + A], lr, p.lanes)


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
