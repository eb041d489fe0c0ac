"""The two things that a decision boundary is drawn from: labelled points of the plane, and a classifier's probabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from clearprop.arrays import Array, describe, pair_of
from clearprop.errors import OptionError, ShapeError
from clearprop.plots import style
from clearprop.registry import choose

if TYPE_CHECKING:
    from clearprop.data.dataset import Dataset, Split

    Data: TypeAlias = Dataset | Split | tuple[Array, Array]

Outputs = Literal["auto", "probabilities", "scores"]
OUTPUTS: tuple[Outputs, ...] = get_args(Outputs)
CHUNK = 4096  # points that are predicted at a time, to bound the memory


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
        from clearprop.data.dataset import Dataset, Split

        if not isinstance(data, Dataset):
            X, y = data if isinstance(data, Split) else pair_of("data", data)
            return cls({"data": _checked(X, y)}, ["$x_1$", "$x_2$"], [])
        if data.task != "classification":
            raise OptionError(f"A decision boundary needs classes, but {data.name} is a data set for {data.task}.")
        splits = {"training": _checked(*data.train)}
        if "test" in data.splits:
            splits["test"] = _checked(*data.test)
        features = [style.plain(name) for name in data.features] or ["$x_1$", "$x_2$"]
        return cls(splits, features, [class_name(c) for c in data.classes])

    def label(self, index: int) -> str:
        """The name of class number `index`."""
        return self.classes[index] if index < len(self.classes) else class_name(index)

    def frame(self, margin: float = 0.08) -> tuple[Array, Array]:
        """Lower left and upper right corner (2,) of a frame around all points."""
        X = np.concatenate([X for X, _ in self.splits.values()])
        low, high = X.min(axis=0), X.max(axis=0)
        span = np.where(high > low, high - low, 1.0)
        return low - margin * span, high + margin * span


def class_name(label: object) -> str:
    """A label as a name: a text as it is, a number as "class 3"."""
    return style.plain(label) if isinstance(label, str) else f"class {label}"


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


def class_probabilities(predict: Callable[[Array], Array], X: Array, outputs: Outputs = "auto") -> Array:
    """Probability of each class at each point.

    Parameters
    ----------
    predict : callable
        X (N, n_x) -> (N, C) with a column for each class, or (N, 1) or (N,) for class 1 of two.
    X : array (N, n_x)
    outputs : {"auto", "probabilities", "scores"}
        Scores go through softmax, or the sigmoid if there is one column. "auto" reads numbers as probabilities if none lies
        outside [0, 1] and, where there are several columns, every row sums to 1.

    Returns
    -------
    array (N, C) of float64
        C is 2 for one column.

    Raises
    ------
    ShapeError
        If `predict` does not return one row for each point.
    OptionError
        If it returns NaN or infinity, or numbers outside [0, 1] with outputs="probabilities".

    Examples
    --------
    >>> class_probabilities(lambda X: X[:, :1], np.array([[0.25], [1.0]]))
    array([[0.75, 0.25],
           [0.  , 1.  ]])
    """
    choose("outputs", outputs, OUTPUTS)
    q = np.concatenate([_rows(predict, X[i : i + CHUNK]) for i in range(0, len(X), CHUNK)])
    if not np.isfinite(q).all():
        raise OptionError(f"predict gave {np.count_nonzero(~np.isfinite(q))} NaN or infinite numbers out of {q.size}.")
    inside = q.min() >= -1e-6 and q.max() <= 1 + 1e-6
    if outputs == "probabilities" and not inside:
        raise OptionError(f"Probabilities lie in [0, 1], but predict gave {q.min():.3g} to {q.max():.3g}; outputs='scores'?")
    sums = q.shape[1] == 1 or np.allclose(q.sum(axis=1), 1, atol=1e-3)
    if outputs == "scores" or (outputs == "auto" and not (inside and sums)):
        q = _normalise(q)
    q = q.clip(0, 1)
    return np.hstack([1 - q, q]) if q.shape[1] == 1 else q


def _rows(predict: Callable[[Array], Array], X: Array) -> Array:
    q = np.asarray(predict(X), dtype=np.float64)
    if q.ndim == 1 and len(q) == len(X):
        q = q[:, np.newaxis]
    if q.ndim != 2 or len(q) != len(X) or q.shape[1] == 0:
        raise ShapeError(f"predict must map X {X.shape} to one row of class scores for each point, not to {describe(q)}.")
    return q


def _normalise(z: Array) -> Array:
    """Softmax along each row, or the sigmoid of a single column."""
    if z.shape[1] == 1:
        return 0.5 * (1 + np.tanh(0.5 * z))
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
