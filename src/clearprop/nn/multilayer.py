"""The usual stack: linear layers with activations between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Dtype
from clearprop.errors import OptionError
from clearprop.nn.activations import ReLU
from clearprop.nn.dropout import Dropout
from clearprop.nn.gates import GELU, GELUTanh, SiLU
from clearprop.nn.initialisers import INITIALISERS, He, Initialiser, LeCun, Xavier
from clearprop.nn.layer import Layer
from clearprop.nn.linear import Linear
from clearprop.nn.net import Net
from clearprop.nn.rectifiers import ELU, SELU, LeakyReLU
from clearprop.nn.registries import ACTIVATIONS
from clearprop.registry import count


@checked
def mlp(
    sizes: Sequence[int],
    hidden: str | Sequence[str] = "relu",
    output: str = "linear",
    init: str | dict[str, Any] | Initialiser | None = None,
    dropout: float = 0.0,
    seed: int | np.random.Generator | None = 0,
    dtype: Dtype = "float32",
) -> Net:
    """A multi-layer perceptron.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of units from the inputs to the outputs, such as [784, 300, 10].
    hidden : str or sequence of str
        Activation of all hidden layers, or one for each of them; "linear" for none.
    output : str
        Activation of the last layer: "linear" (for losses on scores), "sigmoid", "softmax", ...
    init : str or Initialiser, optional
        Initialiser of all weights. By default He's before a rectifier (ReLU, LeakyReLU, ELU, GELU, SiLU), LeCun's before a
        SELU, and Xavier's elsewhere.
    dropout : float
        Rate of a Dropout after every hidden activation.
    seed, dtype
        As for `Net`.

    Examples
    --------
    >>> mlp([784, 300, 10], hidden="sigmoid")
    Net(Linear(784, 300), Sigmoid(), Linear(300, 10), dtype='float32')
    """
    sizes = [count("every entry of sizes", size) for size in sizes]
    if len(sizes) < 2:
        raise OptionError(f"mlp needs at least the numbers of inputs and outputs, such as [2, 1], not {list(sizes)}.")
    n_hidden = len(sizes) - 2
    names = [hidden] * n_hidden if isinstance(hidden, str) else list(hidden)
    if len(names) != n_hidden:
        raise OptionError(
            f"hidden must be one name, or one for each of the {n_hidden} hidden layers, not {len(names)} names: {names}."
        )
    layers: list[Layer] = []
    for i, name in enumerate([*names, output]):
        activation = make_activation(name)
        rule = usual_initialiser(activation) if init is None else INITIALISERS.make(init)
        layers.append(Linear(sizes[i], sizes[i + 1], init=rule))
        if activation is not None:
            layers.append(activation)
        if dropout and i < n_hidden:
            layers.append(Dropout(dropout))
    return Net(*layers, seed=seed, dtype=dtype)


def make_activation(name: str) -> Layer | None:
    """A fresh activation layer by name; None for "linear", which is no layer at all."""
    if name == "linear":
        return None
    return ACTIVATIONS.make(name)


HALVING = (ReLU, LeakyReLU, ELU, GELU, GELUTanh, SiLU)
"""Activations that let the positive half pass, and little of the other: half of the variance, which He's rule doubles."""


def usual_initialiser(activation: Layer | None) -> Initialiser:
    """The initialiser that keeps the scale of what passes through a linear layer and the activation behind it.

    Examples
    --------
    >>> from clearprop.nn import Tanh
    >>> usual_initialiser(ReLU()), usual_initialiser(SELU()), usual_initialiser(Tanh())
    (He(), LeCun(distribution='normal'), Xavier())
    """
    if isinstance(activation, SELU):
        return LeCun("normal")
    return He() if isinstance(activation, HALVING) else Xavier()
