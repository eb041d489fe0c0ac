"""Kept rows: a few raw rows of a data set, as the cells of a table, by which whatever predicts can be tried later."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arrays import Array

if TYPE_CHECKING:
    import pandas as pd

KEPT = 20  # rows


def kept_rows(X: Array | pd.DataFrame, names: list[str], formats: dict[str, str]) -> dict[str, list[str]]:
    """Cells of at most 20 rows of X, spread evenly, by column; empty where a cell is missing.

    Parameters
    ----------
    X : array (N, n_x) or DataFrame
    names : list of str
        Name of each column.
    formats : dict of str to str
        Formats of the columns of dates.

    Examples
    --------
    >>> kept_rows(np.array([[1.5, 2.0]]), ["a", "b"], {})
    {'a': ['1.5'], 'b': ['2.0']}
    """
    at = np.unique(np.linspace(0, max(len(X) - 1, 0), min(KEPT, len(X))).astype(np.int64))
    if isinstance(X, np.ndarray):
        return {name: [str(value) for value in X[at, j].tolist()] for j, name in enumerate(names)}
    rows = X.iloc[at]
    return {name: [_cell(value, formats.get(name)) for value in rows[name].tolist()] for name in names}


def as_csv(rows: dict[str, list[str]]) -> str:
    r"""Cells by column as a table with a header.

    Examples
    --------
    >>> as_csv({"a": ["1", "2"], "b, c": ["x", ""]})
    'a,"b, c"\n1,x\n2,\n'
    """
    stream = io.StringIO()
    odd = any("\r" in cell for cells in ([*rows], *rows.values()) for cell in cells)  # which csv quotes only if it quotes all
    writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL if odd else csv.QUOTE_MINIMAL)
    writer.writerow(rows)
    writer.writerows(zip(*rows.values(), strict=True))
    return stream.getvalue()


def _cell(value: Any, form: str | None) -> str:
    """A cell of a tidied frame as text."""
    if value is None or value != value:  # NaN and NaT
        return ""
    if not isinstance(value, datetime):  # of which pandas's Timestamp is one
        return str(value)
    return str(value.isoformat() if form in (None, "ISO8601") else value.strftime(form))
