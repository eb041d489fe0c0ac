"""Cards of units: how one is made, where its gradient comes from, what the next step makes of it, and what it was earlier."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import OptionError
from clearprop.laboratory.cards import passes, signif, written
from clearprop.laboratory.trainer import Trainer, gradient_of
from clearprop.laboratory.views import drawn_columns
from clearprop.nn import Layer, Linear, Net
from clearprop.walkthrough.one_step import Names

HISTORY = 40  # earlier values


def unit_card(trainer: Trainer, column: int, unit: int) -> dict[str, Any]:
    """The card of one unit, for the first example of the next batch.

    It holds how the unit is made, where its gradient comes from, what the next step makes of it, and what it was earlier.

    Parameters
    ----------
    trainer : Trainer
    column : int
        0 for the inputs, k for the values of layer k.
    unit : int
        Number of the unit, from 0.
    """
    net, names = trainer.net.copy(), Names(trainer.net)
    if not 0 <= column <= len(net.layers):
        raise OptionError(f"The net has {len(net.layers)} layers; there is no column {column}.")
    X, y = trainer.batch()
    with np.errstate(all="ignore"):
        values, gradients = passes(trainer, net, X, y)
    if not 0 <= unit < values[column].shape[1]:
        raise OptionError(f"Column {column} has {values[column].shape[1]} units, counted from 0; there is no number {unit}.")
    symbol = "x" if column == 0 else names.outputs[column - 1]
    linear = len(linears_before(net, column)) - 1
    card: dict[str, Any] = {
        "kind": "unit", "column": column, "unit": unit, "title": f"{symbol}[{unit + 1}]", "step": trainer.step,
        "value": signif(float(values[column][0, unit])), "lines": [], "back": None, "linear": linear,
        "drawn": drawn_at(net, column), "hidden": 0 <= linear < len(trainer.linears()) - 1,
        "frozen": linear >= 0 and trainer.held(linear, unit),
    }  # fmt: skip
    if column:
        first = max((n for n in range(column) if isinstance(net.layers[n], Linear)), default=0)
        card["gradient"] = signif(float(gradients[column - 1][0, unit]))
        card["lines"] = [line_of(trainer, names, values, k, unit) for k in range(first, column)]
        card["back"] = back_line(trainer, names, gradients, column, unit)
        card["history"] = unit_history(trainer, X[:1], column, unit)
        card["update"] = signif(stepped(trainer, X, y, column, unit) - float(values[column][0, unit]))
    return card


def drawn_at(net: Net, column: int) -> int:
    """The column of the drawing in which a value stands: that of the last layer before the next linear one."""
    linear = len(linears_before(net, column))
    return drawn_columns(net)[linear - 1] if linear else 0


def line_of(trainer: Trainer, names: Names, values: list[Array], k: int, unit: int) -> dict[str, Any]:
    """How layer k makes its unit, with the numbers of the first example."""
    layer, symbols = trainer.net.layers[k], names.at(trainer.net, k)
    line = {"symbol": f"{symbols['y']}[{unit + 1}]", "value": signif(float(values[k + 1][0, unit]))}
    if not isinstance(layer, Linear):
        inside = signif(float(values[k][0, unit])) if unit < values[k].shape[1] else None
        return line | {"kind": "each", "name": type(layer).__name__, "x": f"{symbols['x']}[{unit + 1}]", "inside": inside}
    terms = [(float(x), float(w)) for x, w in zip(values[k][0], layer.W[:, unit], strict=True)]
    bias = {"b": f"{symbols['b']}[{unit + 1}]", "bias": signif(float(layer.b[unit]))} if layer.bias else {}
    places = {"column": drawn_at(trainer.net, k), "linear": len(linears_before(trainer.net, k)), "unit": unit}
    left, right = f"{symbols['x']}[i]", f"{symbols['W']}[i,{unit + 1}]"
    return line | {"kind": "sum", "left": left, "right": right, **written(terms), **bias, "from": places}


def back_line(trainer: Trainer, names: Names, gradients: list[Array], column: int, unit: int) -> dict[str, Any] | None:
    """Where the gradient of a unit comes from: from all units of the next linear layer, or through the activation behind it."""
    if column == len(trainer.net.layers):
        return None  # from the loss
    layer, symbols = trainer.net.layers[column], names.at(trainer.net, column)
    line = {"symbol": f"d{symbols['x']}[{unit + 1}]", "value": signif(float(gradients[column - 1][0, unit]))}
    if isinstance(layer, Linear):
        terms = [(float(dy), float(w)) for dy, w in zip(gradients[column][0], layer.W[unit], strict=True)]
        places = {"column": column + 1, "linear": len(linears_before(trainer.net, column)), "unit": unit}
        left, right = f"{symbols['dy']}[i]", f"{symbols['W']}[{unit + 1},i]"
        return line | {"kind": "sum", "left": left, "right": right, **written(terms), "from": places}
    after = signif(float(gradients[column][0, unit])) if unit < gradients[column].shape[1] else None
    return line | {"kind": "through", "name": type(layer).__name__, "dy": f"{symbols['dy']}[{unit + 1}]", "after": after}


def linears_before(net: Net, k: int) -> list[Layer]:
    """The linear layers before layer k."""
    return [layer for layer in net.layers[:k] if isinstance(layer, Linear)]


def unit_history(trainer: Trainer, x: Array, column: int, unit: int) -> list[list[float]]:
    """Value of a unit for one example at earlier moments, and now, without dropout: rows of [step, value]."""
    net, rows = trainer.net.copy(), []
    moments = trainer.moments[:: max(len(trainer.moments) // HISTORY, 1)]
    with np.errstate(all="ignore"):
        for step, arrays in [*((one.step, one.arrays) for one in moments), (trainer.step, trainer.net.arrays())]:
            net.restore(arrays)
            rows.append([step, signif(float(value_at(net, x, column)[0, unit]))])
    return rows


def value_at(net: Net, X: Array, column: int, training: bool = False) -> Array:
    """The value of a column for a batch."""
    value = X.astype(net.dtype)
    for layer in net.layers[:column]:
        value = layer.forward(value, training)[0]
    return value


def stepped(trainer: Trainer, X: Array, y: Array, column: int, unit: int) -> float:
    """Value of a unit for the first example of the batch after the step, with the masks of before, on copies."""
    net, same = trainer.net.copy(), trainer.net.copy()
    with np.errstate(all="ignore"):
        _, grad = gradient_of(net, trainer.loss, X, y)
        used = grad if trainer.gradient is None else trainer.gradient(net.copy(), trainer.loss, X, y)
        theta, kept = same.theta.copy(), same.theta[trainer.frozen].copy()
        deepcopy(trainer.optimizer).step(theta, np.asarray(used, dtype=theta.dtype))
        theta[trainer.frozen] = kept
        same.theta = theta
        return float(value_at(same, X, column, training=True)[0, unit])
