"""Scaling: (x - shift) / spread, column by column, with figures taken from the training split alone.

The arithmetic runs in float64 over blocks of rows: a large offset costs no digits, and a data set of bytes is never
held as float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, get_args

import numpy as np

from clearprop.arguments import checked, shaped
from clearprop.arrays import Array
from clearprop.errors import DataError

Scale = Literal["standard", "unit", "none"]
SCALES: tuple[Scale, ...] = get_args(Scale)
BLOCK = 4096  # rows


class ScalingRecord(TypedDict):
    """Schema of a scaling in JSON."""

    shift: list[float]
    spread: list[float]


@checked
@dataclass(frozen=True)
class Scaling:
    """x -> (x - shift) / spread.

    Parameters
    ----------
    shift, spread : tuple of float
        One for each column, or a single one for all of them.

    Examples
    --------
    >>> scaling = fit_scaling("standard", np.array([[1.0, 7.0], [3.0, 7.0]]))
    >>> scaling.apply(np.array([[3.0, 8.0]]))
    array([[1., 1.]])
    """

    shift: tuple[float, ...] = (0.0,)
    spread: tuple[float, ...] = (1.0,)

    def apply(self, X: Array, dtype: Any = np.float64) -> Array:
        """Scaled copy of X (N, n) in `dtype`.

        Raises
        ------
        DataError
            If a scaled value is beyond the range of `dtype`.
        """
        shift, spread = np.array(self.shift), np.array(self.spread)
        out = np.empty(X.shape, dtype)
        with np.errstate(over="ignore"):
            for start, block in _blocks(X, 64):  # small enough to stay in the cache from bytes to the result
                block -= shift
                block /= spread
                scaled = out[start : start + len(block)]
                scaled[:] = block
                if not np.isfinite(scaled).all():
                    raise DataError(f"A value is too large for {out.dtype}; use scale='standard' or dtype='float64'.")
        return out

    def undo(self, scaled: Array) -> Array:
        """Values (N, n) in their own units, as float64."""
        values: Array = np.asarray(scaled, np.float64) * np.array(self.spread) + np.array(self.shift)
        return values

    def to_json(self) -> dict[str, Any]:
        """`{"shift": [...], "spread": [...]}`."""
        return {"shift": list(self.shift), "spread": list(self.spread)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Scaling:
        """The scaling that `to_json` described."""
        shaped(ScalingRecord, values, "the scaling")
        return cls(tuple(map(float, values["shift"])), tuple(map(float, values["spread"])))


def fit_scaling(scale: Scale, X: Array, full_scale: float | None = None) -> Scaling:
    """Fit the scaling called `scale` to X (N, n).

    "standard" gives each column mean 0 and standard deviation 1; "unit" maps the range of each column to [0, 1], or
    divides all columns by `full_scale` where pixels have one; "none" changes nothing. A constant column becomes zeros.

    Raises
    ------
    DataError
        If the values are too far apart for float64.
    """
    if scale == "none":
        return Scaling()
    if scale == "unit" and full_scale is not None:
        return Scaling((0.0,), (float(full_scale),))
    with np.errstate(over="ignore", invalid="ignore"):
        mean, std, low, high = moments(X)
        shift, spread = (mean, std) if scale == "standard" else (low, high - low)
    if not (np.isfinite(shift).all() and np.isfinite(spread).all()):
        raise DataError(f"Values from {low.min()} to {high.max()} are too far apart to be scaled; rescale them first.")
    # The mean of equal numbers may differ from them in the last digit, and dividing by that would turn them into noise.
    constant = (low == high) | (spread == 0)
    return Scaling(tuple(np.where(low == high, low, shift).tolist()), tuple(np.where(constant, 1.0, spread).tolist()))


def moments(X: Array) -> tuple[Array, Array, Array, Array]:
    """Mean, standard deviation, minimum and maximum of each column of X (N, n), each (n,), in float64."""
    n = len(X)
    mean = sum(block.sum(axis=0) for _, block in _blocks(X)) / n
    square = sum(((block - mean) ** 2).sum(axis=0) for _, block in _blocks(X)) / n
    low, high = X.min(axis=0).astype(np.float64), X.max(axis=0).astype(np.float64)
    return np.asarray(mean), np.sqrt(np.asarray(square)), low, high


def _blocks(X: Array, size: int = BLOCK) -> Iterator[tuple[int, Array]]:
    for start in range(0, len(X), size):
        yield start, X[start : start + size].astype(np.float64)
