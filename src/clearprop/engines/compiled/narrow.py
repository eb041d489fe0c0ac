"""The pass for narrow nets: a lane for each example.

Where a layer has fewer units than a register has lanes, a register that holds the units of one example stays half empty, and
so it is for every example. Here a register holds one unit of as many examples as it has lanes. A block of so many examples
goes forward and backward at once, the weights are spread over all lanes, and every product x_i dz_j is added up in a register
of its own, whose lanes are added at the end of the batch.

Blocks are as wide as two registers while there are examples enough: while one half waits, the other is computed.

That pays as long as these registers, one for each parameter, are few beside the examples (`compiled_engine.is_narrow`).
"""

from __future__ import annotations

from typing import Any

from clearprop.engines.compiled.lane_moves import add_products, fma, fold, gather
from clearprop.engines.compiled.lanes import expanded, fill, lanes_of, load, store, total
from clearprop.engines.compiled.loss_blocks import loss_block, n_answers, read_targets, softmax_block
from clearprop.engines.compiled.plan import ACTIVATION, BIAS, COLUMNS, N_IN, N_OUT, NONE, SOFTMAX, A, W
from clearprop.engines.compiled.stages import activate, differentiate


@expanded
def narrow_pass(p: Any, wide: Any, first: int, size: int, learn: bool) -> tuple[float, float]:
    """Forward pass of a batch, and backward if it is to learn: its gradient is left in `grad`. Returns its loss and n_correct.

    `wide` is the same memory as `p`, for blocks of two registers; the last few examples are a block of one.
    """
    losses = n_correct = fill(p.sums, 0.0)
    scale = 1.0 / (size * p.per_example) if p.per_example else 1.0
    for k in range(0, p.n_packed * p.lanes if learn else 0, p.lanes):
        store(p.sums, k, fill(p.sums, 0.0))
    begin, end = first, first + size
    while end - begin > p.lanes:
        losses, n_correct = pass_block(wide, begin, end, scale, learn, losses, n_correct)
        begin += wide.lanes
    if begin < end:
        losses, n_correct = pass_block(p, begin, end, scale, learn, losses, n_correct)
    for k in range(0, p.n_packed if learn else 0, p.lanes):
        store(p.grad, k, fold(p.sums, k * p.lanes))
    return total(losses) * scale, total(n_correct) / n_answers(p)


@expanded
def pass_block(p: Any, begin: int, end: int, scale: float, learn: bool, losses: Any, n_correct: Any) -> tuple[Any, Any]:
    """Forward and backward for the examples from `begin`, in a batch that ends at `end`; adds to loss and n_correct."""
    read_block(p, begin, end - begin)
    for stage in range(p.stages):
        forward_block(p, stage)
    v, c = loss_block(p, p.table[(p.stages - 1) * COLUMNS + A], end - begin, scale)
    differentiate_block(p, p.stages - 1)
    for stage in range(p.stages - 1 if learn else -1, -1, -1):
        backward_block(p, stage)
    one = fill(p.a, 1.0)
    return add_products(one, v, losses), add_products(one, c, n_correct)


@expanded
def read_block(p: Any, begin: int, n_real: int) -> None:
    """The inputs and the targets of a block, unit by unit."""
    read_targets(p, begin, n_real)
    n_in = p.table[N_IN]
    for i in range(n_in):
        store(p.a, i * p.lanes, gather(p.x, p.order, begin, n_real, n_in, i, p.a))


@expanded
def place(p: Any, stage: int) -> tuple[int, int, int, int, int]:
    """Inputs and outputs of a stage, and where its inputs, its outputs and its W lie."""
    t, at = p.table, stage * COLUMNS
    before = t[at - COLUMNS + A] if stage > 0 else 0
    return t[at + N_IN], t[at + N_OUT], before, t[at + A], t[at + W]


@expanded
def forward_block(p: Any, stage: int) -> None:
    """a_j = f(b_j + sum_i W_ij x_i), for all examples of the block at once."""
    n_in, n_out, x, a, w = place(p, stage)
    lanes, code = p.lanes, p.table[stage * COLUMNS + ACTIVATION]
    for j in range(n_out):
        z = fill(p.a, p.packed[w + n_in * n_out + j])
        for i in range(n_in):
            z = fma(load(p.a, x + i * lanes), fill(p.a, p.packed[w + i * n_out + j]), z)
        store(p.a, a + j * lanes, z)
    if code == SOFTMAX:
        softmax_block(p.a, a, p.a, a, n_out, lanes)
    elif code != NONE:
        activate(code, p.a, a, 0, 0, 0, n_out * lanes, lanes)


@expanded
def backward_block(p: Any, stage: int) -> None:
    """dW_ij += x_i dz_j and db_j += dz_j; then dz of the stage before, f'(x_i) sum_j W_ij dz_j."""
    n_in, n_out, x, dz, w = place(p, stage)
    lanes = p.lanes
    for j in range(n_out if p.table[stage * COLUMNS + BIAS] else 0):
        add_to_gradient(p, w + n_in * n_out + j, fill(p.a, 1.0), load(p.da, dz + j * lanes))
    if stage == 0:
        for i in range(n_in):
            x_i, k = load(p.a, x + i * lanes), w + i * n_out
            for j in range(n_out):
                add_to_gradient(p, k + j, x_i, load(p.da, dz + j * lanes))
        return
    for i in range(n_in):
        x_i, k, dx_i = load(p.a, x + i * lanes), w + i * n_out, fill(p.a, 0.0)
        for j in range(n_out):
            dz_j = load(p.da, dz + j * lanes)
            add_to_gradient(p, k + j, x_i, dz_j)
            dx_i = fma(dz_j, fill(p.a, p.packed[k + j]), dx_i)
        store(p.da, x + i * lanes, dx_i)
    differentiate_block(p, stage - 1)


@expanded
def add_to_gradient(p: Any, k: int, x: Any, dz: Any) -> None:
    """Add x dz, for all examples of the block, to the sums of parameter k."""
    at = k * lanes_of(p.sums)
    store(p.sums, at, add_products(x, dz, load(p.sums, at)))


@expanded
def differentiate_block(p: Any, stage: int) -> None:
    """dz <- da * f'(z) of a stage, in place."""
    at, lanes = stage * COLUMNS, p.lanes
    n, a, code = p.table[at + N_OUT], p.table[at + A], p.table[at + ACTIVATION]
    if code == SOFTMAX:
        inner = fill(p.a, 0.0)
        for k in range(a, a + n * lanes, lanes):
            inner = fma(load(p.da, k), load(p.a, k), inner)
        for k in range(a, a + n * lanes, lanes):
            store(p.da, k, load(p.a, k) * (load(p.da, k) - inner))
    elif code != NONE:
        differentiate(code, p.a, p.da, a, n * lanes, 0, n * lanes, lanes)
