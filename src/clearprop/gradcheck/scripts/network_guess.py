"""Recognising the network that a script computes from its predictions, so that its faults can be named."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.layout import Layout, layouts, target_forms
from clearprop.gradcheck.numeric.net_objective import NetObjective
from clearprop.gradcheck.numeric.trees import to_array
from clearprop.gradcheck.report import GradientReport, Suspect, TensorResult
from clearprop.gradcheck.suspects import find_suspects
from clearprop.nn import LOSSES, CrossEntropy, Loss, NegativeLogLikelihood, Net, Softmax

ACTIVATIONS = ("tanh", "sigmoid", "relu")
OUTPUTS = ("softmax", "sigmoid", "linear", "tanh", "relu")
CLOSE = 1e-6  # scripts add small numbers inside logarithms


def explain_pipeline(
    params: Any, X: Any, Y: Any, y_hat: Array, value: float, gradients: dict[str, Array], report: GradientReport
) -> tuple[list[str], list[Suspect]]:
    """A description of the network, and the faults that give the wrong gradients; none if it is not recognised."""
    layout = recognise(params, to_array(X).astype(np.float64), y_hat)
    if layout is None:
        return ["Its predictions are not those of a usual network, so the faults are told from the numbers alone."], []
    words = [layout.describe()]
    objective = _objective(layout, to_array(Y), value)
    if objective is None:
        return [
            *words,
            f"Its loss, {value:.6g}, is none of {', '.join(LOSSES)} for its predictions; check that this is intended.",
        ], []
    how = f"{type(objective.loss).__name__}, {'averaged' if objective.loss.reduction == 'mean' else 'summed'} over the batch"
    words.append(f"Its loss is {how}.")
    verdicts = {tensor.name: tensor.verdict for tensor in report.tensors}
    canonical = layout.canonical(gradients)
    tensors = [TensorResult(ours, canonical[ours].shape, verdicts[theirs]) for ours, theirs in layout.names.items()]
    right = objective.gradient() or {}
    shaped = {
        name: g.reshape(right[name].shape) if g.size == right[name].size and 1 in g.shape else g
        for name, g in canonical.items()
    }
    return words, find_suspects(objective, tensors, shaped, {name: right[name] for name in shaped})


def recognise(params: Any, X: Array, y_hat: Array) -> Layout | None:
    """The layout of the parameters that gives these predictions."""
    for layout in layouts(X, params, ACTIVATIONS, OUTPUTS):
        ours = layout.net(layout.X)
        ours = ours if layout.rows else ours.T
        if ours.size == y_hat.size and np.allclose(ours.reshape(y_hat.shape), y_hat, rtol=CLOSE, atol=1e-9):
            return layout
    return None


def _objective(layout: Layout, Y: Array, value: float) -> NetObjective | None:
    """The network with the loss that has this value; softmax and negative log-likelihood are fused to cross-entropy."""
    n_out = layout.net.forward(layout.X)[0].shape[1]
    for name in LOSSES:
        for how in ("mean", "sum"):
            loss: Loss = LOSSES.make({"type": name, "reduction": how})
            if isinstance(loss, CrossEntropy) and isinstance(layout.net.layers[-1], Softmax):
                continue
            for targets, _ in target_forms(Y, n_out, len(layout.X), loss):
                found = NetObjective(layout.net, loss, layout.X, targets)
                if abs(found.value() - value) <= 1e-4 * max(abs(value), 1e-12):
                    return _fused(layout, found) if isinstance(loss, NegativeLogLikelihood) else found
    return None


def _fused(layout: Layout, found: NetObjective) -> NetObjective:
    """The same with softmax inside the loss, whose derivative is y_hat - y."""
    if not isinstance(layout.net.layers[-1], Softmax):
        return found
    net = Net(*(layer.copy() for layer in layout.net.layers[:-1]), seed=None, dtype="float64")
    return NetObjective(net, CrossEntropy(reduction=found.loss.reduction), found.X, found.y)
