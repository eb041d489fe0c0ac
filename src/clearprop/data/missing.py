"""Missing cells: refused, their rows dropped, or left to be filled with what the training split suggests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.data.notes import rows, some
from clearprop.data.table_options import Missing
from clearprop.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

LONG = 28  # characters of a name that are shown
NEARLY_EMPTY = 0.95  # share of missing cells from which "auto" leaves a column out


def holes(frame: pd.DataFrame) -> dict[str, int]:
    """Number of missing or infinite cells in each column that has any."""
    counts = frame.isna().sum().to_numpy().copy()
    floats = np.array([j for j, dtype in enumerate(frame.dtypes) if dtype.kind == "f"], dtype=np.int64)
    if len(floats):
        counts[floats] += np.isinf(frame.iloc[:, floats].to_numpy(dtype=np.float64)).sum(axis=0)
    return {str(frame.columns[int(j)]): int(counts[j]) for j in np.flatnonzero(counts)}


def in_words(found: dict[str, int]) -> str:
    """Columns with their numbers of missing cells."""
    return some(f"{name if len(name) <= LONG else name[: LONG - 3] + '...'}: {count}" for name, count in found.items())


def require_complete(name: str, frame: pd.DataFrame) -> None:
    """Raise a `DataError` that names the columns with missing or infinite cells, and counts them."""
    found = holes(frame)
    if not found:
        return
    missing = {column: count for column, count in found.items() if bool(frame[column].isna().any())}
    if missing:
        raise DataError(
            f"{name} has missing values in {len(missing)} of {frame.shape[1]} columns ({in_words(missing)}); fill or remove"
            " those rows, or let missing='auto' (--missing auto) do it."
        )
    column, count = next(iter(found.items()))
    raise DataError(
        f"{name} has {count} infinite values in column {column!r}; fill or remove those rows, or use missing='auto'."
    )


def settle_missing(name: str, features: pd.DataFrame, policy: Missing) -> tuple[Array, list[str], list[str]]:
    """Settle the missing cells of the inputs.

    Returns
    -------
    kept : array of bool (N,)
        The rows that stay.
    left_out : list of str
        Columns that are nearly empty.
    notes : list of str
    """
    every = np.ones(len(features), dtype=bool)
    if policy == "refuse":
        require_complete(name, features)
        return every, [], []
    found = holes(features)
    if not found:
        return every, [], []
    n = len(features)
    nearly = [column for column, count in found.items() if policy == "auto" and NEARLY_EMPTY * n < count]
    notes = (
        [f"Left out: {in_words({column: found[column] for column in nearly})} of {rows(n)} missing, nearly all."]
        if nearly
        else []
    )
    rest = {column: count for column, count in found.items() if column not in nearly}
    if not rest:
        return every, nearly, notes
    if policy == "drop":
        bad = features[list(rest)].isin([np.inf, -np.inf]).to_numpy().any(axis=1) | features[list(rest)].isna().to_numpy().any(
            axis=1
        )
        if bad.all():
            raise DataError(f"{name} has a missing value in every row ({in_words(rest)}); use missing='impute'.")
        return np.asarray(~bad), nearly, [*notes, f"{rows(int(bad.sum()))} with missing values are dropped ({in_words(rest)})."]
    notes.append(
        f"Missing values in {len(rest)} of {features.shape[1]} columns ({in_words(rest)}) are filled with the median or the"
        " most frequent value of the training rows, and marked by a further input (missing=drop or refuse for something else)."
    )
    return every, nearly, notes
