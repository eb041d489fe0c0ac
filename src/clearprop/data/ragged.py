"""Ragged rows: those with more or fewer cells than the others, mended where a person sees what is meant, refused elsewhere."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from clearprop.data.notes import rows, some
from clearprop.data.sniffing import Dialect, Rows, blank_separated
from clearprop.data.written_numbers import MISSING, is_number, is_placeholder
from clearprop.errors import DataError

FEW = 0.05
"""Share of the rows that may be left out."""
MANY = 0.5
"""Share of the rows that may lack their last cells, as exports do that leave out trailing empty cells."""
FEWEST = 5  # rows from which something can be told
LOOK = 500  # rows of the usual width from which the kinds of the columns are told
NUMERIC = 0.9  # share of numbers in a column that holds numbers

LineOf = Callable[[int], int]
"""From the number of a line of the rows to its number in the file."""


@dataclass(eq=False)
class Raggedness:
    """Rows with another number of cells than the others, by what is done about them.

    Attributes
    ----------
    foot : list of int
        Lines of remarks below the rows.
    padded, cut, dropped : list of (line, cells)
        Rows whose last cells are missing; rows with empty cells beyond the last column; and rows that fit in neither way.
    """

    foot: list[int] = field(default_factory=list)
    padded: list[tuple[int, int]] = field(default_factory=list)
    cut: list[tuple[int, int]] = field(default_factory=list)
    dropped: list[tuple[int, int]] = field(default_factory=list)

    def notes(self) -> list[str]:
        """A sentence for each kind."""
        found = []
        if self.foot:
            n = len(self.foot)
            found.append(f"Below the rows, {n} {'line' if n == 1 else 'lines'} from line {self.foot[0]} on are left out.")
        if self.padded:
            found.append(f"{_rows_at(self.padded)} fewer cells than the others; their last cells count as missing.")
        if self.cut:
            found.append(f"{_rows_at(self.cut)} empty cells beyond the last column; they are ignored.")
        if self.dropped:
            wrong = "is" if len(self.dropped) == 1 else "are"
            found.append(f"{_rows_at(self.dropped)} another number of cells than the others and {wrong} left out.")
        return found


def _rows_at(found: list[tuple[int, int]]) -> str:
    where = some((line for line, _ in found), 10)
    return f"{rows(len(found))} ({'line' if len(found) == 1 else 'lines'} {where}) {'has' if len(found) == 1 else 'have'}"


def even_out(name: str, body: str, dialect: Dialect, line_of: LineOf) -> tuple[str, list[str]]:
    """The rows with the same number of cells each, and notes on those that had another.

    A row that is too short is filled up if its cells are of the kinds of their columns, and one that is too long is cut if the
    rest is empty. Others are left out if they are few.

    Raises
    ------
    DataError
        If they are many; it names the lines.
    """
    width = dialect.width + dialect.trailing
    every = list(_split(name, body, dialect.delimiter, line_of))
    even = [row for _, row in every if len(row) in (width, dialect.width)]
    if len(even) == len(every) and not any(len(row) < dialect.width for row in even):
        return body, []
    numeric = _numeric(even[:LOOK], dialect.width)
    every, found = _without_foot(every, width, numeric)
    kept = []
    for line, row in every:
        mended = _mended(row, width, dialect, numeric)
        if mended is None:
            found.dropped.append((line, len(row)))
            continue
        if len(row) < dialect.width:
            found.padded.append((line, len(row)))
        elif len(row) > width:
            found.cut.append((line, len(row)))
        kept.append(mended)
    _require_few(name, found, len(every), width)
    return _joined(kept, dialect.delimiter), found.notes()


def _split(name: str, body: str, delimiter: str, line_of: LineOf) -> Iterator[tuple[int, list[str]]]:
    """The number of the line at which each row ends, and its cells."""
    if delimiter == " ":
        for number, line in enumerate(body.split("\n"), 1):
            if line.strip():
                yield line_of(number), blank_separated(line)
        return
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        for row in reader:
            if "".join(row).strip():
                yield line_of(reader.line_num), row
    except csv.Error as error:
        raise DataError(f"{name} cannot be read as a table ({error}); correct line {line_of(reader.line_num)}.") from None


def _without_foot(
    every: list[tuple[int, list[str]]], width: int, numeric: list[int]
) -> tuple[list[tuple[int, list[str]]], Raggedness]:
    """The rows without remarks below them, however many these are: all behind the last that fits."""
    n = len(every)
    while n and not _fits(every[n - 1][1], numeric):
        n -= 1
    if not numeric or n == len(every) or n < FEWEST or any(len(row) == width for _, row in every[n:]):
        return every, Raggedness()
    return every[:n], Raggedness(foot=[line for line, _ in every[n:]])


def _fits(row: list[str], numeric: list[int]) -> bool:
    """Whether the cells of the columns of numbers are numbers, or missing but for one."""
    cells = [row[j].strip() for j in numeric if j < len(row)]
    return any(map(is_number, cells)) and all(is_number(cell) or _is_hole(cell) for cell in cells)


def _numeric(even: Rows, width: int) -> list[int]:
    """Columns of numbers, by the rows of the usual width."""
    found = []
    for j in range(width):
        cells = [row[j].strip() for row in even if not _is_hole(row[j])]
        if len(cells) >= 2 and sum(map(is_number, cells)) >= NUMERIC * len(cells):
            found.append(j)
    return found


def _is_hole(cell: str) -> bool:
    return cell.strip() in MISSING or is_placeholder(cell.strip())


def _mended(row: list[str], width: int, dialect: Dialect, numeric: list[int]) -> list[str] | None:
    """The row with as many cells as there are columns; None if that cannot be told."""
    if len(row) >= dialect.width:
        return None if any(cell.strip() for cell in row[width:]) else [*row, ""][:width]
    if not _fits(row, numeric):
        return None
    return [*row, *[""] * (width - len(row))]


def _require_few(name: str, found: Raggedness, n: int, width: int) -> None:
    dropped, padded = len(found.dropped), len(found.padded)
    if n >= FEWEST and dropped <= FEW * n and padded <= MANY * n:
        return
    bad = sorted([*found.dropped, *found.padded])
    if not bad:
        return
    line, cells = bad[0]
    counted = f"{cells} cell" if cells == 1 else f"{cells} cells"
    more = f" ({len(bad)} of {rows(n)} are like that: lines {some((at for at, _ in bad), 10)})" if len(bad) > 1 else ""
    raise DataError(
        f"{name} is ragged: line {line} has {counted}, but the first has {width}{more}; every row needs the same number."
    )


def _joined(table: Rows, delimiter: str) -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows(table)
    return stream.getvalue()
