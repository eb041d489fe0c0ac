"""Repeatability: whether the net, asked twice after training, says the same."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.problem import Problem
from clearprop.doctor.quantities.quantity import OfProblem
from clearprop.training.history import Row


class Repeatability(OfProblem):
    """One row: the first layer that answers differently when it is asked again, as after training, and by how much."""

    name = "repeatability"

    def measure(self, problem: Problem) -> list[Row]:
        net = problem.net.copy()
        x = np.nan_to_num(problem.train.X[:64].astype(net.dtype), posinf=0.0, neginf=0.0)
        for i, layer in enumerate(net.layers, 1):
            a, b = layer(x), layer(x)
            difference = float(np.abs(a - b).max()) if a.size else 0.0
            if difference > 0:
                return [{"difference": difference, "layer": i, "repr": repr(layer), "zeros": float((a == 0).mean())}]
            x = a
        return [{"difference": 0.0, "layer": None}]
