"""Random projections: one directional derivative tests all gradients at once, with two evaluations of the function."""

from __future__ import annotations

import math

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.numeric.comparator import Comparator
from clearprop.gradcheck.numeric.objective import Objective
from clearprop.gradcheck.report import TensorResult


class Directional(Objective):
    """An objective along a line: t -> f(x + t v), whose derivative is the sum of gradient times v.

    A wrong element shows with the weight of its v; so this finds what is wrong throughout, and misses a single slightly
    wrong element among thousands.

    Parameters
    ----------
    objective : Objective
    names : list of str
        The arrays that move along the line.
    rng : numpy.random.Generator
        Draws the signs of the direction.
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
        """The slope along the line that a gradient implies."""
        return {"t": np.array([sum(float((gradient[name] * v).sum()) for name, v in self.v.items())])}

    def _go(self, t: float) -> None:
        for name, start in self.start.items():
            self.objective.arrays[name][...] = start + t * self.v[name] if t else start


def project(
    objective: Objective, analytic: dict[str, Array], tolerance: float, rng: np.random.Generator, value: float
) -> TensorResult:
    """Compare one slope along a random line through all arrays of `analytic`; `value` is the function at the point."""
    line = Directional(objective, list(analytic), rng)
    slack = {"t": float(np.sqrt(sum((own_rounding(a) ** 2) * a.size for a in analytic.values())))}
    # Rounding adds up over the line, and is not measured, to keep to two evaluations.
    noise = 16 * objective.eps * abs(value)
    result = Comparator(line, line.project(analytic), noise, rng, max(tolerance, 1e-4), slack).compare("t")
    return TensorResult(
        name=next(iter(analytic)) if len(analytic) == 1 else "all, projected",
        shape=(sum(a.size for a in analytic.values()),),
        verdict=result.verdict,
        error=result.error,
        analytic=result.analytic,
        numeric=result.numeric,
        kinks=result.kinks,
        note="one random projection",
    )


def own_rounding(gradient: Array) -> float:
    """A bound on the rounding error of a gradient's own sums, in the precision that its values show."""
    largest = float(np.abs(gradient).max(initial=0.0))
    if not math.isfinite(largest):
        return 0.0
    with np.errstate(over="ignore"):
        single = np.array_equal(gradient.astype(np.float32), gradient)
    whole = np.array_equal(gradient, np.round(gradient))  # 0, 1, -2 are exact in any precision
    if not single or whole:
        return float(8 * np.finfo(np.float64).eps * largest)
    return float(16 * np.finfo(np.float16 if gradient.dtype == np.float16 else np.float32).eps * largest)
