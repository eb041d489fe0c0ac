"""Tidying: each column of a frame brought to numbers, texts or times, whatever it held; and what was understood, in notes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.data.dates import read_date_numbers, read_dates
from clearprop.data.notes import columns
from clearprop.data.written_numbers import MISSING, read_numbers
from clearprop.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

SENTINELS = (-9.0, -99.0, -999.0, -9999.0, -99999.0, 99.0, 999.0, 9999.0, 99999.0, 999999.0, -1e20, 1e20)
MOST_COLUMNS = 1000  # of more, none is looked at for dates that are written as whole numbers
FAR = 3.0  # spans of the other values


@dataclass(frozen=True, eq=False)
class Tidied:
    """A frame of numbers, texts and times.

    Attributes
    ----------
    frame : DataFrame
        Columns of float64 or int64, of str (NaN where missing), bool, or datetime64.
    notes : list of str
    formats : dict of str to str
        The format of each column of dates that was text.
    """

    frame: pd.DataFrame
    notes: list[str] = field(default_factory=list)
    formats: dict[str, str] = field(default_factory=dict)


def tidy(
    frame: pd.DataFrame,
    decimal: str = ".",
    forced: bool = False,
    text: Collection[str] = (),
    strict: Collection[str] = (),
    formats: Mapping[str, str] | None = None,
) -> Tidied:
    """Bring each column to numbers, texts or times.

    Parameters
    ----------
    frame : DataFrame
    decimal : {".", ","}
        Decimal sign where the cells leave it open; `forced` if it was asked for.
    text : collection of str
        Columns that stay text, or become text.
    strict : collection of str
        Columns in which all that is no number must be a usual word for a missing cell: targets.
    formats : dict, optional
        Formats of columns of dates, where they are known.
    """
    import pandas as pd

    notes: list[str] = []
    found: dict[str, str] = {}
    changed: dict[str, pd.Series[Any]] = {}
    said: dict[str, list[str]] = {}
    for name, dtype in zip(frame.columns, frame.dtypes, strict=True):
        if isinstance(dtype, np.dtype) and dtype.kind in "iufb" and name not in text:
            if dtype.kind in "if" and name not in strict and frame.shape[1] <= MOST_COLUMNS:
                dates = _date_numbers(frame[name], (formats or {}).get(name))
                if dates is not None:
                    changed[name], found[name] = dates
            continue
        column = frame[name]
        if name in text:
            changed[name] = _texts(name, column)
            continue
        column = _plain(name, column)
        if column.dtype.kind in "OU" or isinstance(column.dtype, pd.StringDtype):
            column = _texts(name, column)
            known = (formats or {}).get(name)
            numbers = None if known else read_numbers(column, decimal, forced, name in strict)
            if numbers is not None:
                note = numbers.note(name)
                if note is not None:
                    said.setdefault(note.removeprefix(f"Column {name}: "), []).append(name)
                column = _whole(pd.Series(numbers.values, index=column.index))
            else:
                times = read_dates(column, known)
                if times is not None:
                    column, found[name] = times
        changed[name] = column
    for text_of_note, names in said.items():
        notes.append(f"{columns(names)[:1].upper()}{columns(names)[1:]}: {text_of_note}")
    if changed:
        frame = pd.DataFrame({name: changed.get(name, frame[name]) for name in frame.columns}, index=frame.index)
    return Tidied(frame, notes, found)


def _date_numbers(column: pd.Series[Any], form: str | None) -> tuple[pd.Series[Any], str] | None:
    import pandas as pd

    dates = read_date_numbers(column.to_numpy(dtype=np.float64), form)
    return None if dates is None else (pd.Series(dates[0], index=column.index), dates[1])


def _plain(name: str, column: pd.Series[Any]) -> pd.Series[Any]:
    """A column of a type that pandas has beside NumPy's, in NumPy's."""
    import pandas as pd
    from pandas.api import types

    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _plain(
            name,
            column.astype(
                dtype.categories.dtype if dtype.categories.dtype.kind in "iufb" and not column.isna().any() else object
            ),
        )
    if isinstance(dtype, pd.PeriodDtype):
        return column.dt.to_timestamp()
    if isinstance(dtype, pd.DatetimeTZDtype):
        return column.dt.tz_convert("UTC").dt.tz_localize(None).astype("datetime64[ns]")
    if types.is_datetime64_dtype(dtype):
        return column.astype("datetime64[ns]")
    if types.is_timedelta64_dtype(dtype):
        return column.dt.total_seconds()
    if types.is_bool_dtype(dtype):
        return column.astype(object) if column.isna().any() else column.astype(bool)
    if types.is_complex_dtype(dtype):
        raise DataError(f"The column {name!r} holds complex numbers; give their real and imaginary parts as two columns.")
    if types.is_numeric_dtype(dtype):
        return _whole(pd.Series(column.to_numpy(dtype=np.float64, na_value=np.nan), index=column.index))
    return column


def _whole(column: pd.Series[Any]) -> pd.Series[Any]:
    """Whole numbers as int64, so that classes stay whole."""
    values = column.to_numpy()
    if len(values) and np.isfinite(values).all() and np.abs(values).max() < 2**53 and np.array_equal(values, np.round(values)):
        return column.astype(np.int64)
    return column


def _texts(name: str, column: pd.Series[Any]) -> pd.Series[Any]:
    """A column as texts without blanks around them, NaN where a cell is missing.

    Raises
    ------
    DataError
        If it holds lists, dictionaries or arrays.
    """
    import pandas as pd

    if column.dtype.kind == "f":
        column = _whole(column)
    try:
        codes, unique = pd.factorize(column)
    except TypeError:
        shown = next(value for value in column if value is not None)
        raise DataError(
            f"The column {name!r} holds {str(shown)[:40]!r} and the like; turn it into numbers or texts, or leave it"
            " out with drop."
        ) from None
    texts = [str(value).strip() for value in unique]
    cells = np.array([np.nan if text in MISSING else text for text in [*texts, ""]], dtype=object)
    return pd.Series(cells[codes], index=column.index, dtype=object)


def sentinels(frame: pd.DataFrame) -> list[str]:
    """A note on each usual code for a missing number that lies far outside the other values of its column."""
    found: dict[float, list[str]] = {}
    numeric = [name for name, dtype in zip(frame.columns, frame.dtypes, strict=True) if dtype.kind in "if"]
    if not numeric or len(frame) < 5:
        return []
    values = frame[numeric].to_numpy(dtype=np.float64)
    low, high = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
    for j in np.flatnonzero(np.isin(low, SENTINELS) | np.isin(high, SENTINELS)):
        cells = values[:, j]
        for code in (low[j], high[j]):
            rest = cells[(cells != code) & np.isfinite(cells)]
            if code not in SENTINELS or len(rest) < 3 or (cells == code).sum() > len(rest):
                continue
            away = max(rest.min() - code, code - rest.max())
            if away > FAR * max(rest.max() - rest.min(), np.abs(rest).max() * 0.1):
                found.setdefault(float(code), []).append(numeric[j])
    return [
        f"{columns(names)[:1].upper()}{columns(names)[1:]}: {code:g} lies far outside the other values; if it stands for"
        f" missing, say so with na={code:g} (--na {code:g})."
        for code, names in found.items()
    ]


def same_but_for_case(texts: Collection[str]) -> list[str]:
    """Texts that differ only in capital letters and blanks from another one."""
    folded: dict[str, list[str]] = {}
    for text in texts:
        folded.setdefault(" ".join(text.casefold().split()), []).append(text)
    return [" and ".join(map(repr, group)) for group in folded.values() if len(group) > 1]


def note_of_case(name: str, texts: Collection[str]) -> list[str]:
    """A note if some texts differ only in capital letters."""
    alike = same_but_for_case(texts)
    if not alike:
        return []
    return [f"Column {name}: {'; '.join(alike[:3])} differ only in capital letters or blanks and count as different."]
