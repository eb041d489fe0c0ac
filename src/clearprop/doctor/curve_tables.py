"""Tables of curves: files as training tools write them, as rows with the history's names.

A blank cell is a hole, and is left out of its row; only what is written NaN or inf is a number that is not finite. Rows of one
epoch are merged, as Lightning writes the training and the validation loss in rows of their own.
"""

from __future__ import annotations

import csv
import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.data.table_files import is_frame
from clearprop.doctor.curve_names import chosen, meaning
from clearprop.errors import DataError, MissingExtraError
from clearprop.training import History
from clearprop.training.history import Row

COMMA = re.compile(r"\s*[-+]?\d+,\d+([eE][-+]?\d+)?\s*")
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def read_curves(path: str | Path, columns: dict[str, str] | None = None) -> list[Row]:
    """Rows of a .csv, .tsv, .json or .jsonl file, with the history's names for the columns.

    Parameters
    ----------
    path : str or Path
    columns : dict, optional
        Columns whose names are unusual: {"train": "my loss", "val": "my other loss"}.

    Raises
    ------
    DataError
        If the file cannot be read, or has no column with a loss.
    """
    path = Path(path)
    where = repr(str(path))
    if path.suffix == ".jsonl":
        return as_curves(History.from_jsonl(path).rows, columns or {}, where)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"Cannot read the curves {where}: {error}.") from None
    rows = of_json(text, where) if path.suffix == ".json" else of_table(text, path.suffix, where)
    return as_curves(rows, columns or {}, where)


