"""The objective: a scalar function of named arrays, its gradient under test, and its values at many shifted points."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from clearprop.arrays import Array

CHEAP = 3000  # numbers of an objective up to which every one of them is differentiated without being asked


class Objective(ABC):
    """A function to be differentiated by finite differences.

    Attributes
    ----------
    arrays : dict of str to array of float64
        The current point. The arrays are shifted in place, and put back.
    eps : float
        Machine epsilon of the precision in which the value is computed.
    cheap : int
        Number of elements up to which all are compared by default.
    evaluations : int
        Number of evaluations so far.
    """

    arrays: dict[str, Array]
    eps: float = float(np.finfo(np.float64).eps)
    cheap: int = CHEAP
    evaluations: int = 0

    @abstractmethod
    def value(self) -> float:
        """The function at the current point."""

    def gradient(self) -> dict[str, Array] | None:
        """The gradient under test at the current point; None if it is known at one point only."""
        return None

    def pairs(self, name: str, index: Array, h: Array) -> tuple[Array, Array]:
        """Values with one element shifted up, and down.

        Parameters
        ----------
        name : str
            The array to shift.
        index : array (K,) of int
            Its elements, in flat order, shifted one at a time.
        h : array (K,)
            The shift of each element.

        Returns
        -------
        above, below : array (K,)
        """
        flat = self.arrays[name].reshape(-1)  # a view: the arrays of an objective are contiguous
        above, below = np.empty(len(index)), np.empty(len(index))
        for k, i in enumerate(index):
            kept = flat[i]
            flat[i] = kept + h[k]
            above[k] = self.value()
            flat[i] = kept - h[k]
            below[k] = self.value()
            flat[i] = kept
        return above, below

    def flips(self, name: str, index: Array, h: Array) -> Array:
        """Whether a piecewise part (a ReLU) is seen to change its branch within the step; False where that is unknown."""
        return np.zeros(len(index), dtype=bool)

    def place(self, point: dict[str, Array]) -> None:
        """Move to a point."""
        for name, array in self.arrays.items():
            array[...] = point[name]

    def size(self) -> int:
        """Number of elements of all arrays."""
        return sum(array.size for array in self.arrays.values())


def scale(array: Array) -> Array:
    """The magnitude of each element, or the root mean square of the array if that is more; 1 if all are 0."""
    usual = float(np.sqrt(np.mean(array * array))) if array.size else 0.0
    return np.maximum(np.abs(array), usual) if usual else np.ones_like(array)


def noise(objective: Objective, rng: np.random.Generator) -> float:
    """A bound on the rounding noise of the value, measured on points too near to each other to differ otherwise.

    Along a line of nearly equal points, fourth differences cancel all that is smooth; sqrt(70) times the noise remains.
    Two lines are tried and the calmer counts, since one of them may run into a kink.

    Source: Moré and Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011).
    """
    point = {name: array.copy() for name, array in objective.arrays.items()}
    calm = np.inf
    for _ in range(2):
        signs = {name: rng.choice([-1.0, 1.0], array.shape) * scale(array) for name, array in point.items()}
        values = []
        for k in range(-3, 4):
            objective.place({name: array + k * 2.0**-36 * signs[name] for name, array in point.items()})
            values.append(objective.value())
        calm = min(calm, float(np.sqrt(np.mean(np.diff(values, 4) ** 2) / 70)))
    objective.place(point)
    floor = 4 * objective.eps * abs(objective.value())
    return max(floor, 8 * calm) if np.isfinite(calm) else floor
