"""Files of tables, and frames of other libraries, as a pandas frame with what was found out about them."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clearprop.arrays import describe
from clearprop.data.arff import read_arff
from clearprop.data.delimited import as_csv, distinct, read_delimited
from clearprop.data.notes import columns
from clearprop.data.opening import OTHERS, TEXTS, Opened, decode, open_table
from clearprop.data.spreadsheet import read_spreadsheet
from clearprop.data.table_options import TableOptions
from clearprop.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

LOOK = 100  # records in which a nested one is looked for
ENDINGS = (*TEXTS, *OTHERS, ".gz", ".zip")


@dataclass(frozen=True, eq=False)
class Frame:
    """A table as it was read.

    Attributes
    ----------
    name : str
    frame : DataFrame
    notes : list of str
    named : bool
        Whether the columns have names of their own.
    decimal : {".", ","}
        The decimal sign of its texts.
    codes : list of str
        Columns of digits with leading zeros, which are names.
    """

    name: str
    frame: pd.DataFrame
    notes: list[str] = field(default_factory=list)
    named: bool = True
    decimal: str = "."
    codes: list[str] = field(default_factory=list)


def read_frame(source: Any, asked: TableOptions, text: Collection[str] = ()) -> Frame:
    """All columns of a table; those named in `text` stay text even where every cell is a number.

    Parameters
    ----------
    source : Path or frame
        A frame of pandas, or of any library that narwhals knows.
    asked : TableOptions
    text : collection of str

    Raises
    ------
    DataError
        If the table is empty, ragged or damaged.
    MissingExtraError
        If a package is needed that is not installed.
    """
    found = _from_path(source, asked, text) if isinstance(source, Path) else _from_library(source)
    if len(found.frame) == 0:
        raise DataError(f"{found.name} holds no rows; give a table with at least one example.")
    names, renamed = distinct([str(name) for name in found.frame.columns])
    if names != list(found.frame.columns):
        found = replace(found, frame=found.frame.set_axis(names, axis=1), notes=[*found.notes, *renamed])
    return found


def _from_path(path: Path, asked: TableOptions, text: Collection[str]) -> Frame:
    opened = open_table(path)
    suffix = opened.suffix
    if not opened.content:
        raise DataError(f"{opened.name} is empty; give a file with at least one example.")
    if suffix in (".parquet", ".pq", ".feather"):
        return Frame(path.name, _read_arrow(path, opened))
    notes: list[str] = []
    if suffix in (".json", ".jsonl", ".ndjson"):
        read = _read_json(opened, asked.encoding)
        if not isinstance(read, list):
            return _without_lists(Frame(path.name, read))
        opened, asked = Opened(opened.name, ".csv", as_csv(read).encode()), replace(asked, delimiter=",", encoding="utf-8")
    if suffix == ".xlsx":
        cells, notes = read_spreadsheet(opened.name, opened.content)
        opened = Opened(opened.name, ".csv", as_csv(cells).encode())
        asked = replace(asked, delimiter=",", encoding="utf-8")
    elif suffix == ".arff":
        cells, nominal = read_arff(opened.name, decode(opened, asked.encoding)[0])
        opened, text = Opened(opened.name, ".csv", as_csv(cells).encode()), {*text, *nominal}
        asked = replace(asked, delimiter=",", encoding="utf-8", header=True, skip=0)
    frame, more, dialect = read_delimited(opened, asked, text)
    return Frame(opened.name, frame, [*notes, *more], dialect.names is not None, dialect.decimal, dialect.codes)


def _read_arrow(path: Path, opened: Opened) -> pd.DataFrame:
    try:
        import pyarrow  # type: ignore[import-untyped, unused-ignore]  # noqa: F401
    except ImportError:
        raise MissingExtraError(f"Reading {path} needs pyarrow: pip install 'clearprop[parquet]'.") from None
    import io

    import pandas as pd

    feather = opened.suffix == ".feather"
    try:
        stream = io.BytesIO(opened.content)
        frame = pd.read_feather(stream) if feather else pd.read_parquet(stream, engine="pyarrow")
    except (OSError, ValueError) as error:  # pyarrow's own errors are both
        raise DataError(f"{path} is not a readable {'Feather' if feather else 'Parquet'} file ({error}).") from None
    return _with_plain_index(frame)


def _with_plain_index(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with an index that has names as columns, and any other dropped."""
    named = [name for name in frame.index.names if name is not None and name not in frame.columns]
    if named:
        return frame.reset_index()
    return frame.reset_index(drop=True)


