"""Numbers in disguise: columns of text in which at least nine cells of ten are numbers, as people write them.

Understood are decimal commas, thousands separators (comma, point, blank, apostrophe), percent and currency signs, a unit that
all cells share, K, M and B for thousands, millions and billions, brackets around negative numbers, a minus behind them, the
typographic minus, and bounds such as <0.5. What is left over is missing.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.notes import quoted, rows

if TYPE_CHECKING:
    import pandas as pd

MISSING = [
    "", "NA", "N/A", "n/a", "N.A.", "n.a.", "NaN", "nan", "NAN", "-nan", "-NaN", "null", "NULL", "Null", "?", "#N/A",
    "#N/A N/A",
    "#NA", "#NV", "#DIV/0!", "#VALUE!", "#WERT!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "<NA>", "\\N", "NaT", "(null)",
    "1.#IND",
    "1.#QNAN", "-1.#IND", "-1.#QNAN",
]  # fmt: skip
"""Cells that are missing in every column."""
PLACEHOLDERS = {
    "-", "--", "---", "\u2013", "\u2014", ".", "..", "*", "x", "none", "nil", "unknown", "missing", "not available", "n/d",
    "nd", "k.a.",
    "k. a.", "s/d", "unk", "undefined", "na", "n/a", "n.a.", "null", "nan", "empty", "blank", "tbd", "not measured",
}  # fmt: skip
"""Cells, in small letters, that are missing in a column of numbers."""
RULE = re.compile(r"[-*._#?=~/]+")
"""Cells of signs alone, such as ****, are missing there too."""
LEAST = 0.9
"""Share of the cells that must be numbers."""
LOOK = 60
"""Different texts that are looked at before a column of many is parsed."""

SIGNS = r"(?:[$€£¥₹₽]|R\$|US\$|USD|EUR|CHF|GBP|JPY|CAD|AUD|INR|Rs\.?|Fr\.|kr|zł|Kč)"
FACTORS = {"K": 1e3, "k": 1e3, "M": 1e6, "Mio": 1e6, "B": 1e9, "Mrd": 1e9}
"""Units that are numbers, where a column holds several of them."""
PATTERN = re.compile(
    rf"(?P<bound>[<>≤≥]=?\s*)?(?P<open>\()?\s*(?P<sign>[-+\u2212])?\s*(?P<before>{SIGNS})?\s*(?P<inner>[-+\u2212])?"
    r"(?P<body>\d[\d.,'\u2019 \u00a0\u202f]*|[.,]\d+)(?P<exponent>[eE][-+]?\d{1,3})?"
    rf"\s*(?P<unit>{SIGNS}|[^\W\d_]{{1,4}}[²³]?|%|‰|°[CF]?)?(?P<behind>[-+\u2212])?\s*(?P<close>\))?"
)
GROUPS = {
    ".": re.compile(r"(?:\d{1,3}(?:[,'\u2019 \u00a0\u202f]\d{3})+|\d{1,2}(?:,\d{2})+,\d{3})(?:\.\d*)?"),
    ",": re.compile(r"\d{1,3}(?:[.'\u2019 \u00a0\u202f]\d{3})+(?:,\d*)?"),
}
PLAIN = {".": re.compile(r"\d*\.?\d*"), ",": re.compile(r"\d*,?\d*")}
SURE = {
    ".": re.compile(r"\d*\.\d*|\d{1,3}(?:,\d{3})+\.\d*|\d{1,3}(?:,\d{3}){2,}"),
    ",": re.compile(r"\d*,\d*|\d{1,3}(?:\.\d{3})+,\d*|\d{1,3}(?:\.\d{3}){2,}"),
}
SEVERAL = "K, M, B"
AMBIGUOUS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
"""1,234 or 1.234: a thousand or a little more than one."""


@dataclass(frozen=True)
class Numbers:
    """A column of text, read as numbers.

    Attributes
    ----------
    values : array (N,) of float64
        NaN where a cell is missing.
    left_over : dict of str to int
        Cells that are no numbers, with their counts.
    how : list of str
        Signs that had to be understood: "a decimal comma", "percent signs".
    """

    values: Array
    left_over: dict[str, int]
    how: list[str]

    def note(self, name: str) -> str | None:
        """A sentence on what was understood, if there is anything to say."""
        parts = [f"numbers with {' and '.join(self.how)}"] if self.how else []
        if self.left_over:
            shown = sorted(self.left_over, key=lambda text: -self.left_over[text])
            parts.append(f"{quoted(shown)} taken as missing in {rows(sum(self.left_over.values()))}")
        return f"Column {name}: {'; '.join(parts)}." if parts else None


def is_number(cell: str, decimal: str | None = None) -> bool:
    """Whether a cell is a number as people write it.

    Examples
    --------
    >>> [is_number(text) for text in ("10,5", "1.234,56", "$ 1,000", "12 %", "red", "2020-01-01")]
    [True, True, True, True, False, False]
    """
    match = PATTERN.fullmatch(cell.strip())
    if match is None:
        return False
    body = match["body"].rstrip(" \u00a0\u202f")
    return any(_fits(body, sign) for sign in ((decimal,) if decimal else (".", ",")))


def is_placeholder(cell: str) -> bool:
    """Whether a cell is missing in a column of numbers.

    Examples
    --------
    >>> [is_placeholder(cell) for cell in ("unknown", "****", "-", "red")]
    [True, True, True, False]
    """
    return cell.lower() in PLACEHOLDERS or RULE.fullmatch(cell) is not None


def _fits(body: str, decimal: str) -> bool:
    return bool(PLAIN[decimal].fullmatch(body) or GROUPS[decimal].fullmatch(body))


def convention(bodies: list[str], default: str) -> str:
    """The decimal sign of a column: the one that some cell proves, else the default.

    Examples
    --------
    >>> convention(["1,5", "1,234"], "."), convention(["1,234"], "."), convention(["1.234"], ",")
    (',', '.', ',')
    """
    found = {sign for sign in (".", ",") for body in bodies if SURE[sign].fullmatch(body) and not AMBIGUOUS.fullmatch(body)}
    return found.pop() if len(found) == 1 else default


def read_numbers(column: pd.Series[Any], default: str = ".", forced: bool = False, strict: bool = False) -> Numbers | None:
    """A column of texts as numbers, or None if it holds something else.

    Parameters
    ----------
    column : Series
        Of texts, NaN where a cell is missing.
    default : {".", ","}
        The decimal sign where the cells leave it open.
    forced : bool
        Whether that sign was asked for, whatever the cells suggest.
    strict : bool
        Whether all that is left over must be a usual word for a missing cell.
    """
    import pandas as pd

    codes, unique = pd.factorize(column)
    texts = [str(text).strip() for text in unique]
    if len(texts) > LOOK and sum(is_number(text) for text in texts[:LOOK]) < LOOK / 2:
        return None
    matches = [PATTERN.fullmatch(text) for text in texts]
    units = Counter(match["unit"] for match in matches if match is not None and match["unit"])
    unit = _unit(units)
    bodies = [match["body"].rstrip(" \u00a0\u202f") if match is not None else "" for match in matches]
    decimal = default if forced else convention([body for body in bodies if body], default)
    parsed = np.array([_value(match, body, decimal, unit) for match, body in zip(matches, bodies, strict=True)], np.float64)
    sizes = np.bincount(codes[codes >= 0], minlength=len(texts)) if len(texts) else np.zeros(0, np.int64)
    bad = np.isnan(parsed)
    left_over = {texts[i]: int(sizes[i]) for i in np.flatnonzero(bad)}
    holes = sum(count for text, count in left_over.items() if is_placeholder(text))
    others = sum(left_over.values()) - holes
    numbers = int(sizes[~bad].sum())
    if numbers == 0 or numbers < LEAST * (numbers + others) or (strict and others) or numbers < 0.5 * (numbers + holes):
        return None
    if others and len(left_over) > max(5, 0.05 * len(texts)):
        return None  # not a few odd cells, but a mixture
    values = np.append(parsed, np.nan)[codes]
    return Numbers(values, left_over, _how(matches, bodies, decimal, unit, bad))


def _unit(units: Counter[str]) -> str | None:
    """The unit that the cells share; `SEVERAL` if they are K, M and B."""
    if not units:
        return None
    most = units.most_common(1)[0][0]
    return SEVERAL if most in FACTORS and sum(unit in FACTORS for unit in units) > 1 else most


def _value(match: re.Match[str] | None, body: str, decimal: str, unit: str | None) -> float:
    if match is None or not _fits(body, decimal) or (match["open"] is None) != (match["close"] is None):
        return np.nan
    if sum(bool(match[part]) for part in ("sign", "inner", "behind")) > 1:
        return np.nan
    factor = FACTORS.get(match["unit"] or "", 1.0) if unit is SEVERAL else 1.0
    if match["unit"] not in (None, unit) and not (unit is SEVERAL and match["unit"] in FACTORS):
        return np.nan
    bare = re.sub(r"['\u2019 \u00a0\u202f]", "", body).replace("," if decimal == "." else ".", "")
    bare = bare.replace(",", ".")
    if bare in ("", "."):
        return np.nan
    value = float(bare + (match["exponent"] or "")) * factor
    negative = (match["sign"] or match["inner"] or match["behind"]) in ("-", "\u2212") or match["open"] is not None
    return -value if negative else value


def _how(matches: list[re.Match[str] | None], bodies: list[str], decimal: str, unit: str | None, bad: Array) -> list[str]:
    """Signs that the numbers needed to be understood."""
    good = [(match, body) for match, body, wrong in zip(matches, bodies, bad, strict=True) if match is not None and not wrong]
    found = []
    if decimal == "," and any("," in body for _, body in good):
        found.append("a decimal comma")
    if any(GROUPS[decimal].fullmatch(body) for _, body in good):
        found.append("thousands separators")
    if any(match["unit"] == "%" for match, _ in good):
        found.append("percent signs")
    elif any(match["before"] or re.fullmatch(SIGNS, match["unit"] or "") for match, _ in good):
        found.append("currency signs")
    elif unit is not None and unit is not SEVERAL and any(match["unit"] for match, _ in good):
        found.append(f"the unit {unit!r}")
    if unit is SEVERAL:
        found.append("K, M or B for thousands, millions or billions")
    if any(match["open"] for match, _ in good):
        found.append("brackets for a minus")
    if any(match["behind"] in ("-", "\u2212") for match, _ in good):
        found.append("a minus behind them")
    if any(match["bound"] for match, _ in good):
        found.append("bounds such as '<', which are read as the numbers themselves")
    return found
