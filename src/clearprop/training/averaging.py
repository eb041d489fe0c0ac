"""The average of several networks, as one network: their hidden units side by side, and their outputs weighed equally.

The average of k networks x -> a_i W_i + b_i over their last hidden layers a_i is again such a network: its last hidden layer is
(a_1, ..., a_k), with the weights W_1 / k, ..., W_k / k one below the other, and the mean of the b_i. Hidden layers in between
become block-diagonal. So whatever is done with a network (a picture, an export, an explanation) is done with the average too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import OptionError
from clearprop.nn import Layer, Linear, Net


def average(nets: Sequence[Net]) -> Net:
    """One network whose outputs (before a last activation) are the mean of those of `nets`, which have the same layers.

    Raises
    ------
    OptionError
        If their layers differ.

    Examples
    --------
    >>> import clearprop as cp
    >>> nets = [cp.mlp([2, 3, 1], seed=seed, dtype="float64") for seed in (0, 1)]
    >>> x = np.ones((1, 2))
    >>> bool(np.isclose(average(nets)(x), (nets[0](x) + nets[1](x)) / 2).all())
    True
    """
    first = nets[0]
    if any([repr(layer) for layer in net.layers] != [repr(layer) for layer in first.layers] for net in nets):
        raise OptionError("Only networks with the same layers have an average; these differ.")
    if len(nets) == 1:
        return first
    linear = [i for i, layer in enumerate(first.layers) if isinstance(layer, Linear)]
    layers: list[Layer] = []
    for i, layer in enumerate(first.layers):
        if i in linear:
            layers.append(_side_by_side([net.layers[i] for net in nets], i == linear[0], i == linear[-1]))
        else:
            layers.append(layer.copy())
    return Net(*layers, seed=None, dtype=first.dtype)


def _side_by_side(layers: Sequence[Layer], first: bool, last: bool) -> Linear:
    """The linear layers of several networks as one."""
    W = [np.asarray(layer.parameters()["W"]) for layer in layers]
    b = [np.asarray(layer.parameters()["b"]) for layer in layers]
    k = len(layers)
    if first and last:
        weights, bias = sum(W) / k, sum(b) / k
    elif first:
        weights, bias = np.concatenate(W, axis=1), np.concatenate(b)
    elif last:
        weights, bias = np.concatenate(W) / k, sum(b) / k
    else:
        weights, bias = _block_diagonal(W), np.concatenate(b)
    made = Linear(*np.shape(weights))
    made.W, made.b = np.asarray(weights, W[0].dtype), np.asarray(bias, W[0].dtype)
    return made


def _block_diagonal(blocks: Sequence[Array]) -> Array:
    """A matrix with the blocks along its diagonal, and zeros elsewhere."""
    rows, width = blocks[0].shape
    out = np.zeros((rows * len(blocks), width * len(blocks)), blocks[0].dtype)
    for i, block in enumerate(blocks):
        out[i * rows : (i + 1) * rows, i * width : (i + 1) * width] = block
    return out
