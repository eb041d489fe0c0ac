"""ARFF, the format of Weka: attributes with their types, then rows, dense or sparse."""

from __future__ import annotations

import csv
import re

from clearprop.errors import DataError

ATTRIBUTE = re.compile(r"""@attribute\s+(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(\S+))\s+(.+)""", re.IGNORECASE)


def read_arff(name: str, text: str) -> tuple[list[list[str]], set[str]]:
    """Rows of texts, the names of the attributes first, and the names of those that are nominal or texts.

    Raises
    ------
    DataError
        If the file declares no attributes, or a row has another number of cells.
    """
    names: list[str] = []
    nominal: set[str] = set()
    first: dict[int, str] = {}
    lines = iter(enumerate(text.split("\n"), 1))
    for _, line in lines:
        bare = line.strip()
        if bare.lower().startswith("@data"):
            break
        match = ATTRIBUTE.match(bare)
        if match:
            column = next(part for part in match.groups()[:3] if part is not None)
            kind = match[4].strip()
            if kind.startswith("{"):
                nominal.add(column)
                first[len(names)] = _cells(kind.strip("{} "))[0]
            elif kind.lower().startswith("string"):
                nominal.add(column)
            names.append(column)
    if not names:
        raise DataError(f"{name} declares no attributes; an ARFF file has lines such as '@attribute size numeric'.")
    table = [names]
    for number, line in lines:
        bare = line.strip()
        if not bare or bare.startswith("%"):
            continue
        row = _sparse(bare, len(names), first) if bare.startswith("{") else _cells(bare)
        if len(row) != len(names):
            raise DataError(f"{name} is ragged: line {number} has {len(row)} cells, but there are {len(names)} attributes.")
        table.append(row)
    return table, nominal


def _cells(line: str) -> list[str]:
    quote = "'" if "'" in line else '"'
    return [cell.strip() for cell in next(csv.reader([line], quotechar=quote, skipinitialspace=True, escapechar="\\"))]


def _sparse(line: str, width: int, first: dict[int, str]) -> list[str]:
    """A row such as {1 3.5, 4 yes}: what is not named is 0, or the first value of a nominal attribute."""
    row = [first.get(j, "0") for j in range(width)]
    for pair in _cells(line.strip("{} ")):
        at, _, value = pair.partition(" ")
        if at.isdigit() and int(at) < width:
            row[int(at)] = value.strip().strip("'\"")
    return row
