"""A data set: up to three splits of the same kind of examples, and the meaning of their columns and classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arguments import checked, names_checked
from clearprop.arrays import Array, describe, numbers
from clearprop.data.raw import Label, Task
from clearprop.data.scaling import moments
from clearprop.errors import DataError, OptionError, ShapeError

if TYPE_CHECKING:
    from clearprop.data.encoder import Encoder

SPLITS = {"train": "training", "val": "validation", "test": "test"}
"""Names of the splits, in order, and the words for them."""


@names_checked
@dataclass(frozen=True, eq=False)
class Split:
    """Examples and their targets; unpacks as `X, y = split`.

    Parameters
    ----------
    X : array (N, n_x) of float
        One example a row.
    y : array
        Integer classes (N,), or real targets (N, n_y).
    weights : array (N,) of float, optional
        Weight of each example in a loss, relative to the others; by default, all count the same.

    Raises
    ------
    ShapeError
        If X is not a matrix, or y or the weights do not have one row for each of X's.
    DataError
        If a weight is negative or not finite, or all are zero.
    """

    X: Array
    y: Array
    weights: Array | None = None

    def __post_init__(self) -> None:
        for name in ("X", "y"):
            object.__setattr__(self, name, numbers(name, getattr(self, name)))
        if self.weights is not None:
            object.__setattr__(self, "weights", checked_weights(self.weights, len(self.X)))
        if self.X.ndim != 2:
            raise ShapeError(
                f"X must be a matrix (N, n_x), one example a row, not {describe(self.X)}; "
                "flatten images with X.reshape(len(X), -1)."
            )
        if self.y.ndim not in (1, 2) or len(self.y) != len(self.X):
            raise ShapeError(f"X has {len(self.X)} rows, but y is {describe(self.y)}; each example needs one target.")

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: Array | slice) -> Split:
        """Some of the examples, with their weights.

        Examples
        --------
        >>> Split(np.eye(3), np.array([0, 1, 2])).take([2, 0]).y.tolist()
        [2, 0]
        """
        return Split(self.X[rows], self.y[rows], None if self.weights is None else self.weights[rows])

    def __iter__(self) -> Iterator[Array]:
        return iter((self.X, self.y))


def checked_weights(given: Array, n: int) -> Array:
    """Weights of n examples, as they were given.

    Examples
    --------
    >>> checked_weights(np.array([1.0, -2.0]), 2)
    Traceback (most recent call last):
    clearprop.errors.DataError: Weights of examples must be zero or more, and finite, but number 1 (from 0) is -2.0.
    """
    weights = numbers("sample_weight", given)
    if weights.shape != (n,):
        raise ShapeError(f"sample_weight needs one number for each of {n} examples, shape ({n},), not {describe(weights)}.")
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        at = int(wrong[0])
        raise DataError(
            f"Weights of examples must be zero or more, and finite, but number {at} (from 0) is {weights[at].item()}."
        )
    if not weights.any():
        raise DataError(f"All {n} weights of the examples are zero; give at least one example a weight above zero.")
    return weights


@checked
@dataclass(frozen=True, eq=False)
class Dataset:
    """Training examples and, where there are any, validation and test examples.

    Parameters
    ----------
    name : str
        Name of the source: "circles", "penguins.csv".
    splits : dict of str to Split
        "train" always, "val" and "test" where the data set has them, in this order.
    task : {"classification", "regression"}
    classes : list
        The label of each integer class, in order; empty for regression.
    features : list of str
        A name for each column of X.
    targets : list of str
        The name of the target; for regression, of each column of y.
    encoder : Encoder or None
        The encoding of raw values as X: scaling, one-hot columns. Fitted on the training split alone.
    image_shape : tuple of int or None
        (height, width), where each row of X is an image.
    notes : list of str
        Findings and assumptions while the data were read, a sentence each.
    independent : bool
        Whether rows of training and validation may be exchanged: not if they are split by groups or by time, or repeated.
    examples : dict of str to list of str
        Cells of a few raw rows, by column, by which an export of the model can be tried.

    Raises
    ------
    OptionError
        If there is no "train" among the splits, or one of another name.

    Examples
    --------
    >>> split = Split(np.ones((4, 2)), np.array([0, 1, 0, 1]))
    >>> data = Dataset("mine", {"train": split, "test": split})
    >>> len(data.test), data.splits.get("val")
    (4, None)
    >>> data.val
    Traceback (most recent call last):
    clearprop.errors.DataError: mine has no validation examples; load it with val=0.15, say.
    """

    name: str
    splits: dict[str, Split]
    task: Task = "classification"
    classes: list[Label] = field(default_factory=list)
    features: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    encoder: Encoder | None = None
    image_shape: tuple[int, int] | None = None
    notes: list[str] = field(default_factory=list)
    independent: bool = True
    examples: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if "train" not in self.splits or not set(self.splits) <= set(SPLITS):
            raise OptionError(f"splits must hold train, and may hold val and test, not {', '.join(self.splits) or 'nothing'}.")
        object.__setattr__(self, "splits", {name: self.splits[name] for name in SPLITS if name in self.splits})

    def _repr_html_(self) -> str:
        sizes = "".join(
            f"<tr><td>{escape(SPLITS[name])}</td><td style='text-align:right'>{len(split):,}</td></tr>"
            for name, split in self.splits.items()
        )
        what = f"{len(self.classes)} classes" if self.task == "classification" else f"target {', '.join(self.targets)}"
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return (
            f"<p><b>{escape(self.name)}</b>: {self.train.X.shape[1]} inputs, {escape(what)}</p>"
            f"<table><thead><tr><th>split</th><th>examples</th></tr></thead><tbody>{sizes}</tbody></table><ul>{notes}</ul>"
        )

    @property
    def train(self) -> Split:
        """The training examples."""
        return self.splits["train"]

    @property
    def val(self) -> Split:
        """The validation examples.

        Raises
        ------
        DataError
            If there are none; `data.splits.get("val")` is None then.
        """
        return self._split("val")

    @property
    def test(self) -> Split:
        """The test examples.

        Raises
        ------
        DataError
            If there are none; `data.splits.get("test")` is None then.
        """
        return self._split("test")

    def _split(self, name: str) -> Split:
        if name not in self.splits:
            raise DataError(f"{self.name} has no {SPLITS[name]} examples; load it with {name}=0.15, say.")
        return self.splits[name]

    @property
    def n_in(self) -> int:
        """Number of inputs that a net needs for these data."""
        return int(self.train.X.shape[1])

    @property
    def n_out(self) -> int:
        """Number of outputs: one for each class, or for each column of y."""
        return len(self.classes) if self.task == "classification" else int(self.train.y.shape[1])

    def as_column(self) -> Dataset:
        """The same data with two classes written as a column of zeros and ones (N, 1), for binary cross-entropy.

        Raises
        ------
        OptionError
            If there are not exactly two classes.
        """
        if self.task != "classification" or len(self.classes) != 2:
            raise OptionError(f"A column of zeros and ones needs two classes; {self.name} has {len(self.classes)}.")
        columns = {name: replace(part, y=part.y[:, np.newaxis].astype(part.X.dtype)) for name, part in self.splits.items()}
        return replace(self, splits=columns)


@checked
def profile(dataset: Dataset) -> dict[str, Any]:
    """Sizes, task, classes, features and scaling of a data set.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    dict
        JSON-able. "name", "notes", "task", "classes", "targets", "image_shape"; "splits": for each its "examples" and the count
        of each class or, for regression, the range of y; "features": their "count", and min, max, mean and std of X over the
        training split, as scaled; "scaling": the scaling of the raw values, in words; "columns": those of a table.

    Examples
    --------
    >>> from clearprop.data import load
    >>> profile(load("circles", val=0, test=0))["splits"]
    {'train': {'examples': 2000, 'classes': {'0': 1000, '1': 1000}}}
    """
    encoder = dataset.encoder
    return {
        "name": dataset.name,
        "notes": list(dataset.notes),
        "task": dataset.task,
        "classes": list(dataset.classes),
        "targets": list(dataset.targets),
        "image_shape": list(dataset.image_shape) if dataset.image_shape else None,
        "splits": {name: _split_row(dataset, split) for name, split in dataset.splits.items()},
        "features": {"count": dataset.n_in, **_ranges(dataset.train.X)},
        "scaling": "none" if encoder is None else encoder.scaling_in_words(),
        "columns": [column.to_json() for column in encoder.columns] if encoder else [],
    }


def _split_row(dataset: Dataset, split: Split) -> dict[str, Any]:
    if dataset.task == "regression":
        return {"examples": len(split), "y": _ranges(split.y)}
    classes = split.y.ravel().astype(np.int64)  # a column of zeros and ones holds classes too
    counts = np.bincount(classes, minlength=len(dataset.classes)).tolist()
    return {"examples": len(split), "classes": dict(zip(map(str, dataset.classes), counts, strict=True))}


def _ranges(X: Array) -> dict[str, float]:
    mean, std, low, high = moments(X)
    total = float(mean.mean())
    # Columns are of equal length: the variance over everything is the mean variance plus the variance of the means.
    spread = float(np.sqrt((std**2 + (mean - total) ** 2).mean()))
    return {"min": float(low.min()), "max": float(high.max()), "mean": total, "std": spread}
