"""Tables: CSV, TSV and Parquet files as pandas frames of features, and the column to predict.

A CSV column of which every cell is a number becomes numeric; any other column stays text, including one of `true` and
`false`. The first row is a header if none of its cells is a number and some later cell is, or (in a table of texts alone)
if none of its cells occurs again in its own column.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.data.raw import Raw
from clearprop.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

DELIMITED = (".csv", ".tsv")
PARQUET = (".parquet", ".pq")
MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"]
TARGET_NAMES = ("target", "label", "class", "y")
SNIFFED = 1000  # rows read to decide whether there is a header


def read_table(path: Path, target: str | int | None = None, header: bool | None = None) -> Raw:
    """A table with one column to predict.

    Parameters
    ----------
    path : Path
    target : str or int, optional
        Name or number of that column (-1 is the last); default: the column called target, label, class or y, else the
        last one.
    header : bool, optional
        Whether the first row holds names; default: inferred from the cells.

    Raises
    ------
    DataError
        If the table is empty, ragged, has missing cells, or no such column.
    MissingExtraError
        If a Parquet file is given, and pyarrow is not installed.
    """
    frame = read_frame(path, header)
    if len(frame.columns) < 2:
        raise DataError(f"{path} has {len(frame.columns)} column; a target and at least one feature are needed.")
    name = choose_target(path.name, frame, target)
    require_complete(path.name, frame)
    features = frame.drop(columns=[name])
    labels = np.asarray(frame[name].to_numpy())
    return Raw(
        path.name, {"train": (features, labels)}, list(map(str, features.columns)), [name], scale="standard",
        target_index=list(frame.columns).index(name),
    )  # fmt: skip


def read_frame(path: Path, header: bool | None = None, text: Collection[str] = ()) -> pd.DataFrame:
    """All columns of a table; those named in `text` stay text even where every cell is a number."""
    frame = _read_parquet(path) if path.suffix.lower() in PARQUET else _read_delimited(path, header, text)
    if len(frame) == 0:
        raise DataError(f"{path} holds no rows; give a table with at least one example.")
    return frame


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        import pyarrow  # type: ignore[import-untyped, unused-ignore]  # noqa: F401
    except ImportError:
        raise MissingExtraError(f"Reading {path} needs pyarrow: pip install 'clearprop[parquet]'.") from None
    import pandas as pd

    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except (OSError, ValueError) as error:  # pyarrow's own errors are both
        raise DataError(f"{path} is not a readable Parquet file ({error}).") from None
    return frame.set_axis([str(column) for column in frame.columns], axis=1)


def _read_delimited(path: Path, header: bool | None, text: Collection[str]) -> pd.DataFrame:
    import pandas as pd

    delimiter = _delimiter(path)
    top = _scan(path, delimiter)
    named = header if header is not None else _has_header(top)
    try:
        frame = pd.read_csv(
            path, sep=delimiter, header=0 if named else None, dtype=str, encoding="utf-8-sig", skipinitialspace=True,
            na_values=MISSING, keep_default_na=False, index_col=False,
        )  # fmt: skip
    except ValueError as error:  # pandas' own errors are all of this kind: an open quotation mark, say
        raise DataError(f"{path} cannot be read as a table ({str(error).strip()}); correct that row.") from None
    names = [str(column).strip() if named else f"column_{i}" for i, column in enumerate(frame.columns)]
    columns = [frame.iloc[:, i].str.strip() for i in range(len(names))]
    kept = [column if name in text else _as_numbers(column) for name, column in zip(names, columns, strict=True)]
    out = pd.concat(kept, axis=1)
    out.columns = pd.Index(names)
    if not out.columns.is_unique:
        raise DataError(f"{path} has two columns called {out.columns[out.columns.duplicated()][0]!r}; rename one.")
    return out


def _delimiter(path: Path) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        first = stream.readline()
    return ";" if ";" in first and "," not in first else ","


def _scan(path: Path, delimiter: str) -> list[list[str]]:
    """The first rows. Every row is checked for its number of cells on the way, since pandas silently pads short ones."""
    top: list[list[str]] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream, delimiter=delimiter, skipinitialspace=True)
            for row in reader:
                if not "".join(row).strip() and len(row) < 2:
                    continue
                if len(top) < SNIFFED:
                    top.append(row)
                if len(row) != len(top[0]):
                    raise DataError(
                        f"{path} is ragged: line {reader.line_num} has {len(row)} cells, but the first has "
                        f"{len(top[0])}; every row needs the same number."
                    )
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a text table in UTF-8 ({error}); export it again as CSV.") from None
    if not top:
        raise DataError(f"{path} is empty; give a table with at least one example.")
    return top


def _has_header(top: list[list[str]]) -> bool:
    first, rest = top[0], top[1:]
    if not rest or any(_is_number(cell) for cell in first):
        return False
    if any(_is_number(cell) for row in rest for cell in row):
        return True
    return len(set(first)) == len(first) and all(cell not in {row[i] for row in rest} for i, cell in enumerate(first))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.strip().lower() not in ("nan", "inf", "infinity")


def _as_numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    """The text column as int64 or float64 if each cell is a number; otherwise unchanged."""
    import pandas as pd

    cells = column.to_numpy(dtype=object)
    for kind in (np.int64, np.float64):
        try:
            return pd.Series(cells.astype(kind), index=column.index)
        except (ValueError, TypeError, OverflowError):
            continue
    return column


def choose_target(name: str, frame: pd.DataFrame, target: str | int | None) -> str:
    """Name of the column that `target` refers to.

    Raises
    ------
    DataError
        If there is no such column.
    """
    columns = [str(column) for column in frame.columns]
    if target is None:
        lower = {column.lower(): column for column in reversed(columns)}
        return next((lower[word] for word in TARGET_NAMES if word in lower), columns[-1])
    if target in columns:
        return str(target)
    number = str(target).strip()
    if number.lstrip("-").isdigit():
        if -len(columns) <= int(number) < len(columns):
            return columns[int(number)]
        raise DataError(f"{name} has no column number {number}; its {len(columns)} columns are numbered from 0.")
    near = difflib.get_close_matches(number, columns, n=1, cutoff=0.5)
    guess = f"; did you mean {near[0]!r}?" if near else "."
    raise DataError(f"{name} has no column called {number!r}{guess} Columns: {', '.join(columns)}.")


def require_complete(name: str, frame: pd.DataFrame) -> None:
    """Raise a `DataError` that names the columns with missing or infinite cells, and counts them."""
    holes = frame.isna().sum()
    found = {str(column): int(count) for column, count in holes.items() if count}
    if found:
        listed = ", ".join(f"{column}: {count}" for column, count in found.items())
        raise DataError(
            f"{name} has missing values in {len(found)} of {len(frame.columns)} columns ({listed}); fill or remove those rows."
        )
    for column in frame.columns:
        values = frame[column].to_numpy()
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            count = int((~np.isfinite(values)).sum())
            raise DataError(f"{name} has {count} infinite values in column {str(column)!r}; fill or remove those rows.")
