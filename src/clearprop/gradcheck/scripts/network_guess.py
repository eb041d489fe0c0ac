"""Which network a script computes, told from what it predicts; its mistakes can then be looked up in the dictionary."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults import Suspect
from clearprop.gradcheck.net_check import explain
from clearprop.gradcheck.net_objective import NetObjective
from clearprop.gradcheck.reading import Reading, readings, target_forms
from clearprop.gradcheck.report import Report, TensorResult
from clearprop.gradcheck.trees import to_array
from clearprop.nn import LOSSES, CrossEntropy, Loss, NegativeLogLikelihood, Softmax

ACTIVATIONS = ("tanh", "sigmoid", "relu")
OUTPUTS = ("softmax", "sigmoid", "linear", "tanh", "relu")
CLOSE = 1e-6  # scripts add small numbers inside logarithms


def explain_pipeline(
    params: Any, X: Any, Y: Any, y_hat: Array, value: float, gradients: dict[str, Array], report: Report
) -> tuple[list[str], list[Suspect]]:
    """The network in words, and the mistakes that give the wrong gradients; both empty if it is not recognised."""
    reading = recognise(params, to_array(X).astype(np.float64), y_hat)
    if reading is None:
        return ["What it predicts is not what a usual network would, so its mistakes are told from the numbers alone."], []
    words = reading.describe()
    objective = _objective(reading, to_array(Y), value)
    if objective is None:
        return [
            *words,
            f"Its loss, {value:.6g}, is not one of {', '.join(LOSSES)} for what it predicts; is it meant to be?",
        ], []
    how = f"{type(objective.loss).__name__}, {'averaged' if objective.loss.reduction == 'mean' else 'summed'} over the batch"
    words.append(f"Its loss is {how}.")
    verdicts = {tensor.name: tensor.verdict for tensor in report.tensors}
    canonical = reading.canonical(gradients)
    tensors = [TensorResult(ours, canonical[ours].shape, verdicts[theirs]) for ours, theirs in reading.names.items()]
    right = objective.gradient() or {}
    shaped = {
        name: g.reshape(right[name].shape) if g.size == right[name].size and 1 in g.shape else g
        for name, g in canonical.items()
    }
    return words, explain(objective, tensors, shaped, {name: right[name] for name in shaped})


def recognise(params: Any, X: Array, y_hat: Array) -> Reading | None:
    """The reading of the parameters that predicts just this."""
    for reading in readings(X, params, ACTIVATIONS, OUTPUTS):
        ours = reading.net(reading.X)
        ours = ours if reading.rows else ours.T
        if ours.size == y_hat.size and np.allclose(ours.reshape(y_hat.shape), y_hat, rtol=CLOSE, atol=1e-9):
            return reading
    return None


def _objective(reading: Reading, Y: Array, value: float) -> NetObjective | None:
    """The network with the loss that has this value; softmax and logarithm as one, where that is what they are."""
    n_out = reading.net.forward(reading.X)[0].shape[1]
    for name in LOSSES:
        for how in ("mean", "sum"):
            loss: Loss = LOSSES.make({"type": name, "reduction": how})
            if isinstance(loss, CrossEntropy) and isinstance(reading.net.layers[-1], Softmax):
                continue
            for targets, _ in target_forms(Y, n_out, len(reading.X), loss):
                found = NetObjective(reading.net, loss, reading.X, targets)
                if abs(found.value() - value) <= 1e-4 * max(abs(value), 1e-12):
                    return _fused(reading, found) if isinstance(loss, NegativeLogLikelihood) else found
    return None


def _fused(reading: Reading, found: NetObjective) -> NetObjective:
    """The same with softmax inside the loss, as those who write y_hat - y have it."""
    from clearprop.nn import Net

    if not isinstance(reading.net.layers[-1], Softmax):
        return found
    net = Net(*(layer.copy() for layer in reading.net.layers[:-1]), seed=None, dtype="float64")
    return NetObjective(net, CrossEntropy(reduction=found.loss.reduction), found.X, found.y)
