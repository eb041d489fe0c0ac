"""Notes: what was found out or assumed while a table was read, one short sentence each."""

from __future__ import annotations

from collections.abc import Iterable

MOST_NAMES = 5


def some(names: Iterable[object], most: int = MOST_NAMES) -> str:
    """Names in a row, cut off after the first few.

    Examples
    --------
    >>> some(["a", "b"]), some(range(100), most=3)
    ('a, b', '0, 1, 2 and 97 more')
    """
    texts = [str(name) for name in names]
    shown = [text if len(text) <= 40 else text[:37] + "..." for text in texts[:most]]
    rest = len(texts) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def quoted(values: Iterable[object], most: int = MOST_NAMES) -> str:
    """Values in quotation marks, cut off after the first few."""
    return some((repr(str(value)) for value in values), most)


def rows(n: int) -> str:
    """A number of rows, in words.

    Examples
    --------
    >>> rows(1), rows(1200)
    ('1 row', '1,200 rows')
    """
    return f"{n:,} row" if n == 1 else f"{n:,} rows"


def columns(names: Iterable[object]) -> str:
    """Columns by name: "the column a" or "3 columns (a, b, c)".

    Examples
    --------
    >>> columns(["a"]), columns(["a", "b"])
    ('the column a', '2 columns (a, b)')
    """
    listed = list(names)
    return f"the column {some(listed)}" if len(listed) == 1 else f"{len(listed)} columns ({some(listed)})"


def sentence(text: str) -> str:
    """The text with a capital letter and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")
