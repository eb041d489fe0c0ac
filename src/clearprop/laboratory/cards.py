"""Cards: one weight or bias with its value, gradient and update, and the formula with the numbers of this very step."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.laboratory.trainer import Trainer, gradient_of
from clearprop.nn import Linear, Net
from clearprop.walkthrough.one_step import Names

TERMS = 3  # of a sum that are written out
HISTORY, FEW, LARGE = 40, 8, 20_000  # earlier moments that are looked at; fewer of a net of so many parameters


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
        "formula": {"symbol": symbol, "left": left, "right": right, **written(terms),
                    "sum": signif(sum(a * b for a, b in terms))},
        "from": {"left": {"column": k, "unit": index[0]} if name == "W" else None, "right": {"column": k + 1, "unit": j}},
        "history": history_of(trainer, place), "step": trainer.step,
    }  # fmt: skip


def written(terms: list[tuple[float, float]]) -> dict[str, Any]:
    """A sum of products, of which the first are written out."""
    return {
        "n": len(terms),
        "terms": [[signif(a), signif(b)] for a, b in terms[:TERMS]],
        "rest": signif(sum(a * b for a, b in terms[TERMS:])) if len(terms) > TERMS else None,
    }


def passes(trainer: Trainer, net: Net, X: Array, y: Array) -> tuple[list[Array], list[Array]]:
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


def history_of(trainer: Trainer, place: int) -> dict[str, list[list[float]]]:
    """Earlier values, gradients and updates of a parameter, as rows of [step, number], from the ring of moments.

    Each gradient and update is that of the step that was taken from its moment; with a planted fault there are values alone.
    """
    moments = trainer.moments[:: max(len(trainer.moments) // (HISTORY if trainer.net.theta.size < LARGE else FEW), 1)]
    values = [[one.step, float(one.arrays["theta"][place])] for one in moments]
    found = {"value": [*values, [trainer.step, float(trainer.net.theta[place])]], "gradient": [], "update": []}
    if trainer.gradient is not None:
        return found
    net, optimizer = trainer.net.copy(), deepcopy(trainer.optimizer)
    for moment in moments:
        moment.put_into(net, optimizer)
        with np.errstate(all="ignore"):
            _, grad = gradient_of(net, trainer.loss, *trainer.batch(moment.step))
            before = float(net.theta[place])
            optimizer.step(net.theta, grad)
        found["gradient"].append([moment.step, float(grad[place])])
        found["update"].append([moment.step, 0.0 if trainer.frozen[place] else float(net.theta[place]) - before])
    return found


def signif(value: float, digits: int = 5) -> float:
    """The number with so many digits; what is not finite stays as it is.

    Examples
    --------
    >>> signif(0.123456789), signif(float("inf"))
    (0.12346, inf)
    """
    return float(f"{value:.{digits}g}")