def _read_json(opened: Opened, encoding: str | None) -> pd.DataFrame | list[list[Any]]:
    """A list of records, a record on each line, or columns by name; of lists, the rows as they are."""
    import pandas as pd

    text, _ = decode(opened, encoding)
    try:
        try:
            found = json.loads(text)
        except ValueError:
            found = [json.loads(line) for line in text.split("\n") if line.strip()]
    except ValueError as error:
        raise DataError(f"{opened.name} is not readable JSON ({error}); give a list of records.") from None
    if isinstance(found, list) and found and all(isinstance(row, list) for row in found):
        return [["" if cell is None else cell for cell in row] for row in found]
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list)]
        if {"columns", "data"} <= set(found):
            return pd.DataFrame(found["data"], columns=[str(column) for column in found["columns"]])
        if len(lists) == 1 and lists[0] and isinstance(lists[0][0], dict):
            found = lists[0]
        elif found and all(isinstance(value, dict) for value in found.values()):
            return _of_dicts(found)
        elif not lists:
            found = [found]
    try:
        if isinstance(found, list) and any(isinstance(value, dict) for row in found[:LOOK] for value in row.values()):
            return pd.json_normalize(found)
        return pd.DataFrame(found)
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{opened.name} is JSON, but no table ({error}); give a list of records.") from None


def _without_lists(read: Frame) -> Frame:
    """The table without columns that hold lists, unless nothing else is there."""
    lists = [name for name in read.frame.columns if any(isinstance(value, list) for value in read.frame[name].head(LOOK))]
    if not lists or len(lists) >= read.frame.shape[1] - 1:
        return read
    note = f"Left out: {columns(lists)}, which {'holds' if len(lists) == 1 else 'hold'} lists."
    return replace(read, frame=read.frame.drop(columns=lists), notes=[*read.notes, note])


def _of_dicts(found: dict[str, Any]) -> pd.DataFrame:
    """Columns by row number, or rows by their name: the way that has fewer columns."""
    import pandas as pd

    frame = pd.DataFrame(found)
    return (frame if frame.shape[0] >= frame.shape[1] else frame.T.infer_objects()).reset_index(drop=True)


def is_frame(source: Any) -> bool:
    """Whether something is a frame of pandas, or of another library (told by its module, which is imported then)."""
    return type(source).__module__.partition(".")[0] in ("pandas", "polars", "pyarrow", "modin", "cudf", "narwhals")


def _from_library(source: Any) -> Frame:
    import pandas as pd

    if isinstance(source, pd.Series):
        source = source.to_frame()
    if isinstance(source, pd.DataFrame):
        plain = _with_plain_index(source)
        if isinstance(plain.columns, pd.MultiIndex):
            plain = plain.set_axis([" ".join(map(str, parts)).strip() for parts in plain.columns], axis=1)
        return Frame("the table", plain)
    try:
        import narwhals as nw
    except ImportError:
        raise MissingExtraError(f"Reading a {type(source).__name__} needs narwhals: pip install 'clearprop[frames]'.") from None
    try:
        native: Any = nw.from_native(source)
    except TypeError:
        raise DataError(f"A source is a name, a path, a table or a pair (X, y) of arrays, not {describe(source)}.") from None
    if isinstance(native, nw.LazyFrame):
        native = native.collect()
    return Frame("the table", pd.DataFrame({name: native[name].to_list() for name in native.columns}))
