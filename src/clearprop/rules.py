"""Rules for single values: what a number, a count, a seed, a word or a switch must be, and the sentence for what is not."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from typing import Any, TypeVar

import numpy as np

from clearprop.arrays import brief, describe
from clearprop.errors import OptionError, UnknownNameError

Word = TypeVar("Word", bound=str)
LARGEST = 2**63 - 1  # of whole numbers that NumPy counts with


def unknown_name(kind: str, name: object, known: list[str], aliases: list[str] | None = None) -> str:
    """The sentence for a name that is not among `known`, with the nearest one if there is any."""
    near = difflib.get_close_matches(str(name)[:60].lower(), [*known, *(aliases or [])], n=1, cutoff=0.5)
    guess = f"; did you mean {near[0]!r}?" if near else "."
    called = brief(name) if isinstance(name, str) else describe(name)
    return f"There is no {kind} called {called}{guess} Known: {', '.join(known)}."


def choose(kind: str, value: str, known: tuple[Word, ...]) -> Word:
    """`value`, if it is one of the `known` words, in their type.

    Raises
    ------
    UnknownNameError
        If it is not, with the nearest of them.

    Examples
    --------
    >>> choose("reduction", "mean", ("mean", "sum"))
    'mean'
    """
    for word in known:
        if isinstance(value, str) and word == value:
            return word
    raise UnknownNameError(unknown_name(kind, value, list(known)))


def require(condition: bool, what: str, value: object, rule: str) -> None:
    """Raise an `OptionError` saying that `what` must be `rule` unless `condition` holds.

    Examples
    --------
    >>> require(-1.0 > 0, "lr", -1.0, "positive")
    Traceback (most recent call last):
    clearprop.errors.OptionError: lr must be positive, not -1.0.
    """
    if not condition:
        raise OptionError(f"{what} must be {rule}, not {brief(value)}.")


def number(what: str, value: Any, condition: Callable[[float], bool] | None = None, rule: str = "") -> float:
    """`value` as a float, if it is a finite number for which the condition, if any, holds.

    Raises
    ------
    OptionError
        If it is no number, not finite, or breaks the rule.

    Examples
    --------
    >>> number("lr", 1, lambda lr: lr > 0, "positive")
    1.0
    >>> number("lr", "fast", lambda lr: lr > 0, "positive")
    Traceback (most recent call last):
    clearprop.errors.OptionError: lr must be a finite number, positive, not 'fast'.
    >>> number("lr", -1, lambda lr: lr > 0, "positive")
    Traceback (most recent call last):
    clearprop.errors.OptionError: lr must be positive, not -1.
    """
    require(is_number(value) and _finite(value), what, value, f"a finite number, {rule}".removesuffix(", "))
    require(condition is None or condition(float(value)), what, value, rule)
    return float(value)


def is_number(value: object) -> bool:
    """Whether `value` is a real number: Python's or NumPy's, but neither True nor False."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond the range of float64
        return False


def count(what: str, value: Any, least: int = 1) -> int:
    """`value` as an int, if it is a whole number, at least `least`, and one that NumPy can count with.

    Raises
    ------
    OptionError
        If it is not.

    Examples
    --------
    >>> count("n_out", 2.5)
    Traceback (most recent call last):
    clearprop.errors.OptionError: n_out must be a whole number, 1 or more, not 2.5.
    """
    require(is_whole(value) and value >= least, what, value, f"a whole number, {least} or more")
    require(value <= LARGEST, what, value, f"at most {LARGEST}")
    return int(value)


def is_whole(value: object) -> bool:
    """Whether `value` is a whole number, be it written 2 or 2.0."""
    return is_number(value) and (not isinstance(value, (float, np.floating)) or float(value).is_integer())


def is_sequence(value: object) -> bool:
    """Whether `value` is a sequence or an array with a length, but no text.

    Examples
    --------
    >>> is_sequence([1, 2]), is_sequence(np.array(1.5)), is_sequence("ab")
    (True, False, False)
    """
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def seeded(what: str, value: Any) -> int | np.random.Generator:
    """`value`, if random numbers can be drawn from it: a generator, or a whole number, 0 or more, as an int.

    Raises
    ------
    OptionError
        If it is neither.

    Examples
    --------
    >>> seeded("seed", -1)
    Traceback (most recent call last):
    clearprop.errors.OptionError: seed must be a whole number, 0 or more, or a numpy.random.Generator, not -1.
    """
    if isinstance(value, np.random.Generator):
        return value
    require(is_whole(value) and value >= 0, what, value, "a whole number, 0 or more, or a numpy.random.Generator")
    return int(value)


def switch(what: str, value: Any) -> bool:
    """`value` as a bool, if it is True or False: "yes" and "no" are both true to Python.

    Raises
    ------
    OptionError
        If it is neither.

    Examples
    --------
    >>> switch("nesterov", "no")
    Traceback (most recent call last):
    clearprop.errors.OptionError: nesterov must be True or False, not 'no'.
    """
    require(isinstance(value, (bool, np.bool_)), what, value, "True or False")
    return bool(value)


def text(what: str, value: Any) -> str:
    """`value`, if it is a text.

    Raises
    ------
    OptionError
        If it is not.
    """
    require(isinstance(value, str), what, value, "a text")
    return str(value)


def require_some(what: str, rows: Sized) -> None:
    """Raise an `OptionError` if there are no rows to draw.

    Examples
    --------
    >>> require_some("rows", [])
    Traceback (most recent call last):
    clearprop.errors.OptionError: There is nothing to draw: rows is empty.
    """
    if len(rows) == 0:
        raise OptionError(f"There is nothing to draw: {what} is empty.")


def require_rows(what: str, rows: Iterable[Any], names: Sequence[str], figures: Sequence[str] = ()) -> None:
    """Raise an `OptionError` unless every row is a dictionary that holds these names and, as numbers, these figures.

    Examples
    --------
    >>> require_rows("lines", [{"lr": 0.1}], ["lr"], ["mean"])
    Traceback (most recent call last):
    clearprop.errors.OptionError: Every row of lines needs mean, but one has lr only.
    """
    for row in rows:
        require(isinstance(row, Mapping), f"every row of {what}", row, "a dictionary")
        lacking = [name for name in (*names, *figures) if name not in row]
        if lacking:
            held = ", ".join(map(str, row)) or "nothing"
            raise OptionError(f"Every row of {what} needs {', '.join(lacking)}, but one has {held} only.")
        for name in figures:
            require(is_number(row[name]), f"{name} in every row of {what}", row[name], "a number")
