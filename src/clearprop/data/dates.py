"""Dates: columns of text that are dates or times, and the numbers that each becomes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.months import in_english

if TYPE_CHECKING:
    import pandas as pd

LOOK = 50  # different texts that are looked at first
LEAST = 0.9  # share of the texts that must be dates
SHAPE = re.compile(
    r"\d{4}-?\d{2}-?\d{2}.*|\d{1,4}[-/. ]\s?(\d{1,2}|[A-Za-z]{3,9})\.?[-/. ,]\s?\d{1,4}.*|\d{1,2}:\d{2}(:\d{2})?"
    r"|[A-Za-z]{3,9}\.? \d{1,2},? \d{4}.*|\d{4}-\d{2}|[A-Za-z]{3,9}[ -]\d{2}(\d{2})?|\d{1,2}/\d{4}"
)
LETTERS = re.compile(r"[^\W\d_]{3,}")
FORMATS = (
    "ISO8601", "%d.%m.%Y", "%d.%m.%y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y",
    "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p",
    "%d-%m-%Y", "%m-%d-%Y", "%d-%m-%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%Y/%m/%d", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S",
    "%Y.%m.%d",
    "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%H:%M", "%H:%M:%S",
    "%d. %b %Y", "%d. %B %Y", "%d. %b %y", "%b %Y", "%B %Y", "%b-%Y", "%B-%Y", "%b-%y", "%m/%Y",
)  # fmt: skip
"""Tried in this order; for 03/04/2020 the month comes first, unless a day above 12 says otherwise."""
FIRST_DAY, LAST_DAY = 19000101, 21001231
DATE_NUMBERS = {"%Y%m%d": 1, "%Y%m%d%H": 100, "%Y%m%d%H%M": 10_000}
FEWEST = 3  # different numbers from which they may be dates
PARTS = ("year", "month", "day", "weekday", "hour")


def read_dates(column: pd.Series[Any], form: str | None = None) -> tuple[pd.Series[Any], str] | None:
    """A column of texts as times, with their format; None if they are none.

    Parameters
    ----------
    column : Series
        Of texts, NaN where a cell is missing.
    form : str, optional
        The format, where it is known.
    """
    import pandas as pd

    codes, unique = pd.factorize(column)
    texts = pd.Series([str(text).strip() for text in unique], dtype=object)
    if any(map(LETTERS.search, texts[:LOOK])):
        texts = texts.map(in_english)
    alike = sum(bool(SHAPE.fullmatch(text)) for text in texts[:LOOK])
    if len(texts) == 0 or (form is None and alike < LEAST * min(LOOK, len(texts))):
        return None
    for candidate in (form,) if form else FORMATS:
        if form is None and pd.to_datetime(texts[:LOOK], format=candidate, errors="coerce", utc=True).isna().mean() > 1 - LEAST:
            continue
        times = pd.to_datetime(texts, format=candidate, errors="coerce", utc=True)
        if form is not None or times.notna().mean() >= LEAST:
            values = np.append(times.dt.tz_localize(None).to_numpy("datetime64[ns]"), np.datetime64("NaT", "ns"))
            return pd.Series(values[codes], index=column.index), str(candidate)
    return None


def read_date_numbers(values: Array, form: str | None = None) -> tuple[Array, str] | None:
    """Whole numbers such as 20240131 as times (N,), with their format; None if they are none.

    Examples
    --------
    >>> times, form = read_date_numbers(np.array([20240130.0, 20240131, 20240201] * 3))
    >>> form, str(times[0])[:10]
    ('%Y%m%d', '2024-01-30')
    """
    import pandas as pd

    known = values[np.isfinite(values)]
    if len(known) == 0 or (form is None and len(np.unique(known)) < FEWEST):
        return None
    for candidate, unit in DATE_NUMBERS.items() if form is None else ((form, 0),):
        if form is None and not (FIRST_DAY * unit <= known.min() and known.max() < (LAST_DAY + 1) * unit):
            continue
        texts = pd.Series(values).map(lambda value: f"{value:.0f}" if np.isfinite(value) else None)
        times = pd.to_datetime(texts, format=candidate, errors="coerce")
        if form is not None or times.notna().sum() == len(known):
            return times.to_numpy("datetime64[ns]"), candidate
    return None


def parts_of(times: pd.Series[Any], parts: tuple[str, ...]) -> Array:
    """Numbers (N, k) of the named parts of each time; NaN where a time is missing."""
    found = {
        "year": times.dt.year, "month": times.dt.month, "day": times.dt.day, "weekday": times.dt.day_of_week,
        "hour": times.dt.hour + times.dt.minute / 60,
    }  # fmt: skip
    return np.column_stack([found[part].to_numpy(dtype=np.float64, na_value=np.nan) for part in parts])


def varying_parts(times: pd.Series[Any]) -> tuple[str, ...]:
    """The parts that are not the same in all rows."""
    values = parts_of(times.dropna(), PARTS)
    return tuple(part for j, part in enumerate(PARTS) if len(values) and values[:, j].min() < values[:, j].max())
