"""Random projections: one slope along a random line tests all gradients at once, with two evaluations."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.objective import Objective


class Line(Objective):
    """An objective along a line: t -> f(x + t v), whose derivative is the sum of gradient times v.

    A wrong element shows with the weight of its v; so this finds what is wrong throughout, and misses a single slightly
    wrong element among thousands.

    Parameters
    ----------
    objective : Objective
    names : list of str
        The arrays that move along the line.
    rng : numpy.random.Generator
        From which the signs of the direction are drawn.
    """

    def __init__(self, objective: Objective, names: list[str], rng: np.random.Generator) -> None:
        self.objective = objective
        self.eps = objective.eps
        self.arrays = {"t": np.zeros(1)}
        self.start = {name: objective.arrays[name].copy() for name in names}
        total = sum(array.size for array in self.start.values())
        self.v = {
            name: rng.choice([-1.0, 1.0], array.shape) * np.maximum(1, np.abs(array)) / np.sqrt(max(total, 1))
            for name, array in self.start.items()
        }

    def value(self) -> float:
        self._go(float(self.arrays["t"][0]))
        value = self.objective.value()
        self._go(0.0)
        return value

    def gradient(self) -> dict[str, Array] | None:
        self._go(float(self.arrays["t"][0]))
        gradient = self.objective.gradient()
        self._go(0.0)
        return None if gradient is None else self.project(gradient)

    def project(self, gradient: dict[str, Array]) -> dict[str, Array]:
        """What a gradient says about the slope along the line."""
        return {"t": np.array([sum(float((gradient[name] * v).sum()) for name, v in self.v.items())])}

    def flips(self, name: str, index: Array, h: Array) -> Array:
        return np.zeros(len(index), dtype=bool)

    def _go(self, t: float) -> None:
        for name, start in self.start.items():
            self.objective.arrays[name][...] = start + t * self.v[name] if t else start
