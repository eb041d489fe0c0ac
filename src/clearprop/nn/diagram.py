"""The columns of a net's drawing: every quantity with its name and size, and the layer between it and the one before."""

from __future__ import annotations

from collections.abc import Sequence

from clearprop.nn.activations import Activation
from clearprop.nn.batchnorm import BatchNorm
from clearprop.nn.dropout import Dropout
from clearprop.nn.layer import Layer
from clearprop.nn.linear import Linear
from clearprop.nn.softmax import Softmax
from clearprop.plots.network import Link, UnitColumn

LETTERS: dict[type[Layer], str] = {Linear: "z", Activation: "a", Softmax: "p", Dropout: "d", BatchNorm: "n"}
"""Letters of the values of the layers, as in a walkthrough; "u" for any other."""


def columns_of(layers: Sequence[Layer], n_in: int | None) -> list[UnitColumn]:
    """The columns, from the input to the output.

    Examples
    --------
    >>> from clearprop.nn import Linear, Tanh
    >>> [column.symbol for column in columns_of([Linear(2, 4), Tanh(), Linear(4, 2)], 2)]
    ['x', 'z1', 'a1', 'z2']
    """
    columns, size, counts = [UnitColumn("x", n_in)], n_in, dict.fromkeys([*LETTERS.values(), "u"], 0)
    names: dict[int, str] = {}  # a layer that appears twice keeps the names of its parameters
    for layer in layers:
        letter = next((letter for kind, letter in LETTERS.items() if isinstance(layer, kind)), "u")
        counts[letter] += 1
        size = layer.width(size)
        shapes = layer.parameters().items()
        named = "\n".join(f"{name}{counts[letter]} {value.shape}" for name, value in shapes)
        label = names.setdefault(id(layer), f"{type(layer).__name__}\n{named}".strip())
        link: Link = "each" if isinstance(layer, (Activation, Dropout, BatchNorm)) else "all"
        columns.append(UnitColumn(f"{letter}{counts[letter]}", size, link, label))
    return columns
