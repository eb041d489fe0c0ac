"""The pass for narrow nets: a lane for each example.

Where a layer has fewer units than a register has lanes, a register that holds the units of one example stays half empty, and
so it is for every example. Here a register holds one unit of as many examples as it has lanes. A block of so many examples
goes forward and backward at once, the weights are spread over all lanes, and every product x_i dz_j is added up in a register
of its own, whose lanes are added at the end of the batch.

Blocks are as wide as two registers while there are examples enough: while one half waits, the other is computed.

That pays as long as these registers, one for each parameter, are few beside the examples (`session.is_narrow`).
"""

from __future__ import annotations

from typing import Any

from clearprop.engines.compiled.lane_moves import add_products, fma, fold, gather
from clearprop.engines.compiled.lanes import fill, lanes_of, load, store, total
from clearprop.engines.compiled.linkage import call
from clearprop.engines.compiled.memory import Memory
from clearprop.engines.compiled.moves import move, rule_of
from clearprop.engines.compiled.plan import BIAS, COLUMNS, DF, EVALUATE, N_IN, N_OUT, TRAIN, A, F, W


def narrow_steps(p: Memory) -> None:
    """All steps of an epoch, each with its loss and number of correct predictions in `report`."""
    wide = p.widened()
    for k in range(p.n_steps):
        first = k * p.batch_size
        size = min(p.batch_size, p.n_order - first)
        narrow_pass(p, wide, first, size, k)
        if p.mode == TRAIN:
            move(p, rule_of(p, k))


def narrow_pass(p: Any, wide: Any, first: int, size: int, k: int) -> None:
    """Forward pass of step k, and backward if it is to learn: its gradient is left in `grad`.

    `wide` is the same memory as `p`, for blocks of two registers; the last few examples are a block of one.
    """
    learn = p.mode != EVALUATE
    scale = 1.0 / (size * p.per_example) if p.per_example != 0 else 1.0
    zero = fill(p.sums, 0.0)
    if learn:
        for i in range(0, p.n_packed * p.lanes, p.lanes):
            store(p.sums, i, zero)
    store(p.block_sums, 0, zero)
    store(p.block_sums, p.lanes, zero)
    begin, end = first, first + size
    while end - begin > p.lanes:
        pass_block(p, wide, 1, begin, end - begin, scale, learn)
        begin += wide.lanes
    if begin < end:
        pass_block(p, p, 0, begin, end - begin, scale, learn)
    if learn:
        for i in range(0, p.n_packed, p.lanes):
            store(p.grad, i, fold(p.sums, i * p.lanes))
    p.report[k] = total(load(p.block_sums, 0)) * scale
    # The share of right answers, where an example gives several (`value_columns` is 0 for labels).
    p.report[p.n_steps + k] = total(load(p.block_sums, p.lanes)) / p.answers


def pass_block(p: Any, q: Any, is_wide: int, begin: int, n_real: int, scale: float, learn: Any) -> None:
    """Forward and backward for the n_real examples from `begin`, in registers as wide as those of q."""
    n_in = q.table[N_IN]
    for i in range(n_in):
        store(q.a, i * q.lanes, gather(q.x, q.order, begin, n_real, n_in, i, q.a))
    for stage in range(q.stages):
        forward_block(q, stage)
    call(p.loss_block, p, is_wide, q.table[(q.stages - 1) * COLUMNS + A], begin, min(n_real, q.lanes), scale)
    if learn:
        for stage in range(q.stages - 1, 0, -1):
            backward_block(q, stage)
        first_gradient_block(q)


def place(p: Any, stage: int) -> tuple[int, int, int, int, int]:
    """Inputs and outputs of a stage, and where its inputs, its outputs and its W lie."""
    t, at = p.table, stage * COLUMNS
    before = t[at - COLUMNS + A] if stage > 0 else 0
    return t[at + N_IN], t[at + N_OUT], before, t[at + A], t[at + W]


def forward_block(p: Any, stage: int) -> None:
    """a_j = f(b_j + sum_i W_ij x_i), for all examples of the block at once."""
    n_in, n_out, x, a, w = place(p, stage)
    lanes, unit = p.lanes, p.table[stage * COLUMNS + F]
    for j in range(n_out):
        z = fill(p.a, p.packed[w + n_in * n_out + j])
        for i in range(n_in):
            z = fma(load(p.a, x + i * lanes), fill(p.a, p.packed[w + i * n_out + j]), z)
        store(p.a, a + j * lanes, z)
    if unit != 0:
        call(unit, p.a, p.z, a, a + n_out * lanes, n_out, lanes)


def backward_block(p: Any, stage: int) -> None:
    """dW_ij += x_i dz_j and db_j += dz_j; then dz of the stage before, f'(x_i) sum_j W_ij dz_j."""
    n_in, n_out, x, dz, w = place(p, stage)
    lanes, unit = p.lanes, p.table[(stage - 1) * COLUMNS + DF]
    bias_gradient_block(p, stage)
    for i in range(n_in):
        x_i, k, dx_i = load(p.a, x + i * lanes), w + i * n_out, fill(p.a, 0.0)
        for j in range(n_out):
            dz_j = load(p.da, dz + j * lanes)
            add_to_gradient(p, k + j, x_i, dz_j)
            dx_i = fma(dz_j, fill(p.a, p.packed[k + j]), dx_i)
        store(p.da, x + i * lanes, dx_i)
    if unit != 0:
        call(unit, p.a, p.z, p.da, x, x + n_in * lanes, n_in, lanes)


def first_gradient_block(p: Any) -> None:
    """The same for the first stage, before which there is none."""
    n_in, n_out, x, dz, w = place(p, 0)
    bias_gradient_block(p, 0)
    for i in range(n_in):
        x_i, k = load(p.a, x + i * p.lanes), w + i * n_out
        for j in range(n_out):
            add_to_gradient(p, k + j, x_i, load(p.da, dz + j * p.lanes))


def bias_gradient_block(p: Any, stage: int) -> None:
    """db_j += dz_j, if there is a bias."""
    n_in, n_out, _, dz, w = place(p, stage)
    if p.table[stage * COLUMNS + BIAS] != 0:
        for j in range(n_out):
            add_to_gradient(p, w + n_in * n_out + j, fill(p.a, 1.0), load(p.da, dz + j * p.lanes))


def add_to_gradient(p: Any, k: int, x: Any, dz: Any) -> None:
    """Add x dz, for all examples of the block, to the sums of parameter k."""
    at = k * lanes_of(p.sums)
    store(p.sums, at, add_products(x, dz, load(p.sums, at)))
