"""Cards: one weight, bias or unit with its value, gradient and update, and the formula with the numbers of this very step."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import OptionError
from clearprop.laboratory.trainer import Trainer
from clearprop.nn import Linear
from clearprop.walkthrough.one_step import Names

TERMS = 3  # of a sum that are written out
HISTORY = 80  # earlier values


def parameter_card(trainer: Trainer, linear: int, name: str, index: list[int]) -> dict[str, Any]:
    """The card of a weight W_ij or a bias b_j, for the batch of the next step.

    dW_ij = sum over the batch of x_bi dy_bj, and db_j = sum over the batch of dy_bj: see `clearprop.nn.Linear`.

    Parameters
    ----------
    trainer : Trainer
    linear : int
        Number of the linear layer, from 0.
    name : {"W", "b"}
    index : list of int
        [i, j] of a weight, [j] of a bias.
    """
    place = trainer.place(linear, name, *index)
    net, names = trainer.net.copy(), Names(trainer.net)
    X, y = trainer.batch()
    with np.errstate(all="ignore"):
        values, gradients = passes(trainer, net, X, y)
    k = [n for n, layer in enumerate(net.layers) if isinstance(layer, Linear)][linear]
    x, dy = values[k], gradients[k]
    symbols = names.at(trainer.net, k)
    grad = float(net.grad[place])
    used = net.grad.copy() if trainer.gradient is None else trainer.gradient(net.copy(), trainer.loss, X, y)
    planted = None if trainer.gradient is None else float(used[place])
    before = float(net.theta[place])
    after = updated(trainer, net.theta.copy(), used, place)
    if name == "W":
        i, j = index
        terms = [(float(x[b, i]), float(dy[b, j])) for b in range(len(x))]
        symbol = f"d{symbols['W']}[{i + 1},{j + 1}]"
        left = f"{symbols['x']}[b,{i + 1}]"
    else:
        (j,) = index
        terms = [(1.0, float(dy[b, j])) for b in range(len(x))]
        symbol, left = f"d{symbols['b']}[{j + 1}]", ""
    right = f"{symbols['dy']}[b,{j + 1}]"
    return {
        "kind": "parameter", "layer": linear, "name": name, "index": index, "title": symbol[1:],
        "value": before, "gradient": grad, "planted": planted, "update": after - before, "frozen": bool(trainer.frozen[place]),
        "formula": {"symbol": symbol, "left": left, "right": right, "batch": len(terms),
                    "terms": [[signif(a), signif(b)] for a, b in terms[:TERMS]],
                    "rest": signif(sum(a * b for a, b in terms[TERMS:])) if len(terms) > TERMS else None,
                    "sum": signif(sum(a * b for a, b in terms))},
        "from": {"left": {"column": k, "unit": index[0]} if name == "W" else None, "right": {"column": k + 1, "unit": j}},
        "history": history_of(trainer, place), "step": trainer.step,
    }  # fmt: skip


def unit_card(trainer: Trainer, column: int, unit: int) -> dict[str, Any]:
    """The card of one unit: its formula and numbers for the first example of the next batch."""
    net, names = trainer.net.copy(), Names(trainer.net)
    if not 0 <= column <= len(net.layers):
        raise OptionError(f"The net has {len(net.layers)} layers; there is no column {column}.")
    X, y = trainer.batch()
    with np.errstate(all="ignore"):
        values, gradients = passes(trainer, net, X, y)
    if not 0 <= unit < values[column].shape[1]:
        raise OptionError(f"Column {column} has {values[column].shape[1]} units, counted from 0; there is no number {unit}.")
    symbol = "x" if column == 0 else names.outputs[column - 1]
    card: dict[str, Any] = {
        "kind": "unit", "column": column, "unit": unit, "title": f"{symbol}[{unit + 1}]", "step": trainer.step,
        "value": signif(float(values[column][0, unit])), "lines": [],
    }  # fmt: skip
    if column:
        card["gradient"] = signif(float(gradients[column - 1][0, unit]))
        first = max((n for n in range(column) if isinstance(net.layers[n], Linear)), default=0)
        for k in range(first, column):
            card["lines"].append(line_of(trainer, names, values, k, unit))
    return card


def line_of(trainer: Trainer, names: Names, values: list[Array], k: int, unit: int) -> str:
    """How layer k makes its unit, with the numbers of the first example."""
    layer, symbols = trainer.net.layers[k], names.at(trainer.net, k)
    value = signif(float(values[k + 1][0, unit]))
    y = f"{symbols['y']}[{unit + 1}]"
    if isinstance(layer, Linear):
        x = values[k][0]
        terms = [f"{signif(float(x[i]))} x {signif(float(layer.W[i, unit]))}" for i in range(min(len(x), TERMS))]
        more = f" + ... ({len(x)} terms)" if len(x) > TERMS else ""
        bias = f" + {signif(float(layer.b[unit]))}" if layer.bias else ""
        return f"{y} = sum_i {symbols['x']}[i] {symbols['W']}[i,{unit + 1}] + b = {' + '.join(terms)}{more}{bias} = {value}"
    inside = signif(float(values[k][0, unit])) if unit < values[k].shape[1] else ""
    return f"{y} = {type(layer).__name__}({symbols['x']}[{unit + 1}]) = {type(layer).__name__}({inside}) = {value}"


def passes(trainer: Trainer, net: Any, X: Array, y: Array) -> tuple[list[Array], list[Array]]:
    """Values before and after every layer, and the gradient of the loss by each layer's value, of one batch."""
    values, saved = [X.astype(net.dtype)], []
    for layer in net.layers:
        value, kept = layer.forward(values[-1], training=True)
        values.append(value)
        saved.append(kept)
    _, kept = trainer.loss.forward(values[-1], y)
    dy = trainer.loss.backward(kept)
    net.zero_grad()
    gradients = [dy]
    for layer, kept in zip(reversed(net.layers), reversed(saved), strict=True):
        dy = layer.backward(kept, dy)
        gradients.insert(0, dy)
    return values, gradients[1:]


def updated(trainer: Trainer, theta: Array, grad: Array, place: int) -> float:
    """The parameter after the step that the optimizer would take, on copies."""
    if trainer.frozen[place]:
        return float(theta[place])
    optimizer = deepcopy(trainer.optimizer)
    optimizer.step(theta, np.asarray(grad, dtype=theta.dtype))
    return float(theta[place])


def history_of(trainer: Trainer, place: int) -> list[list[float]]:
    """Earlier values of a parameter, as [step, value], from the ring of moments."""
    rows = [[moment.step, float(moment.arrays["theta"][place])] for moment in trainer.moments[-HISTORY:]]
    return [*rows, [trainer.step, float(trainer.net.theta[place])]]


def signif(value: float, digits: int = 5) -> float:
    """The number with so many digits; what is not finite stays as it is.

    Examples
    --------
    >>> signif(0.123456789), signif(float("inf"))
    (0.12346, inf)
    """
    return float(f"{value:.{digits}g}")
