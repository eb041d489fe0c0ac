"""Raw examples by which an export is tried: those that a run has kept, and made-up ones that leave nothing out."""

from __future__ import annotations

import csv
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data import read_rows
from clearprop.data.columns import Column
from clearprop.errors import DataError
from clearprop.export.blueprint import Blueprint
from clearprop.nn import Embedding

if TYPE_CHECKING:
    import pandas as pd

MOST = 200  # examples of a file
MOST_KNOWN = 60  # categories of a column
MADE_UP = 12  # rows for a model that takes an array
NEVER_SEEN = "never seen before"


def read_examples_file(path: Path, blueprint: Blueprint) -> dict[str, list[str]]:
    """Cells of the first rows of a CSV file by column, those that the model takes; empty without such a file.

    Raises
    ------
    DataError
        If the file is no table of texts in UTF-8.
    """
    if not path.is_file():
        return {}
    csv.field_size_limit(1 << 24)
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            header, *table = list(islice(csv.reader(stream), MOST + 1)) or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"The examples in {str(path)!r} are no CSV file in UTF-8 ({error}); give one, or none.") from None
    places = {name: j for j, name in enumerate(header)}
    if not set(blueprint.raw_names) <= set(places):
        return {}
    return {name: [row[places[name]] for row in table if len(row) == len(header)] for name in blueprint.raw_names}


def made_up(blueprint: Blueprint) -> dict[str, list[str]]:
    """Rows that hold every category, a missing cell and an unknown category in each column, and numbers far and near.

    The first row is the middle of every column; each further one changes one column.
    """
    columns = blueprint.columns
    if not columns:
        return _array_rows(blueprint)
    middle = {column.name: _cells(column)[0] for column in columns}
    rows = [middle, *({**middle, column.name: cell} for column in columns for cell in _cells(column)[1:])]
    return {column.name: [row[column.name] for row in rows] for column in columns}


def _cells(column: Column) -> list[str]:
    """Cells of one column, the usual one first."""
    if column.kind == "categorical":
        known = list(column.categories)
        other = [known[0].upper(), f" {known[-1].lower()} ", known[0].replace(" ", "  "), f"{known[0]}.0", NEVER_SEEN, ""]
        return [*known[:MOST_KNOWN], *other]
    assert column.scaling is not None
    if column.kind == "date":
        return _dates(column)
    shift, spread = column.scaling.shift[0], column.scaling.spread[0]
    return [f"{column.middle:.9g}", f"{shift + 2 * spread:.9g}", f"{shift - 1.5 * spread:.9g}", " 1e0 ", ""]


def _dates(column: Column) -> list[str]:
    """Dates in the middle of the training rows, one standard deviation later, and one earlier; and a missing one."""
    assert column.scaling is not None
    form = column.form if column.form not in (None, "ISO8601") else "%Y-%m-%dT%H:%M:%S"
    middle = dict(zip(column.parts, column.scaling.shift, strict=False))
    spread = dict(zip(column.parts, column.scaling.spread, strict=False))
    found = []
    for far in (0, 1, -1):
        at = {part: middle[part] + far * spread[part] for part in column.parts}
        year, month, day = (round(at.get(part, usual)) for part, usual in (("year", 2020), ("month", 7), ("day", 15)))
        hour = min(max(at.get("hour", 12.0), 0.0), 23.5)
        time = datetime(year, min(max(month, 1), 12), min(max(day, 1), 28), int(hour), int(hour % 1 * 60))
        found.append(time.strftime(str(form)))
    return [*found, ""]


def _array_rows(blueprint: Blueprint) -> dict[str, list[str]]:
    rng, n = np.random.default_rng(0), len(blueprint.features)
    scaling = blueprint.scaling
    shift, spread = np.array(scaling.shift), np.array(scaling.spread)
    one_for_all = len(scaling.shift) == 1  # pixels, which lie between 0 and the largest
    X = rng.uniform(0, 1, (MADE_UP, n)) if one_for_all else rng.normal(size=(MADE_UP, n))
    first = blueprint.net.layers[0]
    if isinstance(first, Embedding):  # whole numbers of categories
        X[:, first.categories] = rng.integers(0, [first.sizes[k] for k in first.categories], (MADE_UP, len(first.categories)))
    raw = shift + spread * X
    return {name: [f"{value:.9g}" for value in raw[:, j].tolist()] for j, name in enumerate(blueprint.features)}


def joined(first: dict[str, list[str]], second: dict[str, list[str]]) -> dict[str, list[str]]:
    """Rows of both tables, which have the same columns unless the first is empty."""
    return {name: [*first.get(name, []), *cells] for name, cells in second.items()}


def encoded(blueprint: Blueprint, rows: dict[str, list[str]]) -> Array:
    """Inputs (N, n_x) of the net for raw cells, as `clearprop predict` encodes them."""
    dtype = blueprint.net.dtype
    if blueprint.columns:
        assert blueprint.encoder is not None
        return read_rows(_frame(blueprint.columns, rows), blueprint.encoder, dtype=dtype).X
    X = np.array([[float(cell) for cell in cells] for cells in rows.values()]).T
    return X.astype(dtype) if blueprint.encoder is None else blueprint.encoder.encode(X, dtype)


def _frame(columns: tuple[Column, ...], rows: dict[str, list[str]]) -> pd.DataFrame:
    """Cells as a frame: numbers as numbers, so that no decimal sign has to be guessed, and the rest as text."""
    import pandas as pd

    return pd.DataFrame(
        {column.name: (_numbers if column.kind == "numeric" else _texts)(rows[column.name]) for column in columns}
    )


def _texts(cells: list[str]) -> pd.Series[Any]:
    import pandas as pd

    return pd.Series([cell or None for cell in cells], dtype=object)


def _numbers(cells: list[str]) -> pd.Series[Any]:
    import pandas as pd

    try:
        return pd.Series([float(cell) if cell.strip() else np.nan for cell in cells])
    except ValueError:  # a word for a missing number, say
        return _texts(cells)
