"""Matching: whether two gradients are the same, to rounding.

The tolerance is relative to the largest number of a tensor: 1e-7 for gradients in float64 and 1e-4 in float32. Two orders of
summation differ by far less (about 1e-13 and 1e-6), and an error of 0.05 % is five times the wider one. Sums in which the
terms cancel are less exact than their own value suggests, so a bound on their rounding is subtracted too (`rounding`).
"""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.rounding import rounding_errors
from clearprop.gradcheck.faults.tape import Tape

TOLERANCES = {"float64": 1e-7, "float32": 1e-4}
LIKELY = 0.125
"""Rounding errors mostly cancel; this share of the worst case is forgiven."""


def as_floats(given: object) -> Array:
    """A gradient as an array: float32 and float64 stay, all else becomes float64 (half precision: float32)."""
    array = np.asarray(given)
    if array.dtype.name in TOLERANCES:
        return array
    return array.astype(np.float32 if array.dtype == np.float16 else np.float64)


def as_computed(arrays: dict[str, Array]) -> dict[str, Array]:
    """The arrays in float32 if all their numbers are float32 numbers: lists forget in which precision they were computed."""
    with np.errstate(over="ignore"):
        singles = {name: array.astype(np.float32) for name, array in arrays.items()}
    exact = all(np.array_equal(single, arrays[name], equal_nan=True) for name, single in singles.items())
    return singles if exact else arrays


def residual(claimed: Array, produced: Array, floor: float = 0.0) -> float:
    """Largest difference of two gradients, less `floor`, relative to their largest number; inf if they cannot be compared.

    Shapes may differ by axes of length 1, and a single number stands for an array of equal ones. Non-finite numbers must
    stand in the same places.

    Examples
    --------
    >>> residual(np.array([1.0, 2.0]), np.array([[1.0, 2.0]]))
    0.0
    >>> residual(np.array([1.0, 2.0]), np.array([1.0, 2.2])).__round__(3)
    0.091
    """
    if produced.ndim == 0 or claimed.ndim == 0:
        claimed, produced = np.broadcast_arrays(claimed, produced)
    if claimed.shape != produced.shape:
        if claimed.squeeze().shape != produced.squeeze().shape:
            return np.inf
        claimed, produced = claimed.squeeze(), produced.squeeze()
    finite = np.isfinite(claimed)
    if not np.array_equal(finite, np.isfinite(produced)):
        return np.inf
    if not finite.all():
        claimed, produced = claimed[finite], produced[finite]
    scale = max(float(np.abs(claimed).max(initial=0.0)), float(np.abs(produced).max(initial=0.0)))
    if scale == 0:
        return 0.0
    off = float(np.abs(claimed - produced).max(initial=0.0)) - (0.0 if np.isnan(floor) else floor)
    return max(off, 0.0) / scale


class Claim:
    """The gradients under test, and how closely another must agree with them to be called the same.

    Attributes
    ----------
    names : list of str
        The tensors that can be compared: those that the right tape has too.
    """

    def __init__(self, analytic: dict[str, Array], right: Tape) -> None:
        self.arrays = as_computed({name: as_floats(array) for name, array in analytic.items() if name in right.gradients})
        self.names = list(self.arrays)
        eps = max((float(np.finfo(array.dtype).eps) for array in self.arrays.values()), default=0.0)
        errors = rounding_errors(right, LIKELY * eps) if self.arrays else {}
        self.floors = {name: errors.get(name, 0.0) for name in self.names}
        self.tolerances = {name: TOLERANCES[array.dtype.name] for name, array in self.arrays.items()}

    def error(self, name: str, produced: Array) -> float:
        """The distance of one tensor from the claimed one."""
        return residual(self.arrays[name], np.asarray(produced), self.floors[name])

    def same(self, name: str, a: Array, b: Array) -> bool:
        """Whether two values of one tensor agree, as closely as the claimed one must."""
        return residual(np.asarray(a), np.asarray(b), self.floors[name]) <= self.tolerances[name]

    def explained(self, tape: Tape) -> frozenset[str]:
        """The tensors that are on the tape exactly as they are claimed."""
        with np.errstate(all="ignore"):
            same = [name for name in self.names if self.same(name, self.arrays[name], tape.gradients[name])]
        return frozenset(same)

    def agrees(self, tape: Tape) -> bool:
        """Whether all of them are on the tape; stops at the first that differs."""
        with np.errstate(all="ignore"):
            return all(self.same(name, self.arrays[name], tape.gradients[name]) for name in self.names)

    def worst(self, tape: Tape) -> float:
        """The largest error of all tensors."""
        with np.errstate(all="ignore"):
            return max((self.error(name, tape.gradients[name]) for name in self.names), default=0.0)
