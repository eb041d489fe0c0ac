"""Recognising the layer that a class implements from the values of its forward pass, so that its faults can be named."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.layer_check import Projection
from clearprop.gradcheck.numeric.net_objective import NetObjective
from clearprop.gradcheck.report import GradientReport, Suspect, TensorResult
from clearprop.gradcheck.suspects import find_suspects
from clearprop.nn import Layer, Linear, Net, ReLU, Sigmoid, Softmax, Tanh


def explain_layer(
    point: dict[str, Array], y: Array, c: Array, gradients: dict[str, Array], report: GradientReport
) -> list[Suspect]:
    """The faults that give the wrong gradients of sum(c * y), if the layer is a known one.

    Parameters
    ----------
    point : dict of str to array
        The input "x" and the parameters, under the names that the class has for them.
    y : array (B, n)
        The value of forward for them.
    """
    for layer, names in candidates(point):
        net = Net(layer, seed=None, dtype="float64")
        ours = net(point["x"])
        if ours.shape != y.shape or not np.allclose(ours, y, rtol=1e-9, atol=1e-12):
            continue
        objective = NetObjective(net, Projection(), point["x"], c)
        verdicts = {tensor.name: tensor.verdict for tensor in report.tensors}
        tensors = [TensorResult(mine, objective.arrays[mine].shape, verdicts[theirs]) for mine, theirs in names.items()]
        right = objective.gradient() or {}
        given = {mine: gradients[theirs] for mine, theirs in names.items()}
        return find_suspects(objective, tensors, given, {name: right[name] for name in given})
    return []


def candidates(point: dict[str, Array]) -> Iterator[tuple[Layer, dict[str, str]]]:
    """Layers with such parameters, each with a dict from our names of the arrays to theirs."""
    if len(point) == 1:
        for kind in (Sigmoid, Tanh, ReLU, Softmax):
            yield kind(), {"X": "x"}
        return
    matrices = [name for name, a in point.items() if a.ndim == 2 and name != "x" and a.shape[0] == point["x"].shape[1]]
    for name in matrices:
        vectors = [other for other, a in point.items() if other not in ("x", name) and a.size == point[name].shape[1]]
        layer = Linear(*point[name].shape)
        layer.W[:] = point[name]
        if vectors:
            layer.b[:] = point[vectors[0]].reshape(-1)
        yield layer, {"W1": name, "X": "x"} | ({"b1": vectors[0]} if vectors else {})
