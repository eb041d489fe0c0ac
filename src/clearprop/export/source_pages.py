"""Source pages: the templates of all languages, and what fills them in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from clearprop.arrays import Array
from clearprop.data.columns import Column
from clearprop.data.written_numbers import MISSING, PLACEHOLDERS
from clearprop.export import spelling
from clearprop.export.blueprint import Blueprint
from clearprop.export.spelling import comment, items, lines_of_numbers
from clearprop.nn.gates import UPPER_TAIL


@dataclass(frozen=True, eq=False)
class WrittenArray:
    """An array with its name and its numbers as lines of source."""

    name: str
    values: Array
    lines: list[str]


def written(arrays: dict[str, Array], separator: str = ", ", suffix: str = "", end: str = "") -> list[WrittenArray]:
    """Arrays as lines of numbers; `end` closes each row but the last."""
    found = []
    for name, values in arrays.items():
        lines = list(lines_of_numbers(values, separator, suffix, end))
        lines[-1] = lines[-1].removesuffix(end) if end else lines[-1]
        found.append(WrittenArray(name, values, lines))
    return found


@cache
def templates() -> Any:
    """The environment of Jinja2 with the templates of all languages."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=PackageLoader("clearprop.export", "templates"), autoescape=False, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    found.filters |= {
        "comment": spelling.comment, "py": spelling.python_text, "c": spelling.c_text, "js": spelling.js_text,
        "py_list": spelling.py_list, "js_list": spelling.js_list, "js_object": spelling.js_object, "c_list": spelling.c_list,
        "c_labels": spelling.c_labels, "c_numbers": spelling.c_numbers, "c_parts": c_parts, "sample_row": sample_row,
        "date_parts": date_parts, "date_example": date_example,
    }  # fmt: skip
    return found


def render(template: str, blueprint: Blueprint, path: Path, lines: list[str], **more: Any) -> str:
    """The source of a page: a template, filled in."""
    net, target = blueprint.net, blueprint.target_scaling
    text: str = templates().get_template(template).render(
        b=blueprint, title=comment(blueprint.title or path.stem), version=version("clearprop"), file=comment(path.name),
        module=comment(path.stem), lines=lines, n_out=net.n_out, digits=9 if net.dtype.name == "float32" else 17,
        missing=[*(text for text in MISSING if text), ""], no_number=sorted(PLACEHOLDERS),
        plain_target=target.shift == (0.0,) and target.spread == (1.0,), **more,
    )  # fmt: skip
    return text


def helper_sources(template: str, names: list[str]) -> list[str]:
    """Sources of the functions that a page calls."""
    text = templates().get_template(template).render(upper_tail=UPPER_TAIL)
    sections = dict(section.split("\n", 1) for section in f"\n{text}".split("\n@ ")[1:])
    return [sections[name].strip() for name in names]


def sample_row(names: list[str]) -> str:
    """The beginning of a row, for a comment."""
    shown = ", ".join(f"'{comment(name)}': ..." for name in names[:3])
    return f" {shown}{', ...' if len(names) > 3 else ''} "


def c_parts(column: Column) -> str:
    """The items of an array of the parts of a date in C."""
    parts = date_parts(column).items()
    return items([f"{{{part.upper()}, {shift!r}, {spread!r}}}" for part, (shift, spread) in parts], 2, 8)


def date_example(column: Column) -> str:
    """A date as a column has it."""
    return "2020-12-31" if column.form in (None, "ISO8601") else datetime(2020, 12, 31, 23, 59).strftime(str(column.form))


def date_parts(column: Column) -> dict[str, tuple[float, float]]:
    """Shift and spread of each part of a column of dates."""
    assert column.scaling is not None
    wide = len(column.scaling.shift) > 1
    return {part: (column.scaling.shift[j * wide], column.scaling.spread[j * wide]) for j, part in enumerate(column.parts)}
