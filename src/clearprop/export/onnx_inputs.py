"""From a raw table to the inputs of a net, in the operators of ONNX: one function for each kind of column.

Each column is an input of its own, of shape (N, 1): numbers in double precision (NaN where one is missing), categories as
strings ("" where one is missing), dates as whole seconds since 1970 (the smallest int64, NumPy's NaT, where one is missing).
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from clearprop.data.columns import Column
from clearprop.data.written_numbers import MISSING
from clearprop.export.blueprint import Blueprint
from clearprop.export.folding import folded, folds, known_as
from clearprop.export.onnx_graph import OnnxGraph, row_of
from clearprop.export.source_pages import date_parts

BLANK = r"[\s\p{Z}]"
NO_TIME = np.iinfo(np.int64).min
DAY, EPOCH = 86_400, 719_468  # seconds of a day; days from the first of March of the year 0 to 1970


def add_inputs(graph: OnnxGraph, blueprint: Blueprint) -> str:
    """The inputs (N, n_x) of the net, in its dtype, from the raw inputs of the graph."""
    dtype = blueprint.net.dtype
    if not blueprint.columns:
        n = blueprint.net.n_in
        x = graph.declare(graph.inputs, "X", np.float64, "N", n or 0)
        if blueprint.encoder is not None:
            x = graph.node("Sub", x, graph.constant(row_of(blueprint.scaling.shift), "shift"))
            x = graph.node("Div", x, graph.constant(row_of(blueprint.scaling.spread), "spread"))
        return graph.cast(x, dtype)
    blocks = [part for column in blueprint.columns for part in KINDS[column.kind](graph, column)]
    return graph.cast(graph.node("Concat", *blocks, name="encoded", axis=1), dtype)


def add_number(graph: OnnxGraph, column: Column) -> list[str]:
    """(value - shift) / spread, with the middle in place of a missing value, and the mark of that."""
    assert column.scaling is not None
    value = graph.declare(graph.inputs, column.name, np.float64, "N", 1)
    missing = graph.node("Or", graph.node("IsNaN", value), graph.node("IsInf", value), name="missing")
    value = graph.node("Where", missing, graph.constant(row_of(column.middle), "middle"), value)
    value = graph.node("Sub", value, graph.constant(row_of(column.scaling.shift), "shift"))
    value = graph.node("Div", value, graph.constant(row_of(column.scaling.spread), "spread"))
    return [value, *_mark(graph, column, missing)]


def add_category(graph: OnnxGraph, column: Column) -> list[str]:
    """A one-hot row; other spellings of a category are found by a regular expression."""
    text = graph.declare(graph.inputs, column.name, str, "N", 1)
    words = "|".join(re.escape(word) for word in MISSING if word)
    missing = graph.node("RegexFullMatch", text, name="missing", pattern=f"{BLANK}*(?:{words})?{BLANK}*")
    matches = [graph.node("RegexFullMatch", text, name="is", pattern=pattern) for pattern in patterns(column.categories)]
    hot = graph.node("And", graph.node("Concat", *matches, axis=1), graph.node("Not", missing), name="hot")
    if column.fill is not None:
        at = row_of([category == str(column.fill) for category in column.categories], np.bool_)
        hot = graph.node("Or", hot, graph.node("And", missing, graph.constant(at, "fill")), name="hot")
    found = [graph.cast(hot, np.float64)]
    if column.grouped:
        seen = graph.node("ReduceMax", found[0], graph.constant([1], "axis", np.int64))
        neither = graph.node("Not", graph.node("Or", missing, graph.cast(seen, np.bool_)))
        found.append(graph.cast(neither, np.float64))
    return [*found, *_mark(graph, column, missing)]


def patterns(categories: tuple[str, ...]) -> list[str]:
    """A regular expression for each category, none of which matches what another one matches.

    Examples
    --------
    >>> patterns(("red", "Red"))[0] == patterns(("red", "blue"))[0]
    False
    """
    letters = {small: letter for letter, small in folds(categories).items() if len(small) > 1}
    texts = {folded(category) for category in categories}
    found = []
    for category, near in known_as(categories):
        pattern = re.escape(category)
        if near is not None:
            pattern = f"{BLANK}+".join(re.escape(word) for word in near.split())
            for small, letter in letters.items():
                pattern = pattern.replace(small, f"(?:{small}|{letter})")
            pattern = f"(?i){pattern}" + ("" if {f"{near}.0", f"{near} .0"} & texts else rf"(?:{BLANK}*\.0)?")
            pattern = pattern.replace("(?i)", f"(?i){BLANK}*")
        else:
            pattern = f"{BLANK}*{pattern}"
        found.append(f"{pattern}{BLANK}*")
    return found


def add_date(graph: OnnxGraph, column: Column) -> list[str]:
    """(part - shift) / spread for each part of a date, 0 for a missing one."""
    seconds = graph.declare(graph.inputs, column.name, np.int64, "N", 1)
    missing = graph.node("Equal", seconds, graph.constant(row_of(NO_TIME, np.int64), "no_time"), name="missing")
    parts = time_parts(graph, graph.node("Where", missing, graph.constant(row_of(0, np.int64), "zero"), seconds))
    found = []
    for part, (shift, spread) in date_parts(column).items():
        value = graph.node("Sub", parts[part], graph.constant(row_of(shift), "shift"))
        value = graph.node("Div", value, graph.constant(row_of(spread), "spread"))
        found.append(graph.node("Where", missing, graph.constant(row_of(0.0), "zero"), value))
    return [*found, *_mark(graph, column, missing)]


class Whole:
    """A tensor of whole numbers with the arithmetic of Python, which becomes nodes of a graph."""

    def __init__(self, graph: OnnxGraph, name: str) -> None:
        self.graph, self.name = graph, name

    def _with(self, op: str, other: Any) -> Whole:
        right = other.name if isinstance(other, Whole) else self.graph.constant(row_of(other, np.int64), "n")
        return Whole(self.graph, self.graph.node(op, self.name, right))

    def __add__(self, other: Any) -> Whole:
        return self._with("Add", other)

    def __sub__(self, other: Any) -> Whole:
        return self._with("Sub", other)

    def __mul__(self, other: Any) -> Whole:
        return self._with("Mul", other)

    def __mod__(self, other: Any) -> Whole:
        return self._with("Mod", other)

    def __floordiv__(self, other: int) -> Whole:
        return (self - self % other)._with("Div", other)

    def at_least(self, other: int) -> Whole:
        """1 where the number is at least `other`, else 0."""
        return Whole(self.graph, self.graph.cast(self._with("GreaterOrEqual", other).name, np.int64))


def time_parts(graph: OnnxGraph, seconds: str) -> dict[str, str]:
    """The parts of times, given in seconds since 1970, as tensors of doubles.

    Source of the calendar: H. Hinnant, "chrono-compatible low-level date algorithms", civil_from_days: the year begins in
    March, so that the leap day is its last, and repeats every 146,097 days.
    """
    s = Whole(graph, seconds)
    days, second = s // DAY, s % DAY
    z = days + EPOCH
    of_era = z % 146_097
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (year * 365 + year // 4 - year // 100)
    month = (of_year * 5 + 2) // 153  # 0 is March
    day = of_year - (month * 153 + 2) // 5 + 1
    next_year = month.at_least(10)
    month = month + 3 - next_year * 12
    whole = {"year": year + z // 146_097 * 400 + next_year, "month": month, "day": day, "weekday": (days + 3) % 7}
    parts = {name: graph.cast(value.name, np.float64) for name, value in whole.items()}
    minutes = graph.cast((second // 60).name, np.float64)
    return {**parts, "hour": graph.node("Div", minutes, graph.constant(row_of(60.0), "minutes"))}


def _mark(graph: OnnxGraph, column: Column, missing: str) -> list[str]:
    return [graph.cast(missing, np.float64)] if column.marked else []


KINDS = {"numeric": add_number, "categorical": add_category, "date": add_date}
