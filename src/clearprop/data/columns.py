"""Columns of a table, and the one or more columns of X that each becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.data.scaling import Scale, Scaling, fit_scaling
from clearprop.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

MOST_CATEGORIES = 1000


@checked
@dataclass(frozen=True)
class Column:
    """A numeric column, which is scaled, or a categorical one, which is one-hot encoded.

    Parameters
    ----------
    name : str
    scaling : Scaling or None
        None for a categorical column.
    categories : tuple of str
        In order; empty for a numeric column.
    """

    name: str
    scaling: Scaling | None = None
    categories: tuple[str, ...] = ()

    @property
    def features(self) -> list[str]:
        """Names of the columns of X: the column's own, or "name=category"."""
        return [self.name] if self.scaling else [f"{self.name}={category}" for category in self.categories]

    def encode(self, values: pd.Series[Any]) -> Array:
        """Columns of X (N, k) as float64; a category that was not in the training split becomes a row of zeros.

        Raises
        ------
        DataError
            If the column is numeric and the values are not.
        """
        if self.scaling is None:
            return self._one_hot(as_text(values))
        if not is_numeric(self.name, values):
            raise DataError(
                f"The column {self.name!r} was numeric in training, but now holds {str(values.iloc[0])!r} and the "
                "like; correct the cells that are not numbers."
            )
        return self.scaling.apply(as_floats(values))

    def _one_hot(self, texts: Array) -> Array:
        known: Array = np.array(self.categories)
        places = np.minimum(np.searchsorted(known, texts), len(known) - 1)
        seen = np.flatnonzero(known[places] == texts)
        out = np.zeros((len(texts), len(known)))
        out[seen, places[seen]] = 1.0
        return out

    def to_json(self) -> dict[str, Any]:
        """The column as JSON-able values."""
        if self.scaling is None:
            return {"name": self.name, "kind": "categorical", "categories": list(self.categories)}
        return {"name": self.name, "kind": "numeric", **self.scaling.to_json()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Column:
        """The column that `to_json` described."""
        if values["kind"] == "categorical":
            return cls(values["name"], None, tuple(map(str, values["categories"])))
        return cls(values["name"], Scaling.from_json(values))


def fit_column(name: str, values: pd.Series[Any], scale: Scale) -> Column:
    """Fit the encoding of one column to its values in the training split.

    Raises
    ------
    DataError
        If the values are neither numbers nor texts, or a categorical column has too many categories.
    """
    if is_numeric(name, values):
        return Column(name, fit_scaling(scale, as_floats(values)))
    categories = tuple(np.unique(as_text(values)).tolist())
    if len(categories) > MOST_CATEGORIES:
        raise DataError(
            f"The column {name!r} holds {len(categories)} different texts in {len(values)} rows, such as "
            f"{categories[0]!r}; that is a name rather than a category: remove the column."
        )
    return Column(name, None, categories)


def is_numeric(name: str, values: pd.Series[Any]) -> bool:
    """Whether a column holds numbers; True and False are categories.

    Raises
    ------
    DataError
        If it holds neither numbers nor texts: dates, lists.
    """
    from pandas.api import types

    if types.is_bool_dtype(values.dtype):
        return False
    if types.is_numeric_dtype(values.dtype) and not types.is_complex_dtype(values.dtype):
        return True
    # The dtype of an empty column, or of a column of objects, says nothing; its cells do.
    if types.infer_dtype(values) in ("string", "categorical", "boolean", "empty"):
        return False
    raise DataError(
        f"The column {name!r} is {values.dtype} and holds {values.iloc[0]!r} and the like; turn it into numbers or "
        "texts, or remove it."
    )


def as_floats(values: pd.Series[Any]) -> Array:
    """A numeric column as an array (N, 1) of float64."""
    return np.asarray(values.to_numpy(dtype=np.float64))[:, np.newaxis]


def as_text(values: pd.Series[Any]) -> Array:
    """A categorical column as an array (N,) of texts."""
    return np.array([str(value) for value in values])
