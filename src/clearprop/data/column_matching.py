"""Columns of a later table, matched with those of the first one by name, without regard to capital letters and blanks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from clearprop.data.notes import some

if TYPE_CHECKING:
    import pandas as pd


def matched(frame: pd.DataFrame, wanted: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """The frame with its columns called as in `wanted`, where a name differs only in capital letters, blanks or signs.

    Examples
    --------
    >>> import pandas as pd
    >>> matched(pd.DataFrame({"Size (cm)": [1], "b": [2]}), ["size_cm", "b"])[1]
    ["Columns are matched without regard to capital letters and signs: 'Size (cm)' as 'size_cm'."]
    """
    there = {str(name) for name in frame.columns}
    lacking = [name for name in wanted if name not in there]
    if not lacking:
        return frame, []
    free: dict[str, list[str]] = {}
    for name in there - set(wanted):
        free.setdefault(_key(name), []).append(name)
    renamed = {}
    for name in lacking:
        near = free.get(_key(name), [])
        if len(near) == 1 and near[0] not in renamed:
            renamed[near[0]] = name
    if not renamed:
        return frame, []
    pairs = some(f"{old!r} as {new!r}" for old, new in sorted(renamed.items()))
    return frame.rename(columns=renamed), [f"Columns are matched without regard to capital letters and signs: {pairs}."]


def _key(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold()) or name
