"""Points of the plane with their classes, from whatever form the data come in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from clearprop.arrays import Array, describe
from clearprop.errors import OptionError, ShapeError

if TYPE_CHECKING:
    from clearprop.data.dataset import Dataset, Split

    Data: TypeAlias = Dataset | Split | tuple[Array, Array]


@dataclass(frozen=True, eq=False)
class Points:
    """Labelled points of the plane.

    Attributes
    ----------
    splits : dict of str to (array (N, 2), array (N,) of int)
        "training" and, where there is one, "test"; or "data" alone.
    features : list of str
        Names of the two axes.
    classes : list of str
        Names of the classes that are known; there may be more.
    """

    splits: dict[str, tuple[Array, Array]]
    features: list[str]
    classes: list[str]

    @classmethod
    def of(cls, data: Data) -> Points:
        """The points of a `Dataset` (training and test), a `Split`, or a pair (X, y).

        Raises
        ------
        ShapeError
            If there are not exactly two inputs, or X and y do not fit.
        OptionError
            If the targets are not classes, or there are no points.
        """
        from clearprop.data.dataset import Dataset

        if not isinstance(data, Dataset):
            X, y = data
            return cls({"data": _checked(X, y)}, ["$x_1$", "$x_2$"], [])
        if data.task != "classification":
            raise OptionError(f"A decision boundary needs classes, but {data.name} is a data set for {data.task}.")
        splits = {"training": _checked(*data.train)}
        if "test" in data.splits:
            splits["test"] = _checked(*data.test)
        return cls(splits, data.features or ["$x_1$", "$x_2$"], [class_name(c) for c in data.classes])

    def label(self, index: int) -> str:
        """The name of class number `index`."""
        return self.classes[index] if index < len(self.classes) else class_name(index)

    def frame(self, margin: float = 0.08) -> tuple[Array, Array]:
        """Lower left and upper right corner (2,), around all points."""
        X = np.concatenate([X for X, _ in self.splits.values()])
        low, high = X.min(axis=0), X.max(axis=0)
        span = np.where(high > low, high - low, 1.0)
        return low - margin * span, high + margin * span


def class_name(label: object) -> str:
    """A class in words: a number alone would not say what it is."""
    return label if isinstance(label, str) else f"class {label}"


def _checked(X: Array, y: Array) -> tuple[Array, Array]:
    X, y = np.asarray(X, dtype=np.float64), np.asarray(y)
    if X.ndim != 2 or X.shape[1] != 2:
        raise ShapeError(f"A decision boundary is drawn over exactly two inputs, X (N, 2), but X is {describe(X)}.")
    if y.ndim not in (1, 2) or len(y) != len(X):
        raise ShapeError(f"X has {len(X)} rows, but y is {describe(y)}; each point needs one class.")
    if len(X) == 0:
        raise OptionError("There are no points to draw a decision boundary around.")
    if y.ndim == 2 and y.shape[1] > 1:
        y = y.argmax(axis=1)
    y = y.ravel()
    if not (np.issubdtype(y.dtype, np.number) or y.dtype == bool) or (y.astype(np.int64) != y).any() or y.min() < 0:
        raise OptionError(f"Classes must be integers from 0, but y is {describe(y)} that begins with {y[:3].tolist()}.")
    return X, y.astype(np.int64)