def of_json(text: str, where: str) -> list[Row]:
    """Rows of a JSON file: a dictionary of lists (Keras), a list of dictionaries, or one that holds a `log_history`."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise DataError(f"{where} is not JSON: {error}.") from None
    if isinstance(found, Mapping):
        found = next((found[key] for key in ("log_history", "history") if key in found), found)
    return of_python(found, where)


def of_python(data: Any, where: str = "The curves") -> list[Row]:
    """Rows of a list of numbers or of dictionaries, of a dictionary of lists, of a History (Keras's too) or of a data frame.

    Raises
    ------
    DataError
        If it is none of them.
    """
    if isinstance(data, History):
        return [dict(row) for row in data.rows]
    if type(data).__name__ == "History" and isinstance(getattr(data, "history", None), Mapping):
        data = data.history  # what Keras's fit returns
    if is_frame(data):
        return of_frame(data)
    if isinstance(data, Mapping):
        columns = {str(k): list(v.values()) if isinstance(v, Mapping) else v for k, v in data.items()}  # as pandas writes JSON
        lists = {k: list(v) for k, v in columns.items() if isinstance(v, (list, tuple)) or np.ndim(v) == 1}
        longest = max((len(v) for v in lists.values()), default=0)
        if longest:
            return [{k: v[i] for k, v in lists.items() if i < len(v)} for i in range(longest)]
    elif not isinstance(data, str) and (isinstance(data, Sequence) or np.ndim(data) == 1):
        items = list(data)
        if all(isinstance(item, Mapping) for item in items):
            return [flat(item) for item in items]
        if all(item is None or is_scalar(item) for item in items):
            return [{"loss": None if item is None else float(item)} for item in items]
    raise DataError(
        f"{where} is not a table of curves: give a list of losses, one an epoch, or lists under 'loss' and 'val_loss'."
    )


def flat(row: Mapping[Any, Any]) -> Row:
    """A row without dictionaries in it: {"train": {"loss": 1}} has a "train.loss"."""
    found: Row = {}
    for key, value in row.items():
        inner = flat(value) if isinstance(value, Mapping) else {}
        found |= {f"{key}.{name}": item for name, item in inner.items()} if inner else {str(key): value}
    return found


def is_scalar(item: Any) -> bool:
    """Whether it is a number, or an array or tensor that holds one."""
    return not isinstance(item, (str, bytes, Mapping)) and np.ndim(item) == 0


def of_frame(data: Any) -> list[Row]:
    """Rows of a data frame or a series of pandas, or of any library that narwhals knows."""
    import pandas as pd

    if isinstance(data, pd.Series):
        data = data.to_frame("loss" if data.name is None else str(data.name))
    if isinstance(data, pd.DataFrame):
        return without_gaps([{str(k): v for k, v in row.items()} for row in data.reset_index().to_dict("records")])
    try:
        import narwhals as nw
    except ImportError:
        raise MissingExtraError(f"Reading a {type(data).__name__} needs narwhals: pip install 'clearprop[frames]'.") from None
    frame: Any = nw.from_native(data, allow_series=True)
    if isinstance(frame, nw.Series):
        frame = frame.alias(frame.name or "loss").to_frame()
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    return list(frame.iter_rows(named=True))


def without_gaps(rows: list[Row]) -> list[Row]:
    """Rows of pandas, which writes NaN where nothing is, with None in such places.

    A NaN is a gap if its column goes on behind it, or if the row has another loss; a run that ends in NaN in all of its losses
    was not finite.
    """
    losses = [name for name in dict.fromkeys(k for row in rows for k in row) if (meaning(name) or ("",))[0].endswith("_loss")]
    last = {name: max((i for i, row in enumerate(rows) if is_finite(row[name])), default=-1) for name in losses}

    def cleared(i: int, row: Row) -> Row:
        other = any(is_finite(row[name]) for name in losses)
        gaps = {name: None for name in losses if row[name] != row[name] and (i < last[name] or other)}
        return row | gaps

    return [cleared(i, row) for i, row in enumerate(rows)]


def is_finite(value: Any) -> bool:
    """Whether a cell holds a number that is finite."""
    return isinstance(value, (int, float)) and math.isfinite(value)


def of_table(text: str, suffix: str, where: str) -> list[Row]:
    """Rows of a table with a delimiter, with a header or without."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise DataError(f"{where} is empty: there are no curves in it.")
    first = lines[0]
    delimiter = "\t" if suffix == ".tsv" or "\t" in first else ";" if ";" in first else ","
    if delimiter == "," and "," not in first and len(lines[-1].split()) == len(first.split()) > 1:
        lines = [",".join(line.split()) for line in lines]  # columns set apart by spaces
    cells = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
    header, body = cells[0], cells[1:]
    if all(is_number(cell) for cell in header):
        header, body = bare(cells), cells
    body = last_run(header, body)
    if not body:
        raise DataError(f"{where} has a header, {', '.join(header)}, and no rows below it.")
    longer = next((row for row in body if len(row) > len(header)), None)
    if longer is not None:
        raise DataError(
            f"{where} has {len(longer)} cells in a row below {len(header)} columns ({delimiter.join(longer)!r}); with decimal"
            " commas, separate the columns by semicolons or tabs."
        )
    return [dict(zip(header, row, strict=False)) for row in body]


def bare(cells: list[list[str]]) -> list[str]:
    """Names for the columns of a table without a header: losses, after the epochs if those count up by one."""
    first = [as_number(row[0]) for row in cells]
    counts = len(cells[0]) > 1 and all(b - a == 1 for a, b in itertools.pairwise(first))
    names = ["epoch"] * counts + ["train_loss", "val_loss"]
    return (names + [f"column {i}" for i in range(len(names), len(cells[0]))])[: len(cells[0])]


def last_run(header: list[str], body: list[list[str]]) -> list[list[str]]:
    """Rows without repeated headers; where the epochs begin anew behind one, those of the last run alone."""
    at = next((i for i, name in enumerate(header) if name.lower() in ("epoch", "step")), None)
    kept: list[list[str]] = []
    begins = False
    for row in body:
        if row == header:
            begins = True
            continue
        if begins and at is not None and kept and as_number(row[at]) <= as_number(kept[0][at]):
            kept = []
        begins = False
        kept.append(row)
    return kept


def is_number(cell: str) -> bool:
    """Whether a cell is a number, NaN among them."""
    return not math.isnan(as_number(cell)) or cell.strip().lower() == "nan"


def as_number(value: Any) -> float:
    """The value as a number, with a decimal comma or a unit of its own (`tensor(0.5)`); NaN if it is none."""
    if isinstance(value, str):
        if COMMA.fullmatch(value):
            value = value.replace(",", ".")
        elif value.startswith("tensor("):
            match = NUMBER.search(value)
            value = match[0] if match else "nan"
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def is_hole(value: Any) -> bool:
    """Whether nothing is there: a blank, None, or a word that is no number."""
    if value is None:
        return True
    if not isinstance(value, str):
        return False
    return math.isnan(as_number(value)) and value.strip().lower().removeprefix("tensor(").rstrip(")") not in (
        "nan",
        "-nan",
        "+nan",
    )


def as_curves(rows: Sequence[Row], columns: dict[str, str], where: str = "The curves") -> list[Row]:
    """Rows with the history's names, those of one epoch merged, and without those that hold no loss."""
    counts = Counter(str(key) for row in rows for key, cell in row.items() if key is not None and not is_hole(cell))
    names = list(dict.fromkeys(str(key) for row in rows for key in row if key is not None))
    most = max(counts.values(), default=0)
    usual = [
        name for name in names if counts[name] > min(1, most - 1) or name in columns.values()
    ]  # not a summary's, in the last row
    found = chosen(usual or names, columns, where)
    merged: dict[Any, Row] = {}
    sums: dict[tuple[Any, str], list[float]] = {}
    for i, row in enumerate(rows):
        read = {own: as_number(row[column]) for own, column in found.items() if column in row and not is_hole(row[column])}
        place = read["epoch"] if "epoch" in read else ("step", read["step"]) if "step" in read else ("row", i)
        target = merged.setdefault(place, {})
        for own, value in read.items():
            sums.setdefault((place, own), []).append(value)
            target[own] = sum(sums[place, own]) / len(sums[place, own]) if own.endswith(("_loss", "_accuracy")) else value
    kept = [row for row in merged.values() if "train_loss" in row or "val_loss" in row]
    if all("epoch" in row for row in kept):
        kept.sort(key=lambda row: float(row["epoch"]))
    return [{own: value for own, value in row.items() if own != "step"} for row in kept]
