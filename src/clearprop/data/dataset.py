"""A data set: up to three splits of the same kind of examples, and what their columns and classes mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array, describe
from clearprop.errors import OptionError, ShapeError

if TYPE_CHECKING:
    from clearprop.data.encoder import Encoder


@dataclass(frozen=True, eq=False)
class Split:
    """Examples and their targets; unpacks as `X, y = split`.

    Parameters
    ----------
    X : array (N, n_x) of float
        One example a row.
    y : array
        Integer classes (N,), or real targets (N, n_y).

    Raises
    ------
    ShapeError
        If X is not a matrix, or y does not have one row for each of X's.
    """

    X: Array
    y: Array

    def __post_init__(self) -> None:
        if self.X.ndim != 2:
            raise ShapeError(
                f"X must be a matrix (N, n_x), one example a row, not {describe(self.X)}; "
                "flatten images with X.reshape(len(X), -1)."
            )
        if self.y.ndim not in (1, 2) or len(self.y) != len(self.X):
            raise ShapeError(f"X has {len(self.X)} rows, but y is {describe(self.y)}; each example needs one target.")

    def __len__(self) -> int:
        return len(self.X)

    def __iter__(self) -> Iterator[Array]:
        return iter((self.X, self.y))


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training, validation and test examples.

    Attributes
    ----------
    name : str
        Where it came from: "circles", "penguins.csv".
    train, val, test : Split or None
        `val` and `test` are None where there are none.
    task : {"classification", "regression"}
    classes : list
        The label that each integer class stands for, in order; empty for regression.
    features : list of str
        A name for each column of X.
    targets : list of str
        The name of the target; for regression, of each column of y.
    encoder : Encoder or None
        How raw values became X: scaling, one-hot columns. Fitted on the training split alone.
    image_shape : tuple of int or None
        (height, width), where each row of X is an image.
    """

    name: str
    train: Split
    val: Split | None = None
    test: Split | None = None
    task: str = "classification"
    classes: list[int | float | str | bool] = field(default_factory=list)
    features: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    encoder: Encoder | None = None
    image_shape: tuple[int, int] | None = None

    @property
    def splits(self) -> dict[str, Split]:
        """The splits that exist, by name, in the order train, val, test."""
        present = {"train": self.train, "val": self.val, "test": self.test}
        return {name: split for name, split in present.items() if split is not None}

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

        def column(split: Split) -> Split:
            return Split(split.X, split.y[:, np.newaxis].astype(split.X.dtype))

        return replace(self, train=column(self.train), val=self.val and column(self.val), test=self.test and column(self.test))
