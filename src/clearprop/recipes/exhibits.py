"""Exhibits of an experiment: tables, pictures, and explanations with their evidence."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from clearprop.errors import OptionError
from clearprop.training.history import json_row

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def cell(value: Any) -> str:
    """A value as a cell of a table: at most five significant digits, and an empty text for None.

    Examples
    --------
    >>> cell(0.123456789), cell(12), cell(None), cell("x"), cell(float("nan")), cell(97.5), cell(238510.0)
    ('0.12346', '12', '', 'x', 'NaN', '97.5', '238510')
    """
    if value is None:
        return ""
    if isinstance(value, float):
        if value != value:
            return "NaN"
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e9 else f"{value:.5g}"
    return str(value)


@dataclass(frozen=True)
class Table:
    """Rows of cells with column names.

    Attributes
    ----------
    title : str
    columns : list of str
    rows : list of list
        Texts and numbers; None for an empty cell.
    note : str
        Remark for the reader.
    name : str
        Key in JSON, and name of its file; by default the title.
    long : bool
        Whether it is for files and reports only, and left out on the screen.
    """

    title: str
    columns: list[str]
    rows: list[list[Any]]
    note: str = ""
    name: str = ""
    long: bool = False

    def _repr_html_(self) -> str:
        from markupsafe import escape

        def cells(row: list[Any], kind: str) -> str:
            return f"<tr>{''.join(f'<{kind}>{escape(cell(value))}</{kind}>' for value in row)}</tr>"

        head = f"<caption>{escape(self.title)}</caption><thead>{cells(self.columns, 'th')}</thead>"
        return f"<table>{head}<tbody>{''.join(cells(row, 'td') for row in self.rows)}</tbody></table>"

    def to_json(self) -> dict[str, Any]:
        """The table as strict JSON-able values: NaN and infinities are texts."""
        rows = [list(json_row(dict(enumerate(row))).values()) for row in self.rows]  # type: ignore[arg-type]
        return {"name": self.name or self.title, "title": self.title, "columns": self.columns, "rows": rows}


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure that is drawn on demand.

    Attributes
    ----------
    name : str
        Name of its file, without the ending.
    title : str
    draw : callable
        Draws on a given empty figure; from `rows`, where there are any, which it then takes second.
    size : tuple of float
        Width and height in inches.
    caption : str
    layout : {"constrained", None}
        None where there is nothing to arrange, as with a single pair of axes: what is outside of them is made room for when the
        figure is saved, and an arrangement takes a fifth of the time of drawing.
    rows : JSON-able value, optional
        All that `draw`, a function of a recipe's module, needs: such a picture is part of `result.json`, and can be drawn again
        from there.
    """

    name: str
    title: str
    draw: Callable[..., object]
    size: tuple[float, float] = (5.6, 3.8)
    caption: str = ""
    layout: Literal["constrained"] | None = "constrained"
    rows: Any = None

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.figure().savefig(file, format="png", dpi=100)
        return file.getvalue()

    def figure(self) -> Figure:
        """The figure, drawn."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=self.size, layout=self.layout)
        self.draw(figure, *(() if self.rows is None else (self.rows,)))
        return figure

    def to_json(self) -> dict[str, Any]:
        """The picture as JSON-able values, numbers to four digits; for one that has rows."""
        function: Any = self.draw.func if isinstance(self.draw, partial) else self.draw
        return {
            "name": self.name,
            "title": self.title,
            "size": list(self.size),
            "drawn_by": f"{function.__module__}.{function.__name__}",
            "rows": four_digits(self.rows),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Picture:
        """The picture that `to_json` wrote; only functions of recipes are looked up."""
        module, _, function = stored["drawn_by"].rpartition(".")
        if not module.startswith("clearprop.recipes."):
            raise OptionError(f"drawn_by must name a function of clearprop.recipes, not {stored['drawn_by']!r}.")
        draw = getattr(import_module(module), function)
        return cls(stored["name"], stored["title"], draw, tuple(stored["size"]), rows=with_nonfinite(stored["rows"]))


def four_digits(value: Any) -> Any:
    """Nested rows as strict JSON holds them: floats to four significant digits, NaN and infinities as texts.

    Examples
    --------
    >>> four_digits({"loss": [0.123456, float("nan")], "n": 12345})
    {'loss': [0.1235, 'nan'], 'n': 12345}
    """
    if isinstance(value, Mapping):
        return {str(key): four_digits(one) for key, one in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return four_digits(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [four_digits(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else str(value)
    return value


def with_nonfinite(value: Any) -> Any:
    """Nested rows with the numbers that `four_digits` wrote as texts."""
    if isinstance(value, Mapping):
        return {key: with_nonfinite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [with_nonfinite(one) for one in value]
    return float(value) if isinstance(value, str) and value in ("nan", "inf", "-inf") else value


@dataclass(frozen=True, eq=False)
class Animation:
    """Frames that are drawn on demand, and saved as a GIF.

    Attributes
    ----------
    name : str
        Name of its file, without the ending.
    title : str
    frames : int
    draw : callable
        Draws frame number k on a given empty figure.
    size : tuple of float
        Width and height in inches.
    """

    name: str
    title: str
    frames: int
    draw: Callable[[Figure, int], object]
    size: tuple[float, float] = (4.0, 4.2)


@dataclass(frozen=True)
class Explanation:
    """A question that the write-up asks or leaves open, and the answer with numbers from this very run.

    Attributes
    ----------
    question : str
    answer : str
    """

    question: str
    answer: str


@dataclass(eq=False)
class Exhibits:
    """Tables, pictures, animations and explanations, in the order in which they are shown."""

    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    animations: list[Animation] = field(default_factory=list)
    explanations: list[Explanation] = field(default_factory=list)

    def explain(self, question: str, answer: str) -> None:
        """Add an explanation; line breaks and runs of blanks in the answer become single blanks."""
        self.explanations.append(Explanation(question, " ".join(answer.split())))
