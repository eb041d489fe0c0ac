"""Delimited text: read in the dialect that its first lines show, each row checked for its number of cells."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.data.notes import quoted, rows
from clearprop.data.opening import Opened, decode
from clearprop.data.ragged import even_out
from clearprop.data.sniffing import Dialect, sniff, split_rows_of
from clearprop.data.table_options import TableOptions
from clearprop.data.written_numbers import MISSING, is_number
from clearprop.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

LOOK = 50  # rows in which a column has to hold mostly numbers to be parsed as such at once
MANY = 100  # columns
FOOT = 40  # lines at the end that may be remarks


def read_delimited(opened: Opened, asked: TableOptions, text: Collection[str] = ()) -> tuple[pd.DataFrame, list[str], Dialect]:
    """All columns of a delimited text: numbers where every cell is one, texts elsewhere; with notes and the dialect.

    Parameters
    ----------
    opened : Opened
    asked : TableOptions
    text : collection of str
        Names of columns that stay text even where every cell is a number.

    Raises
    ------
    DataError
        If the text is empty, ragged or no table.
    """
    content, note = decode(opened, asked.encoding)
    dialect = sniff(opened.name, content, asked, opened.suffix in (".tsv", ".tab"))
    notes = [note] if note else []
    body = _body(content, dialect)
    body, remark = _without_footer(body, dialect)
    body, again = _without_repeated_header(content, body, dialect)
    remark += again
    names, renamed = column_names(dialect)
    parsed = _parse(opened.name, body, dialect, names, asked, text)
    if parsed is None:
        body, uneven = even_out(opened.name, body, dialect, _line_numbers(content, dialect))
        remark += uneven
        parsed = _parse(opened.name, body, dialect, names, asked, text, checked=True)
    assert parsed is not None
    frame, n_blank = _without_blank_rows(parsed)
    frame = _consolidated(frame)
    if n_blank:
        remark.append(f"{rows(n_blank)} without any value {'is' if n_blank == 1 else 'are'} left out.")
    frame.columns = names  # type: ignore[assignment, unused-ignore]
    sample, _ = split_rows_of(opened.name, body[:200_000], dialect.delimiter)
    codes = [names[j] for j in _codes(sample, dialect.width)]
    return frame, [*notes, *dialect.notes, *remark, *renamed], replace(dialect, codes=codes)


def _body(content: str, dialect: Dialect) -> str:
    """The rows alone."""
    body = content[_offset(content, dialect.skip) :]
    if dialect.comment is not None:
        pattern = rf"(?m)^[ \t]*{re.escape(dialect.comment)}[^\n]*(?:\n|\Z)"
        body = re.sub(pattern, "", body)
    return body[_offset(body, dialect.first) :]


def _offset(content: str, lines: int) -> int:
    at = 0
    for _ in range(lines):
        at = content.find("\n", at) + 1
        if at == 0:
            return len(content)
    return at


def _without_footer(body: str, dialect: Dialect) -> tuple[str, list[str]]:
    """The rows without remarks below them: lines with one cell of text, where rows have three cells or more."""
    left = body.rstrip()
    dropped: list[str] = []
    while dialect.width >= 3 and len(dropped) < FOOT and dialect.delimiter != " ":
        at = left.rfind("\n")
        if at < 0:
            break
        line = left[at + 1 :]
        if line.count('"') % 2:  # the end of a cell of several lines
            break
        table, _ = split_rows_of("", line, dialect.delimiter)
        if not table:
            left = left[:at].rstrip()
            continue
        filled = [cell for cell in table[0] if cell]
        if len(filled) != 1 or filled[0] != table[0][0] or is_number(filled[0]):
            break
        if len(table[0]) == dialect.width and len(filled[0].split()) < 3:
            break
        dropped.insert(0, filled[0])
        left = left[:at].rstrip()
    if not dropped:
        return body, []
    return left + "\n", [f"Below the rows, {quoted(dropped, 2)} {'is' if len(dropped) == 1 else 'are'} left out."]


def _without_repeated_header(content: str, body: str, dialect: Dialect) -> tuple[str, list[str]]:
    """The rows without further copies of the header among them, as in files that were joined."""
    if dialect.names is None or dialect.first == 0:
        return body, []
    header = next((line for line in content.split("\n", 2000)[dialect.skip :][: dialect.first][::-1] if line.strip()), "")
    if len(header) < 3 or f"\n{header}\n" not in f"\n{body}\n":
        return body, []
    lines = body.split("\n")
    kept = [line for line in lines if line != header]
    n = len(lines) - len(kept)
    return "\n".join(kept), [f"The header occurs again in {rows(n)}, which {'is' if n == 1 else 'are'} left out."]


def column_names(dialect: Dialect) -> tuple[list[str], list[str]]:
    """Names of the columns, each once; with a note if some had to be made up."""
    if dialect.names is None:
        return [f"column_{i}" for i in range(dialect.width)], []
    plain = [*dialect.names, *[""] * (dialect.width - len(dialect.names))]
    return distinct([" ".join(name.split()) for name in plain])


def distinct(plain: list[str]) -> tuple[list[str], list[str]]:
    """The names with a number behind those that occur again; with a note."""
    taken: dict[str, int] = {}
    names, again = [], []
    for i, name in enumerate(plain):
        name = name or f"Unnamed: {i}"
        if name in taken:
            again.append(name)
            while name in taken:
                taken[again[-1]] += 1
                name = f"{again[-1]}.{taken[again[-1]] - 1}"
        taken[name] = 1
        names.append(name)
    if not again:
        return names, []
    return names, [f"Several columns are called {quoted(dict.fromkeys(again))}; a number is added to the later ones."]


def _line_numbers(content: str, dialect: Dialect) -> Callable[[int], int]:
    """From the number of a line of the rows to its number in the file, comments and titles counted."""
    before = dialect.skip + dialect.first
    if dialect.comment is None:
        return lambda line: line + before
    lines = content.split("\n")[dialect.skip :]
    kept = [i for i, line in enumerate(lines, dialect.skip + 1) if not line.lstrip().startswith(dialect.comment)]
    return lambda line: kept[min(line + dialect.first, len(kept)) - 1]


def _parse(
    name: str,
    body: str,
    dialect: Dialect,
    names: list[str],
    asked: TableOptions,
    text: Collection[str],
    checked: bool = False,
) -> pd.DataFrame | None:
    """The rows as a frame; None if some have another number of cells, unless that is `checked` already."""
    import pandas as pd

    width = dialect.width + dialect.trailing
    if not body.strip():
        return pd.DataFrame({j: pd.Series(dtype=object) for j in range(dialect.width)})
    sample, _ = split_rows_of(name, body[:200_000], dialect.delimiter)
    if len(sample[0]) > width:
        return None
    texts: dict[Any, Any] = dict.fromkeys([*_texts(sample[:LOOK], width), *_codes(sample, dialect.width)], str)
    texts |= {j: str for j, column in enumerate(names) if column in text}
    exact: dict[str, Any] = {} if _version(pd.__version__) >= (3, 1) else {"float_precision": "round_trip"}
    try:
        frame = pd.read_csv(
            io.BytesIO(body.encode()), sep=r"\s+" if dialect.delimiter == " " else dialect.delimiter, header=None,
            names=list(range(width)), index_col=False, dtype=texts, na_values=[*MISSING, *asked.na], keep_default_na=False,
            skipinitialspace=True, decimal=dialect.decimal, low_memory=False, encoding="utf-8", **exact,
        )  # fmt: skip
    except ValueError as error:
        if "Expected" in str(error) and not checked:
            return None
        raise DataError(f"{name} cannot be read as a table ({str(error).strip()}); correct that row.") from None
    if not checked and bool(frame[dialect.width - 1].isna().any()) and _has_short_row(body, dialect):
        return None
    return frame.drop(columns=[dialect.width]) if dialect.trailing else frame


def _without_blank_rows(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The frame without rows that hold nothing, which are like blank lines, and their number."""
    blank = np.array(frame.iloc[:, -1].isna())
    if not blank.any():
        return frame, 0
    blank[blank] = frame.loc[blank].isna().to_numpy().all(axis=1)
    n = int(blank.sum())
    return (frame.loc[~blank].reset_index(drop=True), n) if 0 < n < len(frame) else (frame, 0)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def _consolidated(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its columns of numbers side by side in memory: pandas keeps thousands of them one by one."""
    import pandas as pd

    if frame.shape[1] <= MANY:
        return frame
    floats = [name for name, dtype in zip(frame.columns, frame.dtypes, strict=True) if dtype == np.float64]
    together = pd.DataFrame(frame[floats].to_numpy(), columns=floats)
    if len(floats) == frame.shape[1]:
        return together
    return pd.concat([together, frame.drop(columns=floats)], axis=1)[list(frame.columns)]


def _texts(sample: list[list[str]], width: int) -> list[int]:
    """Columns whose first cells are mostly no plain numbers: read as text, so that True stays as it is written."""
    found = []
    for j in range(width):
        cells = [row[j] for row in sample if j < len(row) and row[j] not in MISSING]
        if cells and sum(_is_plain(cell) for cell in cells) < 0.5 * len(cells):
            found.append(j)
    return found


def _codes(sample: list[list[str]], width: int) -> list[int]:
    """Columns of digits of one length, some of which begin with 0: postal codes, say, which are names."""
    found = []
    for j in range(width):
        cells = [row[j] for row in sample if j < len(row) and row[j]]
        alike = len({len(cell) for cell in cells}) == 1 and len(cells[0]) > 1 and all(map(str.isdigit, cells))
        if alike and any(cell[0] == "0" for cell in cells):
            found.append(j)
    return found


def _is_plain(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _has_short_row(body: str, dialect: Dialect) -> bool:
    """Whether a row lacks cells, which pandas fills up in silence."""
    width = dialect.width
    if dialect.delimiter == " ":
        return any(0 < len(line.split()) < width and '"' not in line for line in body.split("\n"))
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=dialect.delimiter, skipinitialspace=True)
    try:
        return any(len(row) < width and bool("".join(row).strip()) for row in reader)
    except csv.Error:
        return True


def as_csv(rows: list[list[Any]]) -> str:
    """Rows of cells as delimited text, to be read like any other."""
    stream = io.StringIO()
    width = max(map(len, rows), default=0)
    csv.writer(stream, lineterminator="\n").writerows([*row, *[""] * (width - len(row))] for row in rows)
    return stream.getvalue()


def infinite_cells(frame: pd.DataFrame) -> dict[str, int]:
    """Number of infinite cells in each column of numbers that has any."""
    numeric = frame.select_dtypes("number")
    if numeric.shape[1] == 0:
        return {}
    counts = np.isinf(numeric.to_numpy(dtype=np.float64, na_value=np.nan)).sum(axis=0)
    return {str(name): int(count) for name, count in zip(numeric.columns, counts, strict=True) if count}
