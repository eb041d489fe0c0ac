"""The plan: the layout of memory for one net and one batch size."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numba.np.unsafe.ndarray import to_fixed_tuple

from clearprop.arrays import Array
from clearprop.engines.compiled.lanes import INTERPRETED, WIDEST, address_of, count
from clearprop.nn import Layer, Linear, Net, ReLU, Sigmoid, Softmax, Tanh

CACHE_LINE = 64  # bytes
# Activations, as the kernel knows them.
NONE, SIGMOID, TANH, RELU, SOFTMAX = range(5)
ACTIVATION_CODES: dict[type[Layer], int] = {Sigmoid: SIGMOID, Tanh: TANH, ReLU: RELU, Softmax: SOFTMAX}

EVALUATE, GRADIENT, TRAIN = range(3)
# The columns of a plan's table, one row for each linear layer. Every row of units is padded with zeros to whole registers.
N_IN, N_OUT, WIDTH, W, T, T_WIDTH, ACTIVATION, A, THETA_W, BIAS, COLUMNS = range(11)
"""Inputs; outputs; padded outputs; where W and W^T begin; padded inputs; activation; where a begins, and W in theta;
1 if there is a b in theta, behind W, and 0 if it is always zero."""


def stages(net: Net) -> list[tuple[Linear, int]] | str:
    """The net as linear layers, each with the code of its activation; or the reason why it is none, in a sentence."""
    found: list[tuple[Linear, int]] = []
    for layer in net.layers:
        if type(layer) is Linear:
            if any(layer is known for known, _ in found):
                return f"it does not share parameters, but {layer!r} is used twice."
            if layer.names != ("W", "b")[: 1 + layer.bias]:
                return f"it expects the parameters of {layer!r} to be W and b, in this order, not {', '.join(layer.names)}."
            found.append((layer, NONE))
        elif type(layer) in ACTIVATION_CODES and found and found[-1][1] == NONE:
            found[-1] = (found[-1][0], ACTIVATION_CODES[type(layer)])
        elif type(layer) in ACTIVATION_CODES:
            return f"each activation must follow a Linear, but {layer!r} does not."
        else:
            return f"it knows Linear, Sigmoid, Tanh, ReLU and Softmax only, not {layer!r}."
    return found


class Plan(NamedTuple):
    """Offsets, and the working memory of a training step.

    Attributes
    ----------
    table : array of int64 (n_stages, 10)
        The columns named above.
    n_stages, batch_size, threads : int
        Threads share the work.
    narrow : bool
        Whether each lane is for an example (`narrow`). Then units are not padded, and `a` and `targets` are for one block.
    packed, grad : array (n_packed,)
        All W and b, with padded rows, and their gradients.
    n_packed : int
    one, two : array (n_packed,)
        The optimizer's state, packed in the same way.
    a, da : array (sum of B x width,)
        Activations of every stage, and the gradients with respect to them, then to z.
    transposed : array
        W^T of every stage but the first.
    block_start : int
        Place in `a` and `da` for a register of each output, for each thread.
    offsets : array of int64 (n_stages, B)
        Begin of each row of `a`.
    x_offsets : array of int64 (threads, B)
        Begin of each row of the batch in the data; a copy for each thread.
    targets : array (B x width of the last stage,)
        Row by row; or unit by unit, for a block, for each thread.
    mask : array (width of the last stage,)
        1 for an output, 0 for padding.
    sums : array (n_packed x lanes,)
        For a narrow net, a register for each gradient.
    partial : array of float64 (3, threads)
        Shares of each thread in the loss, the number of correct predictions and the squared norm of the gradient.
    counter : array of int64 (1,)
        Counter of the barrier.
    """

    table: Array
    n_stages: int
    batch_size: int
    threads: int
    narrow: bool
    packed: Array
    n_packed: int
    grad: Array
    one: Array
    two: Array
    a: Array
    da: Array
    transposed: Array
    block_start: int
    offsets: Array
    x_offsets: Array
    targets: Array
    mask: Array
    sums: Array
    partial: Array
    counter: Array


def aligned(n: int, dtype: Any) -> Array:
    """n zeros, of which the first begins a cache line: a register that lies across two lines takes twice as long to load."""
    size = np.dtype(dtype).itemsize
    raw = np.zeros(n + CACHE_LINE // size, dtype)
    skipped = -raw.ctypes.data % CACHE_LINE // size
    return raw[skipped : skipped + n]


def make_plan(net: Net, batch_size: int, threads: int, narrow: bool) -> Plan:
    """The plan for a net that consists of `stages`."""
    found = stages(net)
    assert isinstance(found, list)
    lanes = count(net.dtype)
    block = WIDEST * lanes
    unit, rows = (1, block) if narrow else (lanes, batch_size)  # numbers in a row are padded to units of so many
    table = np.zeros((len(found), COLUMNS), np.int64)
    packed = transposed = theta = 0
    activations = found[0][0].n_in * block if narrow else 0
    for row, (layer, activation) in zip(table, found, strict=True):
        width, t_width = (-(-n // unit) * unit for n in (layer.n_out, layer.n_in))
        row[:5] = layer.n_in, layer.n_out, width, packed, transposed
        row[5:] = t_width, activation, activations, theta, layer.bias
        packed += (layer.n_in + 1) * width
        transposed += layer.n_out * t_width
        activations += rows * width
        theta += (layer.n_in + layer.bias) * layer.n_out
    packed = -(-packed // lanes) * lanes
    last_width = int(table[-1, WIDTH])
    return Plan(
        table=table,
        n_stages=len(table),
        batch_size=batch_size,
        threads=threads,
        narrow=narrow,
        packed=aligned(packed, net.dtype),
        n_packed=packed,
        grad=aligned(packed, net.dtype),
        one=aligned(packed, net.dtype),
        two=aligned(packed, net.dtype),
        a=aligned(activations + threads * lanes * lanes, net.dtype),
        da=aligned(activations + threads * lanes * lanes, net.dtype),
        transposed=aligned(transposed, net.dtype),
        block_start=activations,
        offsets=table[:, A : A + 1] + table[:, WIDTH : WIDTH + 1] * np.arange(batch_size),
        x_offsets=np.zeros((threads, batch_size), np.int64),
        targets=aligned(max(rows, threads * lanes) * last_width, net.dtype),
        mask=(np.arange(last_width) < table[-1, N_OUT]).astype(net.dtype),
        sums=aligned(packed * lanes if narrow else 0, net.dtype),
        partial=np.zeros((3, threads)),
        counter=np.zeros(1, np.int64),
    )


class Data(NamedTuple):
    """Examples and their loss.

    Attributes
    ----------
    x, y : array (N, n_x), (N,) or (N, value_columns)
        Inputs and targets.
    examples : int
        N.
    value_columns : int
        0, if the targets are labels, of int64.
    loss, per_example : int
        Code of the loss; the number of values of each example that it is a mean over, 0 for a sum.
    """

    x: Array
    y: Array
    examples: int
    value_columns: int
    loss: int
    per_example: int


def numbered(given: Plan | Data) -> Any:
    """A plan or data in the form in which the kernel takes it, one array of int64: the addresses of its arrays, and numbers.

    Handing over every array by itself would take Numba longer than a small net needs for an epoch. The arrays must live as
    long as their addresses are used.
    """
    if INTERPRETED:
        return given
    return np.array([address_of(part) if isinstance(part, np.ndarray) else int(part) for part in given], np.int64)


def _reader(kind: type) -> Any:
    """The function that makes a named tuple of what `numbered` returned."""
    if INTERPRETED:
        return lambda given: given
    length = len(kind._fields)  # type: ignore[attr-defined]
    return njit(forceinline=True)(lambda numbers: kind(*to_fixed_tuple(numbers, length)))


read_plan, read_data = _reader(Plan), _reader(Data)


class Memory(NamedTuple):
    """A `Plan`, `Data` and an order as the kernel's functions see them: pointers and numbers, which cost nothing to pass on.

    `table`, `x_offsets` and `offsets` are flat: `table[stage * COLUMNS + N_IN]`. `thread` is the thread that uses it.
    """

    table: Any
    stages: int
    lanes: int
    thread: int
    threads: int
    packed: Any
    n_packed: int
    grad: Any
    one: Any
    two: Any
    a: Any
    da: Any
    transposed: Any
    block_start: int
    offsets: Any
    x_offsets: Any
    targets: Any
    mask: Any
    sums: Any
    partial: Any
    counter: Any
    x: Any
    labels: Any
    values: Any
    value_columns: int
    order: Any
    batch_size: int
    loss: int
    per_example: int
    eps: float
    tiny: float
