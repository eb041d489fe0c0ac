"""The dialect of a delimited text, found out from its first lines: delimiter, decimal sign, title and comment lines, header."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field, replace
from itertools import pairwise

from clearprop.data.notes import quoted
from clearprop.data.table_options import TableOptions
from clearprop.data.written_numbers import AMBIGUOUS, MISSING, SURE, is_number, is_placeholder
from clearprop.errors import DataError

LOOK = 1000  # rows
CHARACTERS = 400_000
FEW_ROWS = 20  # of fewer, nothing can be told from the values that are seen
MOST_CELLS = 200_000  # of which a wide table has many in few rows
MOST_TITLES = 10
CANDIDATES = ("\t", ";", "|", ",", " ", ":")
WORDS = {"\t": "tabs", ";": "semicolons", "|": "vertical bars", ",": "commas", " ": "blanks", ":": "colons"}
COMMENTS = ("#", "%", "//")
Rows = list[list[str]]


@dataclass(frozen=True)
class Dialect:
    """How to read a delimited text.

    Attributes
    ----------
    delimiter : str
        A blank stands for any number of blanks and tabs.
    decimal : {".", ","}
    skip : int
        Lines at the top that hold no table: blank ones and comments.
    first : int
        Lines between these and the rows, comments not counted: titles, the header and the units below it.
    names : tuple of str or None
        From the header.
    width : int
        Cells in a row.
    trailing : bool
        Whether each row ends in a delimiter.
    comment : str or None
        Beginning of lines to leave out.
    codes : list of str
        Columns of digits with leading zeros, which are names; known once the table is read.
    notes : list of str
    """

    delimiter: str
    decimal: str
    skip: int
    first: int
    names: tuple[str, ...] | None
    width: int
    trailing: bool = False
    comment: str | None = None
    codes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def sniff(name: str, text: str, asked: TableOptions, tabs: bool = False) -> Dialect:
    """Find out the dialect of `text`; what is asked for is taken as given.

    Parameters
    ----------
    name : str
        Of the file, for errors.
    text : str
    asked : TableOptions
    tabs : bool
        Whether the file's name promises tabs.

    Raises
    ------
    DataError
        If there is not one row.
    """
    notes: list[str] = []
    lines = _head(text).split("\n")
    skip, delimiter, comment, commented = _top(lines, asked)
    body = "\n".join(lines[skip:])
    n_marked = sum(line.startswith("#") for line in lines[skip:])
    if comment is None and asked.skip is None and 0 < n_marked < 0.3 * (len(lines) - skip):
        comment = "#"
    if not body.strip():
        raise DataError(f"{name} is empty; give a table with at least one example.")
    if comment is not None:
        body = "\n".join(line for line in body.split("\n") if not line.lstrip().startswith(comment))
    delimiter = delimiter or _delimiter(body, tabs)
    table, ends = split_rows_of(name, body, delimiter)
    width = _width(table)
    found = Dialect(delimiter, asked.decimal or ".", skip, 0, None, width, comment=comment, notes=notes)
    if comment is not None:
        found = _header_in_comment(found, commented, table)
        if found.names is None:
            n_lines = sum(line.lstrip().startswith(comment) for line in lines)
            which = "1 line that begins" if n_lines == 1 else f"{n_lines} lines that begin"
            notes.append(f"{which} with {comment!r} {'is' if n_lines == 1 else 'are'} left out.")
    if found.names is None and asked.skip is None:
        n_titles = _titles(table, width, asked.header)
        if n_titles:
            notes.append(
                f"{'The first line is' if n_titles == 1 else f'The first {n_titles} lines are'} taken as a title:"
                f" {quoted([' '.join(table[0]).strip()])}."
            )
            found = replace(found, first=ends[n_titles - 1])
            table, ends = table[n_titles:], [end - ends[n_titles - 1] for end in ends[n_titles:]]
    found = _with_trailing(found, table)
    found = _with_header(found, table, ends, asked.header)
    rest = table if found.names is None or found.first == 0 else table[1:]
    found = replace(found, decimal=asked.decimal or _decimal(rest, delimiter))
    if delimiter != ("\t" if tabs else ",") and asked.delimiter is None:
        notes.append(f"Cells are separated by {WORDS.get(delimiter, repr(delimiter))}.")
    if found.decimal == "," and asked.decimal is None:
        notes.append("Numbers have a decimal comma.")
    return found


def _head(text: str) -> str:
    """The beginning of a text, in whole lines."""
    head = text[:CHARACTERS]
    if len(head) < len(text):
        head = head[: head.rfind("\n") + 1] or text[: text.find("\n", CHARACTERS) + 1] or text
    return head


def _top(lines: list[str], asked: TableOptions) -> tuple[int, str | None, str | None, list[str]]:
    """Number of lines above the table, the delimiter if it is named there, the comment mark, and the comments."""
    if asked.skip is not None:
        return asked.skip, asked.delimiter, None, []
    skip, delimiter, comment = 0, asked.delimiter, None
    while skip < len(lines) and not lines[skip].strip():
        skip += 1
    first = lines[skip].strip() if skip < len(lines) else ""
    if (first[:4].lower() == "sep=" and len(first) == 5) or first.lower() == "sep=":
        delimiter, skip = delimiter or (first[4:] or "\t"), skip + 1
    start = skip
    while skip < len(lines) and (lines[skip].lstrip().startswith(COMMENTS) or not lines[skip].strip()):
        comment = comment or next((mark for mark in COMMENTS if lines[skip].lstrip().startswith(mark)), None)
        skip += 1
    return skip, delimiter, comment, lines[start:skip]


def split_rows_of(name: str, text: str, delimiter: str) -> tuple[Rows, list[int]]:
    """The first rows of a text, blank ones left out, and the number of lines down to the end of each."""
    table: Rows = []
    ends: list[int] = []
    cells = 0
    if delimiter == " ":
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                table.append(blank_separated(line))
                ends.append(number)
            if len(table) >= LOOK:
                break
        return table, ends
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        for row in reader:
            if "".join(row).strip():
                table.append([cell.strip() for cell in row])
                ends.append(reader.line_num)
                cells += len(row)
            if len(table) >= LOOK or (cells > MOST_CELLS and len(table) >= 20):
                break
    except csv.Error as error:
        raise DataError(f"{name} cannot be read as a table ({error}); correct line {reader.line_num}.") from None
    return table, ends


def blank_separated(line: str) -> list[str]:
    """Cells of a line with any number of blanks and tabs between them.

    Examples
    --------
    >>> blank_separated("1  'New York' 3")
    ['1', "'New", "York'", '3']
    >>> blank_separated('1  "New York" 3')
    ['1', 'New York', '3']
    """
    if '"' in line or "'" in line:
        try:
            return next(csv.reader([line.strip().replace("\t", " ")], delimiter=" ", skipinitialspace=True))
        except (csv.Error, StopIteration):
            pass
    return line.split()


def _delimiter(body: str, tabs: bool) -> str:
    """The candidate that splits the lines most evenly into cells that look like numbers or words."""
    best, found = 0.0, "\t" if tabs else ","
    sample = body[: CHARACTERS // 2]
    for candidate in CANDIDATES:
        if (candidate != " " and candidate not in sample) or (candidate == ":" and best > 0):
            continue
        try:
            table, _ = split_rows_of("", sample, candidate)
        except DataError:
            continue
        table = table[:60]
        width = _width(table)
        if width < 2:
            continue
        even = sum(len(row) in (width, width - 1) for row in table) / len(table)
        top = table[0] if len(table[0]) in (width, width - 1) else next((row for row in table if len(row) == width), table[0])
        cells = [cell for row in (top, *table) if len(row) == width for cell in row[:200]]
        neat = sum(_is_neat(cell, candidate) for cell in cells) / max(1, len(cells))
        score = even * even * neat * (1.2 if candidate == "\t" and tabs else 1.0) * (0.999 if candidate == " " else 1.0)
        if score > best + 1e-9:
            best, found = score, candidate
    return found


def _is_neat(cell: str, delimiter: str) -> bool:
    if is_number(cell) or cell in MISSING:
        return delimiter != "," or "," not in cell or '"' not in cell
    if any(other in cell for other in "\t;|" if other != delimiter) or sum(map(is_number, cell.split())) > 1:
        return False
    return not any(cell[at : at + 1] == "," and not cell[at + 1 : at + 2].isspace() for at in range(len(cell)))


def _width(table: Rows) -> int:
    """The usual number of cells of a row; of several, that of the first row, or the larger."""
    counts: dict[int, int] = {}
    for row in table[1:] or table:
        counts[len(row)] = counts.get(len(row), 0) + 1
    return max(counts, key=lambda width: (counts[width], width == len(table[0]), width))


def _titles(table: Rows, width: int, header: bool | None) -> int:
    """Rows at the top that hold one cell of text and are followed by rows of several."""
    n = 0
    while width >= 2 and n < min(MOST_TITLES, len(table) - 2):
        filled = [cell for cell in table[n] if cell]
        below = max(([cell for cell in row if cell] for row in table[n + 1 : n + MOST_TITLES]), key=len)
        title = len(filled) == 1 and table[n][0] and not is_number(filled[0]) and (len(below) > 1 or len(table[n]) == 1)
        if not (title or (len(table[n]) < width - 1 and len(filled) <= max(1, width // 2) and header is None)):
            break
        n += 1
    return n


def _header_in_comment(found: Dialect, commented: list[str], table: Rows) -> Dialect:
    """The last comment above a table of numbers, if it holds as many names as there are columns."""
    filled = [line for line in commented if line.strip()]
    if not filled or any(not is_number(cell) for cell in table[0][:1]):
        return found
    bare = filled[-1].lstrip().lstrip("#%/@ ")
    names, _ = split_rows_of("", bare, found.delimiter)
    if len(names) == 1 and len(names[0]) == found.width and not any(is_number(cell) for cell in names[0]):
        found.notes.append(f"The names of the columns are read from the comment {quoted([filled[-1].strip()])}.")
        return replace(found, names=tuple(names[0]))
    return found


def _with_trailing(found: Dialect, table: Rows) -> Dialect:
    """Whether the rows end in a delimiter, so that their last cell is always empty."""
    rows = table[1:] or table
    full = [row for row in rows if len(row) == found.width]
    if found.width > 2 and full and not any(row[-1] for row in full) and (len(table[0]) == found.width - 1 or not table[0][-1]):
        found.notes.append("The delimiter at the end of each row is ignored.")
        return replace(found, width=found.width - 1, trailing=True)
    return found


def _with_header(found: Dialect, table: Rows, ends: list[int], asked: bool | None) -> Dialect:
    if found.names is not None:
        return found
    upper: list[str] = []
    if asked is None and _is_upper_header(table):
        found.notes.append(
            f"Of two rows of names the second is taken; above it stands {quoted(cell for cell in table[0] if cell)}."
        )
        upper = table[0]
        found, table, ends = replace(found, first=found.first + ends[0]), table[1:], [end - ends[0] for end in ends[1:]]
    named, why = (asked, "") if asked is not None else looks_like_header(table)
    if not named:
        if asked is None and len(table) > 1:
            found.notes.append("There is no header; the columns are called column_0, column_1, ...")
        return found
    if why:
        found.notes.append(why)
    names = list(table[0])
    if upper:
        names = [name or above for name, above in zip(names, upper, strict=True)]
    if len(names) == found.width - 1 and not found.trailing and len(table) > 1:  # R writes row names without a header
        names.insert(0, "")
    first = found.first + ends[0]
    if len(table) > 2 and _is_units(table):
        found.notes.append(f"The row below the header is taken as units and left out: {quoted(table[1])}.")
        first = found.first + ends[1]
    return replace(found, names=tuple(names[: found.width]), first=first)


def _is_upper_header(table: Rows) -> bool:
    """Whether the first row holds names of groups of columns: fewer than columns, above a full row of different names."""
    if len(table) < 4 or len(table[0]) != len(table[1]) or len(table[0]) < 3:
        return False
    names = [name or above for name, above in zip(table[1], table[0], strict=True)]
    below = [row for row in table[3:] if len(row) == len(table[1])]  # the third may hold units
    blank = sum(not cell for cell in table[0][1:])
    words = all(names) and len(set(names)) == len(names) and not any(map(is_number, [*names, *filter(None, table[0])]))
    return blank > 0 and words and any(all(is_number(row[j]) for row in below) for j in range(len(names)))


def _is_units(table: Rows) -> bool:
    """Whether the first row holds no number where all others do."""
    numeric = [j for j in range(len(table[1])) if all(j < len(row) and is_number(row[j]) for row in table[2:])]
    return bool(numeric) and not any(is_number(table[1][j]) or _is_hole(table[1][j]) for j in numeric)


def _is_hole(cell: str) -> bool:
    return cell in MISSING or is_placeholder(cell)


def looks_like_header(table: Rows) -> tuple[bool, str]:
    """Whether the first row holds names, and a note if that is not plain."""
    first, rest = table[0], table[1:]
    if not rest:
        return not any(is_number(cell) for cell in first), ""
    if len(first) >= 4 and _counts_up(first) and not _counts_up(rest[0]):
        return True, f"The numbers {first[0]} to {first[-1]} in the first row are taken as the names of columns."
    named, values, texts = [], [], []
    deep = max(20, 50_000 // min(500, len(first)))  # rows that are looked at
    for j, cell in enumerate(first[:500]):
        below = [row[j] for row in rest[:deep] if j < len(row) and not _is_hole(row[j])]
        if sum(map(is_number, below)) > 0.8 * len(below):
            if is_number(cell):
                values.append((cell, below))
            elif not _is_hole(cell):
                named.append(cell)
        else:
            texts.append(cell not in below and not (is_number(cell) and any(map(is_number, below))))
    years = [cell for cell, below in values if _is_year_like(cell, below)]
    if named and (len(named) >= len(values) or len(years) == len(values)):
        return True, ""
    if values and len(years) == len(values) and not (named and not texts) and all(texts) and (texts or _consecutive(years)):
        return True, f"The numbers in the first row are taken as the names of columns: {quoted(years)}."
    if named and all(texts) and texts:
        return True, ""
    if values or named:
        return False, ""
    return len(set(first)) == len(first) and all(texts), ""


def _is_year_like(name: str, below: list[str]) -> bool:
    """Whether a number is more likely a year or a position in a header than a value of its column."""
    if not name.isdigit() or name in below:
        return False
    alike = all(cell.isdigit() and len(cell) == len(name) for cell in below)
    few = len(below) >= FEW_ROWS and len(set(below)) < 0.2 * len(below)  # values that all have been seen, but for this one
    return (1800 <= int(name) <= 2100 or int(name) < 500) and (few or not alike)


def _counts_up(names: list[str]) -> bool:
    """Whether the cells are numbers of columns, from 0 or 1 on."""
    if not all(map(str.isdigit, names)) or names[0] not in ("0", "1"):
        return False
    numbers = list(map(int, names))
    return numbers == sorted(numbers) and numbers[-1] == numbers[0] + len(numbers) - 1


def _consecutive(names: list[str]) -> bool:
    steps = {int(b) - int(a) for a, b in pairwise(names)}
    return len(names) >= 3 and steps == {1}


def _decimal(table: Rows, delimiter: str) -> str:
    """A comma if some numbers have one for certain, and fewer have a point."""
    if delimiter == ",":
        return "."
    commas = points = 0
    for row in table[:200]:
        for cell in row[:200]:
            if ("," in cell or "." in cell) and is_number(cell):
                bare = cell.strip("-+ ")
                commas += bool(SURE[","].fullmatch(bare)) and not AMBIGUOUS.fullmatch(bare)
                points += bool(SURE["."].fullmatch(bare)) and not AMBIGUOUS.fullmatch(bare)
    return "," if commas > points else "."
