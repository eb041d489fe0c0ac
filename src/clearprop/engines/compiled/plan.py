"""The plan: a net as the kernel's stages, and the layout of its memory for one batch size."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.compiled.lanes import WIDEST, count
from clearprop.engines.compiled.memory import Job, address_of, named_address
from clearprop.nn import Activation, BatchNorm, Dropout, Layer, Linear, Net, Softmax

CACHE_LINE = 64  # bytes
EVALUATE, GRADIENT, TRAIN = range(3)
# What a stage computes from its inputs: a product x W + b, with at most one activation behind it; or one of the others alone.
PRODUCT, ALONE, DROPOUT, BATCH_NORM = range(4)
# The columns of a plan's table, one row for each stage. Every row of units is padded with zeros to whole registers.
(KIND, N_IN, N_OUT, WIDTH, ROWS, BIAS, W, T, T_WIDTH, A, THETA_W, F, DF, IN_ROWS, EXTRA, GENERATOR, NUMBERS_AT, RUNNING_AT,
 COLUMNS) = range(19)  # fmt: skip
"""Kind; inputs; outputs; padded outputs; rows of W, and 1 if there is a b in theta, behind W; where W and W^T begin; padded
inputs; where a begins, and W in theta; the activation and its derivative, as units, 0 for none; 1 for a softmax, which needs
whole rows; where the stage's part of `extra` begins; address of NumPy's generator, of the stage's own numbers (float64), and of
its running mean and variance."""
# Figures to which each thread has a share: loss, correct predictions, squared norm of the gradient, and whether to stop.
LOSS, CORRECT, SQUARES, HALT, SHARES = range(5)
# Counters: of the barrier; epochs done; 1 if the data were refused; 1 to stop; and the next job of many.
BARRIER, DONE, REFUSED, STOP, NEXT_JOB, COUNTERS = range(6)
INTERRUPTED, NONFINITE, PATIENCE = 1, 2, 3  # reasons to stop


class KernelStage(NamedTuple):
    """One stage of a net: the layer that it computes, and the activation behind it, if any."""

    kind: int
    layer: Layer | None
    activation: Layer | None
    n_in: int
    n_out: int

    @property
    def parameters(self) -> tuple[int, bool]:
        """Rows of W, and whether there is a b: gamma is a W of one row, and beta a b."""
        if isinstance(self.layer, Linear):
            return self.layer.n_in, self.layer.bias
        return (1, True) if isinstance(self.layer, BatchNorm) else (0, False)


def stages(net: Net) -> list[KernelStage] | str:
    """The net as the stages of the kernel; or the reason why it is none, in a sentence."""
    found: list[KernelStage] = []
    n: int | None = net.n_in
    seen: list[Layer] = []
    for layer in net.layers:
        if layer.names and any(layer is other for other in seen):
            return f"it does not share parameters, but {layer!r} is used twice."
        seen.append(layer)
        if type(layer) is Linear and layer.names != ("W", "b")[: 1 + layer.bias]:
            return f"it expects the parameters of {layer!r} to be W and b, in this order, not {', '.join(layer.names)}."
        if type(layer) is Linear:
            found.append(KernelStage(PRODUCT, layer, None, layer.n_in, layer.n_out))
            n = layer.n_out
            continue
        if n is None:
            return f"it needs to know the number of inputs of {layer!r}; begin with a Linear."
        if isinstance(layer, (Activation, Softmax)):
            if found and found[-1].kind == PRODUCT and found[-1].activation is None:
                found[-1] = found[-1]._replace(activation=layer)
            else:
                found.append(KernelStage(ALONE, None, layer, n, n))
        elif type(layer) is Dropout:
            if layer.rate:
                found.append(KernelStage(DROPOUT, layer, None, n, n))
        elif type(layer) is BatchNorm:
            found.append(KernelStage(BATCH_NORM, layer, None, n, n))
        else:
            return f"it knows Linear, Dropout, BatchNorm, Softmax and element-wise activations only, not {layer!r}."
    return found or "there is nothing to compute."


def reads_z(activation: Layer | None) -> bool:
    """Whether the derivative of an activation is computed from its input, which then has to be kept beside its value."""
    return isinstance(activation, Activation) and activation.reads == "z"


def aligned(n: int, dtype: Any) -> Array:
    """n zeros, of which the first begins a cache line: a register that lies across two lines takes twice as long to load."""
    size = np.dtype(dtype).itemsize
    raw = np.zeros(n + CACHE_LINE // size, dtype)
    skipped = -address_of(raw) % CACHE_LINE // size
    return raw[skipped : skipped + n]


class KernelLayout(NamedTuple):
    """The table of a net, and how many numbers each array of the memory has."""

    table: Array
    packed: int
    transposed: int
    activations: int
    extra: int
    numbers: list[Array]  # the stages' own numbers, whose addresses stand in the table
    running: list[Array]  # and their running averages


def make_layout(found: list[KernelStage], dtype: Any, batch_size: int, narrow: bool) -> KernelLayout:
    """Places of everything, for a net that consists of `found`."""
    lanes = count(dtype)
    block = WIDEST * lanes
    unit, rows = (1, block) if narrow else (lanes, batch_size)  # numbers in a row are padded to units of so many
    table = np.zeros((len(found), COLUMNS), np.int64)
    packed = transposed = theta = extra = 0
    numbers, running = [], []
    activations = found[0].n_in * block if narrow else 0
    for row, stage in zip(table, found, strict=True):
        width, t_width = (-(-n // unit) * unit for n in (stage.n_out, stage.n_in))
        w_rows, bias = stage.parameters
        row[[KIND, N_IN, N_OUT, WIDTH, ROWS, BIAS]] = stage.kind, stage.n_in, stage.n_out, width, w_rows, bias
        row[[W, T, T_WIDTH, A, THETA_W, EXTRA]] = packed, transposed, t_width, activations, theta, extra
        row[IN_ROWS] = isinstance(stage.activation, Softmax)
        packed += (w_rows + 1) * width
        transposed += stage.n_out * t_width if stage.kind == PRODUCT else 0
        activations += rows * width
        theta += (w_rows + bias) * stage.n_out
        # A mask or x_hat for every number, and for a BatchNorm 1 / sqrt(var + eps).
        extra += {DROPOUT: rows, BATCH_NORM: rows + 1}.get(stage.kind, 0) * width
        numbers.append(own_numbers_of(stage.layer, np.dtype(dtype)))
        running.append(aligned(2 * width if stage.kind == BATCH_NORM else 0, dtype))
        row[[NUMBERS_AT, RUNNING_AT]] = named_address(numbers[-1]), named_address(running[-1])
    return KernelLayout(table, -(-packed // lanes) * lanes, transposed, activations, extra, numbers, running)


def own_numbers_of(layer: Layer | None, dtype: np.dtype[Any]) -> Array:
    """The settings of a layer that the kernel needs: rate and factor of a Dropout; momentum and eps of a BatchNorm."""
    if isinstance(layer, Dropout):
        return np.array([layer.rate, dtype.type(1) / dtype.type(1 - layer.rate)], np.float64)
    return np.array([layer.momentum, layer.eps] if isinstance(layer, BatchNorm) else [0.0, 0.0], np.float64)


def make_job(found: list[KernelStage], dtype: Any, batch_size: int, threads: int, narrow: bool) -> tuple[Job, KernelLayout]:
    """The memory for a net that consists of `found`; the data, the order and the units are set for each call."""
    lanes = count(dtype)
    layout = make_layout(found, dtype, batch_size, narrow)
    table = layout.table
    rows, last_width = (WIDEST * lanes if narrow else batch_size), int(table[-1, WIDTH])
    spare = layout.activations + threads * lanes * lanes
    job = Job(
        threads,
        table=table,
        stages=len(table),
        batch_size=batch_size,
        n_packed=layout.packed,
        block_start=layout.activations,
        **{name: aligned(layout.packed, dtype) for name in ("packed", "grad", "one", "two")},
        a=aligned(spare, dtype),
        da=aligned(spare, dtype),
        z=aligned(spare if any(reads_z(stage.activation) for stage in found) else 0, dtype),
        extra=aligned(layout.extra, dtype),
        spare=aligned(threads * lanes, dtype),
        transposed=aligned(layout.transposed, dtype),
        offsets=np.ascontiguousarray(table[:, A : A + 1] + table[:, WIDTH : WIDTH + 1] * np.arange(batch_size)),
        x_offsets=np.zeros((threads, batch_size), np.int64),
        targets=aligned(max(rows, threads * lanes) * last_width, dtype),
        mask=(np.arange(last_width) < table[-1, N_OUT]).astype(dtype),
        class_terms=aligned(2 * last_width, dtype),
        sums=aligned(layout.packed * lanes if narrow else 0, dtype),
        block_sums=aligned(2 * lanes, dtype),
        partial=np.zeros((SHARES, threads)),
        counter=np.zeros(COUNTERS, np.int64),
    )
    return job, layout
