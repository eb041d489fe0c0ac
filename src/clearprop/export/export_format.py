"""The export format: a language, or a file format, that a model is written in and can be tried in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from clearprop.arrays import Array
from clearprop.data.columns import Column
from clearprop.data.written_numbers import MISSING, PLACEHOLDERS
from clearprop.export.blueprint import Blueprint, Page
from clearprop.export.folding import folded
from clearprop.export.spelling import c_text, comment, js_text, lines_of_numbers, python_text
from clearprop.lazy_registry import LazyRegistry
from clearprop.registry import Configured

Rows = dict[str, list[str]]
"""Raw cells by column."""


class ExportFormat(Configured, ABC):
    """A way to write a model, and to run what was written.

    Attributes
    ----------
    endings : tuple of str
        Endings that its file may have.
    """

    endings: tuple[str, ...] = ()

    @abstractmethod
    def write(self, blueprint: Blueprint, path: Path) -> dict[str, str | bytes]:
        """Content of each file, by name; the first is called as `path` is.

        Raises
        ------
        UnsupportedError
            If a layer is not known in this format.
        """

    @abstractmethod
    def lacking(self) -> str | None:
        """Name of what is not installed that running the files needs, or None."""

    @abstractmethod
    def run(self, blueprint: Blueprint, path: Path, rows: Rows) -> Array:
        """Probabilities (N, C), or values (N, n_y), that the files at `path` give for raw rows."""


FORMATS: LazyRegistry[ExportFormat] = LazyRegistry(
    "export format",
    ExportFormat,
    {
        "onnx": "clearprop.export.onnx_file:OnnxFile",
        "numpy": "clearprop.export.numpy_source:NumpySource",
        "c": "clearprop.export.c_source:CSource",
        "js": "clearprop.export.js_source:JsSource",
        "torch": "clearprop.export.torch_source:TorchSource",
    },
)


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
        "comment": comment, "py": python_text, "c": c_text, "js": js_text, "py_list": py_list, "js_list": js_list,
        "js_object": js_object, "sample_row": sample_row, "c_list": c_list, "c_labels": c_labels, "c_numbers": c_numbers, "c_parts": c_parts, "date_parts": date_parts, "date_example": date_example,
    }  # fmt: skip
    return found


def render(template: str, blueprint: Blueprint, path: Path, page: Page, lines: list[str], **more: Any) -> str:
    """The source of a page: a template, filled in."""
    from clearprop import __version__

    target = blueprint.target_scaling
    text: str = templates().get_template(template).render(
        b=blueprint, title=comment(blueprint.title or path.stem), version=__version__, file=comment(path.name),
        module=comment(path.stem), lines=lines, n_out=blueprint.net.n_out, missing=[text for text in MISSING if text] + [""],
        no_number=sorted(PLACEHOLDERS), plain_target=target.shift == (0.0,) and target.spread == (1.0,), **more,
    )  # fmt: skip
    return text


def py_list(values: Any, at_a_line: int = 12) -> str:
    """A list of Python, over several lines where it is long."""
    return _list([python_text(value) for value in values], at_a_line, 4)


def js_list(values: Any, at_a_line: int = 12) -> str:
    """An array of JavaScript, over several lines where it is long."""
    return _list([js_text(value) for value in values], at_a_line, 2)


def js_object(values: Any) -> str:
    """An object of JavaScript whose keys are texts."""
    return "{ " + ", ".join(f"{js_text(key)}: {js_text(value)}" for key, value in values.items()) + " }" if values else "{}"


def sample_row(names: list[str]) -> str:
    """The beginning of a row, for a comment."""
    shown = ", ".join(f"'{comment(name)}': ..." for name in names[:3])
    return f" {shown}{', ...' if len(names) > 3 else ''} "


def _list(words: list[str], at_a_line: int, indent: int) -> str:
    if sum(map(len, words)) < 80:
        return f"[{', '.join(words)}]"
    rows = [", ".join(words[i : i + at_a_line]) for i in range(0, len(words), at_a_line)]
    return "[\n" + "".join(f"{' ' * indent}{row},\n" for row in rows) + "]"


def c_list(values: Any, at_a_line: int = 10) -> str:
    """The items of an array of texts in C."""
    return _items([c_text(value) for value in values], at_a_line)


def c_labels(categories: Any) -> str:
    """The items of an array of categories in C, each with its folded form."""
    return _items([f"{{{c_text(category)}, {c_text(folded(category))}}}" for category in categories], 4)


def c_numbers(values: Any) -> str:
    """The items of an array of numbers in C."""
    return _items([repr(float(value)) for value in values], 6)


def c_parts(column: Column) -> str:
    """The items of an array of the parts of a date in C."""
    parts = date_parts(column).items()
    return _items([f"{{{part.upper()}, {shift!r}, {spread!r}}}" for part, (shift, spread) in parts], 2, 8)


def _items(words: list[str], at_a_line: int, indent: int = 4) -> str:
    return f",\n{' ' * indent}".join(", ".join(words[i : i + at_a_line]) for i in range(0, len(words), at_a_line))


def date_example(column: Column) -> str:
    """A date as a column has it."""
    return "2020-12-31" if column.form in (None, "ISO8601") else datetime(2020, 12, 31, 23, 59).strftime(str(column.form))


def date_parts(column: Column) -> dict[str, tuple[float, float]]:
    """Shift and spread of each part of a column of dates."""
    assert column.scaling is not None
    wide = len(column.scaling.shift) > 1
    return {part: (column.scaling.shift[j * wide], column.scaling.spread[j * wide]) for j, part in enumerate(column.parts)}
