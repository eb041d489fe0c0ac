"""Gradients: per layer their size, and how it changes along the depth."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.doctor.quantities.quantity import Moment, OfMoment
from clearprop.training.history import Row


class Gradients(OfMoment):
    """A row per layer with parameters: root mean square of its gradients, of the gradient that reaches it, and of its input."""

    name = "gradients"

    def measure(self, moment: Moment) -> list[Row]:
        rows = []
        for i, (own, delta, x) in enumerate(zip(moment.gradients, moment.deltas, moment.inputs, strict=True), 1):
            if own:
                rms = {
                    "rms": size(np.concatenate([g.ravel() for g in own.values()])),
                    "reaching": size(delta),
                    "entering": size(x),
                }
                parts = {name: float(np.abs(g).max()) for name, g in own.items()}
                rows.append({**moment.stamp, "layer": i, **rms, "parts": parts})
        return rows


def size(a: Array) -> float:
    """Root mean square."""
    return float(np.sqrt((a.astype(np.float64) ** 2).mean()))
