"""Leaks: columns that must not be learned from, such as the number of the row, a name for each row, a copy of the target."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.notes import columns

if TYPE_CHECKING:
    import pandas as pd

FEW_ROWS = 8  # of fewer, nothing can be told
UNIQUE = 0.9  # share of different texts from which a column holds names rather than categories
LONG = 40  # mean number of characters from which a text is a sentence
INDEX_NAMES = re.compile(
    r"unnamed: 0(\.\d+)?|index|row([_ ]?(id|no|num|number|names?))?|nr\.?|no\.?|#|id|.*[_ ]id"
    r"|(customer|passenger|user|patient)id|observation|obs|s\.? ?no\.?|sl\.? ?no\.?|serial.*|lfd\.? ?nr\.?|laufnummer|kennung"
)
"""Names, in small letters, of a first column of different whole numbers that only tells the rows apart."""
ID_NAMES = re.compile(r"id|ID|Id|.*[_ \-.](id|ID|Id)|.*[a-z](ID|Id)|uuid|guid")
"""Names of a column, wherever it stands, that only tells the rows apart if all its whole numbers are different."""
SAME = 1 - 1e-9  # correlation from which a column determines the target


@dataclass(eq=False)
class Leaks:
    """Columns to leave out, by the reason, and sentences on columns that stay.

    Attributes
    ----------
    constant, index, names, copies, empty : list of str
    said : list of str
    """

    constant: list[str] = field(default_factory=list)
    index: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def left_out(self) -> list[str]:
        """All columns that are left out."""
        return [*self.empty, *self.constant, *self.index, *self.names, *self.copies]

    def notes(self) -> list[str]:
        """A sentence for each reason."""
        reasons = (
            (self.empty, "holds nothing", "hold nothing"),
            (self.constant, "is constant", "are constant"),
            (self.index, "only tells the rows apart", "only tell the rows apart"),
            (self.names, "names each row (nearly every text is different)", "name each row (nearly every text is different)"),
            (self.copies, "is a copy of the target", "are copies of the target"),
        )
        return [
            f"Left out: {columns(found)}, which {one if len(found) == 1 else several}."
            for found, one, several in reasons
            if found
        ] + self.said


def find_leaks(features: pd.DataFrame, targets: pd.DataFrame, kept: frozenset[str] = frozenset()) -> Leaks:
    """The columns of `features` that should be left out; those in `kept` were asked for, and stay."""
    found = Leaks()
    numeric = [name for name, dtype in zip(features.columns, features.dtypes, strict=True) if dtype.kind in "iuf"]
    _numeric_leaks(found, features, [name for name in numeric if name not in kept], targets)
    numbers = {*numeric, *kept}
    for name in (str(name) for name in features.columns if name not in numbers):
        _text_leaks(found, name, features[name], targets)
    if len(found.left_out) == features.shape[1] and not kept:
        _keep_something(found)
    return found


def _numeric_leaks(found: Leaks, features: pd.DataFrame, names: list[str], targets: pd.DataFrame) -> None:
    if not names:
        return
    values = features[names].to_numpy(dtype=np.float64)
    values = np.where(np.isinf(values), np.nan, values)
    low, high = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
    holes = np.isnan(values).any(axis=0)
    found.empty += [name for name, bottom in zip(names, low, strict=True) if np.isnan(bottom)]
    found.constant += [name for name, same, hole in zip(names, low == high, holes, strict=True) if same and not hole]
    n = len(values)
    for j in np.flatnonzero((high - low == n - 1) & ~holes):
        if n >= FEW_ROWS and np.array_equal(values[:, j], low[j] + np.arange(n)) and low[j] in (0, 1):
            found.index.append(names[j])
    for place, name in enumerate(names):
        called = ID_NAMES.fullmatch(name) or (place == 0 and INDEX_NAMES.fullmatch(name.lower()))
        if called and n >= FEW_ROWS and not holes[place] and name not in found.left_out:
            column = values[:, place]
            if np.array_equal(column, np.round(column)) and len(np.unique(column)) == n:
                found.index.append(name)
    _copies(found, names, values, targets)


def _copies(found: Leaks, names: list[str], values: Array, targets: pd.DataFrame) -> None:
    """Columns that equal the target, or determine it by a straight line."""
    if len(values) < FEW_ROWS:
        return
    for target in targets.columns:
        column = targets[target]
        if column.dtype.kind not in "iuf":
            continue
        y = column.to_numpy(dtype=np.float64)
        whole = np.isfinite(y)
        spread = y[whole] - y[whole].mean()
        if not spread.any():
            continue
        block = values[whole]
        centred = block - block.mean(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            r = np.abs(spread @ centred) / np.sqrt((spread @ spread) * np.einsum("ij,ij->j", centred, centred))
        for j in np.flatnonzero(r > SAME):
            name = names[j]
            if name in found.left_out:
                continue
            if np.array_equal(block[:, j], y[whole]):
                found.copies.append(name)
            else:
                found.said.append(
                    f"The column {name} determines the target {target} exactly (correlation"
                    f" {1 if spread @ centred[:, j] > 0 else -1}); if it is not known beforehand, leave it"
                    f" out: drop={name} (--drop {name})."
                )


def _text_leaks(found: Leaks, name: str, column: pd.Series[Any], targets: pd.DataFrame) -> None:
    if column.dtype.kind == "M":
        if not column.notna().any():
            found.empty.append(name)
        elif column.nunique() == 1 and not column.isna().any():
            found.constant.append(name)
        return
    known = column.dropna()
    n, different = len(known), known.nunique()
    if n == 0:
        found.empty.append(name)
        return
    if different == 1 and n == len(column):
        found.constant.append(name)
        return
    if different > max(FEW_ROWS, UNIQUE * n):
        found.names.append(name)
        return
    if different > 0.5 * n and n >= 20 and known.str.len().mean() > LONG:
        found.names.append(name)
        return
    for target in targets.columns:
        other = targets[target]
        if len(column) >= FEW_ROWS and different >= 2 and other.nunique() == different and other.dtype.kind not in "f":
            pairs = len({*zip(column.astype(str), other.astype(str), strict=True)})
            if pairs == different and (column.astype(str) == other.astype(str)).all():
                found.copies.append(name)
            elif pairs == different and different < 0.5 * len(column):
                found.said.append(
                    f"The column {name} says the same as the target {target} in other words; if it is not known beforehand,"
                    f" leave it out: drop={name} (--drop {name})."
                )


def _keep_something(found: Leaks) -> None:
    """Keep the least bad of the columns when all of them would be left out."""
    for group, why in (
        (found.index, "only tells the rows apart"),
        (found.names, "names each row"),
        (found.copies, "is a copy of the target"),
    ):
        if group:
            name = group.pop(0)
            found.said.append(f"The column {name} {why}, but there is nothing else to learn from.")
            return
