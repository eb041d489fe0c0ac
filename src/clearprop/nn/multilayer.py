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
from clearprop.nn.initialisers import INITIALISERS, He, Initialiser, Xavier
from clearprop.nn.layer import Layer
from clearprop.nn.linear import Linear
from clearprop.nn.net import Net
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
        Initialiser of all weights. By default He's before a ReLU, and Xavier's elsewhere.
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
        default: Initialiser = He() if isinstance(activation, ReLU) else Xavier()
        layers.append(Linear(sizes[i], sizes[i + 1], init=default if init is None else INITIALISERS.make(init)))
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
