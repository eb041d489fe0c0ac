"""Options of a table: how its text is read, and what its columns are for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from clearprop.errors import OptionError
from clearprop.registry import choose, unknown_name

Missing = Literal["auto", "refuse", "drop", "impute"]
POLICIES: tuple[Missing, ...] = get_args(Missing)
DELIMITERS = {"tab": "\t", "\\t": "\t", "blank": " ", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|", "colon": ":"}


@dataclass(frozen=True)
class TableOptions:
    """Everything about a table that can be asked for; None or nothing where it is to be found out.

    Attributes
    ----------
    delimiter : str or None
        One character, or "tab", "blank" (any number of blanks), "comma", "semicolon", "pipe".
    decimal : {".", ","} or None
    encoding : str or None
    header : bool or None
        Whether the first row holds names.
    skip : int or None
        Lines to leave out before the header.
    na : tuple of str
        Further cells that are missing.
    missing : {"auto", "refuse", "drop", "impute"}
        Treatment of missing cells: "auto" and "impute" fill them with the median or the most frequent value of the training
        split and add a column that marks them ("auto" leaves out a column that is nearly empty); "drop" leaves out the rows.
    drop, only : tuple of str
        Columns to leave out, or the only ones to learn from.
    categorical : tuple of str
        Columns whose numbers are names.
    id : tuple of str
        Columns that are kept and passed through by predictions, but not learned from.
    group, time : str or None
        Column whose values stay together in one split; column by which the rows are ordered, the last ones for the test.
    weight : str or None
        Column with the weight of each row.
    test_file : path or None
        A second table, for the test.
    """

    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    header: bool | None = None
    skip: int | None = None
    na: tuple[str, ...] = ()
    missing: Missing = "auto"
    drop: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    id: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    weight: str | None = None
    test_file: str | Path | None = None

    @classmethod
    def of(cls, **given: Any) -> TableOptions:
        """Options from keywords, with lists of columns as a list or as one text with commas; None has its default.

        Raises
        ------
        OptionError
            If there is no such option, or a value is out of range.
        """
        known = [f.name for f in fields(cls)]
        for name in given:
            if name not in known:
                raise OptionError(unknown_name("option of a table", name, known))
        values = {name: value for name, value in given.items() if value is not None}
        for name in ("na", "drop", "only", "categorical", "id"):
            if name in values:
                values[name] = names_in(values[name])
        if "missing" in values:
            values["missing"] = choose("treatment of missing cells", values["missing"], POLICIES)
        if "delimiter" in values:
            values["delimiter"] = _one_character(values["delimiter"])
        if values.get("decimal", ".") not in (".", ","):
            raise OptionError(f"decimal must be a point or a comma, not {values['decimal']!r}.")
        if not int(values.get("skip", 0)) >= 0:
            raise OptionError(f"skip must be a number of lines, zero or more, not {values['skip']!r}.")
        return cls(**values)

    def given(self) -> list[str]:
        """Names of the options that differ from the default."""
        plain = TableOptions()
        return [f.name for f in fields(self) if getattr(self, f.name) != getattr(plain, f.name)]


def names_in(value: str | int | Iterable[Any]) -> tuple[str, ...]:
    """Names of columns, from one text with commas between them, or from several texts.

    Examples
    --------
    >>> names_in("a, b"), names_in(["a", "b,c"]), names_in(3)
    (('a', 'b'), ('a', 'b,c'), ('3',))
    """
    if isinstance(value, (str, int)):
        return tuple(part.strip() for part in str(value).split(",") if part.strip())
    return tuple(str(part) for part in value)


def _one_character(text: str) -> str:
    found = DELIMITERS.get(text.lower(), text)
    if len(found) != 1 or found in '"\n\r':
        raise OptionError(f"delimiter must be one character, or one of {', '.join(DELIMITERS)}, not {text!r}.")
    return found
