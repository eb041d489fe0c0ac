"""Spreadsheets: the first sheet of an .xlsx file that holds a table, as rows of texts.

An .xlsx file is a zip archive of XML, of which the cells, the shared texts and the formats that make a number a date are read.
"""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime, timedelta
from xml.etree import ElementTree

from clearprop.data.notes import quoted
from clearprop.errors import DataError

MOST_BYTES = 2**31
FEW = 3  # rows that a sheet of remarks may have
SPACE = re.compile(r"\{[^}]*\}")
DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
"""Numbers of the built-in formats of dates and times (ECMA-376, 18.8.30)."""
ORIGINS = {False: datetime(1899, 12, 30), True: datetime(1904, 1, 1)}
Element = ElementTree.Element


def read_spreadsheet(name: str, content: bytes) -> tuple[list[list[str]], list[str]]:
    """Rows of texts of the first sheet that holds a table, else of the first that is not empty, and a note if there are others.

    Raises
    ------
    DataError
        If the file is damaged, or empty.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sheets = _sheets(archive)
            shared, dates, late = _shared(archive), _date_styles(archive), _starts_late(archive)
            found = {title: _rows(_xml(archive, place), shared, dates, late) for title, place in sheets.items()}
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, ValueError, IndexError, OSError, RuntimeError) as error:
        raise DataError(f"{name} is not a readable .xlsx file ({error}); save it again, or export it as CSV.") from None
    filled = [title for title, rows in found.items() if rows]
    if not filled:
        raise DataError(f"{name} is empty; give a table with at least one example.")
    chosen = next((title for title in filled if len(found[title]) > FEW and len(found[title][-1]) > 1), filled[0])
    others = [title for title in filled if title != chosen]
    note = [f"The sheet {chosen!r} is read, not {quoted(others)}."] if others else []
    return found[chosen], note


def _xml(archive: zipfile.ZipFile, place: str) -> Element:
    if archive.getinfo(place).file_size > MOST_BYTES:
        raise ValueError(f"{place} is larger than {MOST_BYTES >> 30} GiB")
    body = archive.read(place)
    if b"<!DOCTYPE" in body[:2000]:  # spreadsheets have none, and its entities may expand without bound
        raise ValueError(f"{place} declares a document type")
    root = ElementTree.fromstring(body)
    for element in root.iter():
        element.tag = SPACE.sub("", element.tag)
    return root


def _sheets(archive: zipfile.ZipFile) -> dict[str, str]:
    """The place of each sheet in the archive, by its title, in order."""
    links = {
        link.get("Id"): str(link.get("Target")) for link in _xml(archive, "xl/_rels/workbook.xml.rels").iter("Relationship")
    }
    out = {}
    for sheet in _xml(archive, "xl/workbook.xml").iter("sheet"):
        key = next(value for name, value in sheet.attrib.items() if SPACE.sub("", name) == "id")
        target = links[key].lstrip("/")
        place = target if target.startswith("xl/") else f"xl/{target}"
        if "worksheets" in place:
            out[str(sheet.get("name"))] = place
    return out


def _shared(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    return ["".join(part.text or "" for part in item.iter("t")) for item in _xml(archive, "xl/sharedStrings.xml").iter("si")]


def _date_styles(archive: zipfile.ZipFile) -> set[int]:
    """Numbers of the cell styles that show a number as a date."""
    if "xl/styles.xml" not in archive.namelist():
        return set()
    root = _xml(archive, "xl/styles.xml")
    own = {
        int(form.get("numFmtId", "0"))
        for form in root.iter("numFmt")
        if re.search(r"[ymdhs]", re.sub(r'"[^"]*"|\[[^\]]*\]|\\.', "", form.get("formatCode", "").lower()))
    }
    styles = root.find("cellXfs")
    formats = [] if styles is None else [int(style.get("numFmtId", "0")) for style in styles.findall("xf")]
    return {i for i, number in enumerate(formats) if number in DATES or number in own}


def _starts_late(archive: zipfile.ZipFile) -> bool:
    properties = next(_xml(archive, "xl/workbook.xml").iter("workbookPr"), None)
    return properties is not None and properties.get("date1904") in ("1", "true")


def _rows(sheet: Element, shared: list[str], dates: set[int], late: bool) -> list[list[str]]:
    """The cells of a sheet as texts; rows and columns that are empty on all sides are left out."""
    table = []
    for row in sheet.iter("row"):
        cells: dict[int, str] = {}
        for position, cell in enumerate(row.findall("c")):
            letters = re.match(r"[A-Z]+", cell.get("r", ""))
            at = _column_number(letters[0]) if letters else position
            cells[at] = _text(cell, shared, dates, late)
        if any(cells.values()):
            table.append([cells.get(j, "") for j in range(max(cells) + 1)])
    width = max(map(len, table), default=0)
    table = [[*row, *[""] * (width - len(row))] for row in table]
    kept = [j for j in range(width) if any(row[j] for row in table)]
    return [[row[j] for j in range(kept[0], kept[-1] + 1)] for row in table] if kept else []


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - 64
    return number - 1


def _text(cell: Element, shared: list[str], dates: set[int], late: bool) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return "".join(part.text or "" for part in cell.iter("t"))
    value = cell.find("v")
    text = (value.text if value is not None else None) or ""
    if kind == "s" and text:
        return shared[int(text)]
    if kind == "b":
        return "True" if text == "1" else "False"
    if kind == "n" and text and int(cell.get("s", "0")) in dates:
        moment = ORIGINS[late] + timedelta(days=float(text))
        moment = (moment + timedelta(microseconds=500)).replace(microsecond=0)
        return str(moment.date()) if moment.time().isoformat() == "00:00:00" else str(moment)
    return text
