"""Structure: the layers, and how large their first weights are beside what keeps the scale of what passes through."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.problem import Problem
from clearprop.doctor.quantities.quantity import OfProblem
from clearprop.nn import BatchNorm, Linear, ReLU
from clearprop.training.history import Row


class Structure(OfProblem):
    """A row per layer; for a Linear also the `gain` of its first weights.

    With independent weights, var(y) = n_in var(W) E[x^2]; the gain sqrt(n_in var W), divided by sqrt 2 before a ReLU, is 1
    when a layer neither shrinks nor blows up. `alike` says how different the columns of W are: 0 where all are one.
    """

    name = "structure"

    def measure(self, problem: Problem) -> list[Row]:
        layers = problem.net.layers
        rows: list[Row] = []
        width = problem.net.n_in
        for i, layer in enumerate(layers):
            width = layer.width(width)
            row: Row = {"layer": i + 1, "kind": type(layer).__name__, "width": width, "repr": repr(layer)}
            if isinstance(layer, Linear):
                following = layers[i + 1] if i + 1 < len(layers) else None
                half = np.sqrt(2.0) if isinstance(following, ReLU) else 1.0
                W = layer.W.astype(np.float64)
                spread = float(np.sqrt((W**2).mean()))
                row |= {
                    "n_in": layer.n_in,
                    "spread": spread,
                    "gain": spread * float(np.sqrt(layer.n_in)) / half,
                    "alike": float(np.abs(W - W[:, :1]).max()),
                    "bias": float(np.abs(layer.b).max()) if layer.bias else 0.0,
                    "before": type(following).__name__ if following is not None else "",
                    "normalised": isinstance(following, BatchNorm),
                }
            rows.append(row)
        return rows
