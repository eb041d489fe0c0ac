"""Columns of a table, and the one or more columns of X that each becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.data.dates import PARTS, parts_of, varying_parts
from clearprop.data.notes import some
from clearprop.data.scaling import Scale, Scaling, fit_scaling
from clearprop.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

MOST_CATEGORIES = 50  # of more, the rare ones are grouped, unless there are many rows
ROWS_OF_EACH = 20  # rows for each category that may be kept beyond these
OTHER = "(other)"
MISSING = "is missing"


@checked
@dataclass(frozen=True)
class Column:
    """A numeric column, which is scaled; a categorical one, which is one-hot encoded; or one of dates, which becomes numbers.

    Parameters
    ----------
    name : str
    scaling : Scaling or None
        None for a categorical column; for dates, of each of their parts.
    categories : tuple of str
        In order; empty for a numeric column.
    fill : float, str or None
        In place of a missing cell; None where none was missing in training, for the middle of the scaling.
    marked : bool
        Whether a further column of X marks the missing cells.
    grouped : bool
        Whether a further column of X stands for all other categories.
    parts : tuple of str
        Of dates: the parts that become columns of X.
    form : str or None
        The format of dates that are written as text.
    """

    name: str
    scaling: Scaling | None = None
    categories: tuple[str, ...] = ()
    fill: float | str | None = None
    marked: bool = False
    grouped: bool = False
    parts: tuple[str, ...] = ()
    form: str | None = None

    @property
    def kind(self) -> str:
        """Kind of its values: "numeric", "categorical" or "date"."""
        return "date" if self.parts else "categorical" if self.scaling is None else "numeric"

    @property
    def features(self) -> list[str]:
        """Names of the columns of X: the column's own, "name=category", "name.month" or "name is missing"."""
        if self.kind == "date":
            own = [f"{self.name}.{part}" for part in self.parts]
        elif self.kind == "numeric":
            own = [self.name]
        else:
            own = [f"{self.name}={category}" for category in (*self.categories, *([OTHER] if self.grouped else []))]
        return own + ([f"{self.name} {MISSING}"] if self.marked else [])

    def encode(self, values: pd.Series[Any]) -> Array:
        """Columns of X (N, k) as float64.

        A missing cell becomes what the training split suggests. A category that was not in the training split is looked for
        without regard to capital letters and blanks, and becomes a row of zeros, or "other", otherwise.

        Raises
        ------
        DataError
            If the column is numeric and the values are not.
        """
        missing = values.isna().to_numpy()
        if self.kind == "date":
            block = self._parts(values)
        elif self.kind == "numeric":
            block, missing = self._numbers(values)
        else:
            block = self._one_hot(values, missing)
        return np.column_stack([block, missing.astype(np.float64)]) if self.marked else block

    def _numbers(self, values: pd.Series[Any]) -> tuple[Array, Array]:
        assert self.scaling is not None
        if not is_numeric(values):
            raise DataError(
                f"The column {self.name!r} was numeric in training, but now holds {str(values.iloc[0])!r} and the "
                "like; correct the cells that are not numbers."
            )
        numbers = as_floats(values)
        missing = ~np.isfinite(numbers[:, 0])
        if missing.any():
            numbers = np.where(missing[:, np.newaxis], self.middle, numbers)
        return self.scaling.apply(numbers), missing

    @property
    def middle(self) -> float:
        """The number in place of a missing one."""
        assert self.scaling is not None
        return float(self.fill) if self.fill is not None else self.scaling.shift[0]

    def _parts(self, values: pd.Series[Any]) -> Array:
        assert self.scaling is not None
        if values.dtype.kind != "M":
            raise DataError(
                f"The column {self.name!r} held dates in training, but now {str(values.iloc[0])!r} and the like; correct them."
            )
        found = parts_of(values, self.parts)
        return self.scaling.apply(np.where(np.isnan(found), np.array(self.scaling.shift), found))

    def _one_hot(self, values: pd.Series[Any], missing: Array) -> Array:
        import pandas as pd

        codes, unique = pd.factorize(values)
        places = np.array([*self.places(list(unique)), len(self.categories)], dtype=np.int64)
        fill = self.categories.index(str(self.fill)) if self.fill is not None else len(self.categories) + 1
        at = np.where(missing, fill, places[codes])
        width = len(self.categories) + self.grouped
        out = np.zeros((len(values), width))
        seen = np.flatnonzero(at < width)
        out[seen, at[seen]] = 1.0
        return out

    def places(self, values: list[Any]) -> list[int]:
        """The position of each value among the categories; their number for one that is not among them."""
        exact = {category: i for i, category in enumerate(self.categories)}
        folded: dict[str, list[int]] = {}
        for i, category in enumerate(self.categories):
            folded.setdefault(_folded(category), []).append(i)
        out = []
        for value in values:
            text = str(value).strip()
            near = folded.get(_folded(text)) or folded.get(_folded(text.removesuffix(".0"))) or []
            out.append(exact[text] if text in exact else near[0] if len(near) == 1 else len(self.categories))
        return out

    def to_json(self) -> dict[str, Any]:
        """The column as JSON-able values."""
        more = {"fill": self.fill, "marked": self.marked, "grouped": self.grouped, "format": self.form}
        given = {name: value for name, value in more.items() if value not in (None, False)}
        if self.scaling is None:
            return {"name": self.name, "kind": "categorical", "categories": list(self.categories), **given}
        parts = {"parts": list(self.parts)} if self.parts else {}
        return {"name": self.name, "kind": self.kind, **self.scaling.to_json(), **parts, **given}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Column:
        """The column that `to_json` described."""
        scaling = None if values["kind"] == "categorical" else Scaling.from_json(values)
        return cls(
            values["name"], scaling, tuple(map(str, values.get("categories", ()))), values.get("fill"),
            bool(values.get("marked")), bool(values.get("grouped")), tuple(values.get("parts", ())), values.get("format"),
        )  # fmt: skip


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def fit_column(name: str, values: pd.Series[Any], scale: Scale, form: str | None, notes: list[str]) -> Column:
    """Fit the encoding of one column to its values in the training split; what is worth saying is added to `notes`.

    Raises
    ------
    DataError
        If the values are neither numbers, texts nor dates.
    """
    holes = bool(values.isna().any())
    if values.dtype.kind == "M":
        parts = varying_parts(values) or PARTS[:1]
        notes.append(f"The dates in {name} become {', '.join(parts)}.")
        found = parts_of(values.dropna(), parts)
        return Column(
            name, fit_scaling("standard" if scale == "standard" else scale, found), marked=holes, parts=parts, form=form
        )
    if is_numeric(values):
        numbers = as_floats(values)
        finite = numbers[np.isfinite(numbers[:, 0])]
        if len(finite) == len(numbers):
            return Column(name, fit_scaling(scale, numbers))
        if len(finite) == 0:
            raise DataError(f"The column {name!r} holds no number in the training rows; leave it out with drop={name}.")
        return Column(name, fit_scaling(scale, finite), fill=float(np.median(finite)), marked=True)
    return _fit_categories(name, values, holes, notes)


