"""The plan: where everything lies in memory, for one net and one batch size."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.compiled.lanes import count
from clearprop.nn import Layer, Linear, Net, ReLU, Sigmoid, Softmax, Tanh

# Activations, as the kernel knows them.
NONE, SIGMOID, TANH, RELU, SOFTMAX = range(5)
ACTIVATION_CODES: dict[type[Layer], int] = {Sigmoid: SIGMOID, Tanh: TANH, ReLU: RELU, Softmax: SOFTMAX}

# The columns of a plan's table, one row for each linear layer. Every row of units is padded with zeros to whole registers.
N_IN, N_OUT, WIDTH, W, B, T, T_WIDTH, ACTIVATION, A, THETA_W, COLUMNS = range(11)
"""Inputs; outputs; padded outputs; where W, b and W^T begin; padded inputs; activation; where a begins, and W in theta."""


def stages(net: Net) -> list[tuple[Linear, int]] | str:
    """The net as linear layers, each with the code of its activation; or why it cannot be seen so."""
    found: list[tuple[Linear, int]] = []
    for layer in net.layers:
        if type(layer) is Linear:
            if any(layer is known for known, _ in found):
                return f"it does not share parameters, but {layer!r} is used twice."
            found.append((layer, NONE))
        elif type(layer) in ACTIVATION_CODES and found and found[-1][1] == NONE:
            found[-1] = (found[-1][0], ACTIVATION_CODES[type(layer)])
        elif type(layer) in ACTIVATION_CODES:
            return f"each activation must follow a Linear, but {layer!r} does not."
        else:
            return f"it knows Linear, Sigmoid, Tanh, ReLU and Softmax only, not {layer!r}."
    return found


class Plan(NamedTuple):
    """Offsets, and the working memory of a training step; a named tuple, so that the kernel takes it as one argument.

    Attributes
    ----------
    table : array of int64 (n_stages, 10)
        The columns named above.
    lanes, threads : int
        Numbers in a register; threads that share the work.
    packed, grad : array (n_packed,)
        All W and b, with padded rows, and their gradients.
    slots : array (2, n_packed)
        What the optimizer remembers, packed in the same way.
    a, da : array (sum of B x width,)
        Activations of every stage, and the gradients with respect to them, then to z.
    transposed : array
        W^T of every stage but the first.
    offsets : array of int64 (n_stages, B)
        Where each row of `a` begins.
    x_offsets : array of int64 (threads, B)
        Where each row of the batch begins in the data; a copy for each thread.
    targets : array (B x width of the last stage,)
    mask : array (width of the last stage,)
        1 for an output, 0 for padding.
    partial : array of float64 (3, threads)
        What each thread contributes to the loss, the hits and the squared norm of the gradient.
    counter : array of int64 (1,)
        Of the barrier.
    """

    table: Array
    lanes: int
    threads: int
    packed: Array
    grad: Array
    slots: Array
    a: Array
    da: Array
    transposed: Array
    offsets: Array
    x_offsets: Array
    targets: Array
    mask: Array
    partial: Array
    counter: Array


def make_plan(net: Net, batch_size: int, threads: int) -> Plan:
    """The plan for a net that consists of `stages`."""
    found = stages(net)
    assert isinstance(found, list)
    lanes = count(net.dtype)
    table = np.zeros((len(found), 10), np.int64)
    packed = activations = transposed = theta = 0
    for row, (layer, activation) in zip(table, found, strict=True):
        width, t_width = (-(-n // lanes) * lanes for n in (layer.n_out, layer.n_in))
        row[:6] = layer.n_in, layer.n_out, width, packed, packed + layer.n_in * width, transposed
        row[6:] = t_width, activation, activations, theta
        packed += (layer.n_in + 1) * width
        transposed += layer.n_out * t_width
        activations += batch_size * width
        theta += (layer.n_in + 1) * layer.n_out
    last_width = int(table[-1, WIDTH])
    return Plan(
        table=table,
        lanes=lanes,
        threads=threads,
        packed=np.zeros(packed, net.dtype),
        grad=np.zeros(packed, net.dtype),
        slots=np.zeros((2, packed), net.dtype),
        a=np.zeros(activations, net.dtype),
        da=np.zeros(activations, net.dtype),
        transposed=np.zeros(transposed, net.dtype),
        offsets=table[:, A : A + 1] + table[:, WIDTH : WIDTH + 1] * np.arange(batch_size),
        x_offsets=np.zeros((threads, batch_size), np.int64),
        targets=np.zeros(batch_size * last_width, net.dtype),
        mask=(np.arange(last_width) < table[-1, N_OUT]).astype(net.dtype),
        partial=np.zeros((3, threads)),
        counter=np.zeros(1, np.int64),
    )


class Job(NamedTuple):
    """What an epoch is to do with a plan.

    Attributes
    ----------
    theta, slots : array (P,), (2, P)
        Read at the beginning, written at the end.
    x : address
        Of the data (N, n_x), row after row.
    labels, values, value_columns : address, address, int
        Of the targets, int64 (N,) or numbers (N, n_y); one of the two is of no account, and n_y is 0 if that is the second.
    order, examples : address, int
        Of the order, int64, and its length.
    batch_size, loss, per_example, optimizer : int
        Codes of the loss and the optimizer; how many numbers of each example the loss is a mean over, 0 for a sum.
    straight : bool
        Gradient descent without momentum, decay or clipping: each product x^T dz goes straight into W.
    update : bool
        False to leave the gradient in `grad`, and theta as it is.
    rates, constants : array of float64 (n,), (n, k)
        Of each step; a single one for all.
    decay, clip_norm : float
        As for `Optimizer`; an infinite norm for no clipping.
    losses, hits : array of float64 (n_steps,)
        Results.
    """

    theta: Array
    slots: Array
    x: int
    labels: int
    values: int
    value_columns: int
    order: int
    examples: int
    batch_size: int
    loss: int
    per_example: int
    optimizer: int
    straight: bool
    update: bool
    rates: Array
    constants: Array
    decay: float
    clip_norm: float
    losses: Array
    hits: Array


class Memory(NamedTuple):
    """A `Plan` and a `Job` as the kernel's functions see them: pointers and numbers, which cost nothing to pass on.

    `table`, `x_offsets` and `offsets` are flat: `table[stage * COLUMNS + N_IN]`. `thread` is whose memory this is.
    """

    table: Any
    stages: int
    lanes: int
    thread: int
    threads: int
    packed: Any
    grad: Any
    one: Any
    two: Any
    a: Any
    da: Any
    transposed: Any
    offsets: Any
    x_offsets: Any
    targets: Any
    mask: Any
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
