"""Formulas of each kind of layer: its value and its derivatives, in symbols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clearprop.nn import (
    ELU,
    GELU,
    SELU,
    BatchNorm,
    Conv2d,
    Dropout,
    Embedding,
    Flatten,
    GELUTanh,
    Identity,
    Layer,
    LayerNorm,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
    Unflatten,
)


@dataclass(frozen=True)
class Formulas:
    """Formulas of one kind of layer.

    Attributes
    ----------
    letter : str
        Letter for its value: "z", "a".
    forward : str
        Formula of the value, with {x} for the input and the names of the parameters in braces.
    backward : dict of str to str
        Formula of the gradient of each parameter and of the input ("x"), with {dy} for the gradient of the value {y}.
    """

    letter: str
    forward: str
    backward: dict[str, str]


KNOWN: dict[type, Formulas] = {
    Linear: Formulas("z", "{x} {W} + {b}", {"W": "{x}^T {dy}", "b": "sum of the rows of {dy}", "x": "{dy} {W}^T"}),
    Sigmoid: Formulas("a", "1 / (1 + exp(-{x}))", {"x": "{dy} * {y} (1 - {y})"}),
    Tanh: Formulas("a", "tanh({x})", {"x": "{dy} * (1 - {y}^2)"}),
    ReLU: Formulas("a", "max({x}, 0)", {"x": "{dy} where {y} > 0, else 0"}),
    LeakyReLU: Formulas("a", "{x} where {x} > 0, else c {x}", {"x": "{dy} where {y} > 0, else c {dy}"}),
    ELU: Formulas("a", "{x} where {x} > 0, else alpha (exp({x}) - 1)", {"x": "{dy} where {y} > 0, else {dy} * ({y} + alpha)"}),
    SELU: Formulas(
        "a",
        "s {x} where {x} > 0, else s alpha (exp({x}) - 1), s = 1.0507, alpha = 1.6733",
        {"x": "s {dy} where {y} > 0, else {dy} * ({y} + s alpha)"},
    ),
    Softplus: Formulas("a", "log(1 + exp({x}))", {"x": "{dy} * (1 - exp(-{y}))"}),
    SiLU: Formulas("a", "{x} sigmoid({x})", {"x": "{dy} * s (1 + {x} (1 - s)), s = sigmoid({x})"}),
    GELU: Formulas("a", "{x} Phi({x})", {"x": "{dy} * (Phi({x}) + {x} exp(-{x}^2 / 2) / sqrt(2 pi))"}),
    GELUTanh: Formulas(
        "a",
        "{x} (1 + tanh u) / 2, u = sqrt(2 / pi) ({x} + 0.044715 {x}^3)",
        {"x": "{dy} * ((1 + tanh u) + {x} (1 - tanh^2 u) u') / 2, u' = sqrt(2 / pi) (1 + 0.134145 {x}^2)"},
    ),
    Identity: Formulas("a", "{x}", {"x": "{dy}"}),
    Softmax: Formulas("p", "exp({x}) / sum of exp({x}), in each row", {"x": "{y} * ({dy} - sum of {dy} * {y}, in each row)"}),
    Dropout: Formulas("d", "{x} * mask, 0 or 1 / (1 - rate)", {"x": "{dy} * mask"}),
    BatchNorm: Formulas(
        "n",
        "{gamma} * x_hat + {beta}, x_hat = ({x} - mean) s, s = 1 / sqrt(var + eps)",
        {
            "gamma": "sum of the rows of {dy} * x_hat",
            "beta": "sum of the rows of {dy}",
            "x": "s (dx_hat - mean(dx_hat) - x_hat mean(dx_hat * x_hat)), dx_hat = {dy} {gamma}",
        },
    ),
}


KNOWN[LayerNorm] = Formulas(
    "n",
    "{gamma} * x_hat + {beta}, x_hat = ({x} - mean) s, s = 1 / sqrt(var + eps), in each row",
    {**KNOWN[BatchNorm].backward, "x": KNOWN[BatchNorm].backward["x"] + ", means of each row"},
)
KNOWN[Conv2d] = Formulas(
    "z",
    "{W} * every patch of {x}, + {b}",
    {
        "W": "sum of patch of {x} times {dy}",
        "b": "sum of {dy} over examples and places",
        "x": "{dy} {W}, added up over the patches",
    },
)
KNOWN[MaxPool2d] = Formulas("m", "the largest of each square of {x}", {"x": "{dy} at the largest, else 0"})
KNOWN[Unflatten] = Formulas("i", "{x} as images", {"x": "{dy} as rows"})
KNOWN[Flatten] = Formulas("r", "{x} as rows", {"x": "{dy} as images"})
KNOWN[Embedding] = Formulas(
    "v", "the row of {W} for each category in {x}", {"W": "sum of {dy} in each row that was picked", "x": "0"}
)
NO_BIAS = Formulas("z", "{x} {W}", {"W": "{x}^T {dy}", "x": "{dy} {W}^T"})


def formulas_of(layer: Layer) -> Formulas:
    """Formulas of a layer; for one of your own, the names of its methods: `Square.forward(x)`."""
    if type(layer) is Linear and not layer.bias:
        return NO_BIAS
    if type(layer) in KNOWN:
        return KNOWN[type(layer)]
    if type(layer) is Residual:
        return of_block(layer)
    name = type(layer).__name__
    parts = dict.fromkeys((*layer.names, "x"), f"{name}.backward({{dy}})")
    return Formulas("u", f"{name}.forward({{x}})", parts)


def of_block(block: Residual) -> Formulas:
    """Formulas of a residual block, whose layers are named but not taken apart."""
    inside = " -> ".join(type(layer).__name__ for layer in block.layers)
    parts = dict.fromkeys(block.names, f"back through {inside}, from {{dy}}")
    return Formulas("r", f"{{x}} + f({{x}}), f = {inside}", {**parts, "x": "{dy} + {dy} back through f"})


def fill(formula: str, symbols: dict[str, Any]) -> str:
    """A formula with the symbols of one place in a net.

    Examples
    --------
    >>> fill("{x} {W} + {b}", {"x": "a1", "W": "W2", "b": "b2"})
    'a1 W2 + b2'
    """
    return formula.format(**symbols)