def _fit_categories(name: str, values: pd.Series[Any], holes: bool, notes: list[str]) -> Column:
    tally = values.dropna().value_counts()
    found: dict[str, int] = {}
    for value, count in zip(tally.index, tally.to_numpy(), strict=True):
        found[str(value)] = found.get(str(value), 0) + int(count)
    if not found:
        raise DataError(f"The column {name!r} holds nothing in the training rows; leave it out with drop={name}.")
    categories: Array = np.array(sorted(found))
    counts: Array = np.array([found[category] for category in categories.tolist()])
    n = int(counts.sum())
    most = max(MOST_CATEGORIES, min(n // ROWS_OF_EACH, 1000))
    fill = str(categories[counts.argmax()]) if holes else None
    if len(categories) <= most:
        return Column(name, None, tuple(categories.tolist()), fill, holes)
    kept = np.sort(np.argsort(-counts, kind="stable")[:most])
    kept = kept[counts[kept] > 1] if (counts[kept] > 1).sum() > 1 else kept
    rest = np.setdiff1d(np.arange(len(categories)), kept)
    notes.append(
        f"Column {name}: of {len(categories)} categories in {n:,} rows, the {len(kept)} most frequent are kept;"
        f" the others, such as {some(categories[rest].tolist(), 2)}, count as one."
    )
    return Column(name, None, tuple(categories[kept].tolist()), fill, holes, grouped=True)


def is_numeric(values: pd.Series[Any]) -> bool:
    """Whether a column holds numbers; True and False are categories."""
    return values.dtype.kind in "iuf"


def as_floats(values: pd.Series[Any]) -> Array:
    """A numeric column as an array (N, 1) of float64."""
    return np.asarray(values.to_numpy(dtype=np.float64))[:, np.newaxis]
