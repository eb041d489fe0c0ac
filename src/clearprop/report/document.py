"""The report: sections of text, tables and figures, rendered to one HTML file."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from clearprop.files import write_atomically
from clearprop.recipes.exhibits import Explanation, Picture, Table
from clearprop.report.drawing import inline_svg

PACKAGES = ("numpy", "numba", "scikit-learn", "matplotlib", "torch")
LONG = 60  # rows of a table that are shown without being asked for


@dataclass(eq=False)
class Section:
    """A part of a report.

    Attributes
    ----------
    title : str
    paragraphs : list of str
    tables : list of Table
    pictures : list of Picture
    explanations : list of Explanation
        Questions with their answers.
    """

    title: str
    paragraphs: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    explanations: list[Explanation] = field(default_factory=list)


@dataclass(eq=False)
class Report:
    """Everything that is worth keeping of a run, a sweep or a recipe.

    Attributes
    ----------
    title : str
    lead : str
        One or two sentences under the title.
    sections : list of Section
    configuration : dict
        Shown as nested lists of names and values.
    command : str
        What repeats it.

    Examples
    --------
    >>> report = Report("Rings", sections=[Section("Figures", tables=[Table("t", ["lr"], [[0.1]])])])
    >>> "<th>lr</th>" in report.html()
    True
    """

    title: str
    lead: str = ""
    sections: list[Section] = field(default_factory=list)
    configuration: dict[str, Any] = field(default_factory=dict)
    command: str = ""

    def html(self) -> str:
        """The whole file. It loads nothing: style and figures are inside, and there is no script."""
        from jinja2 import Environment, PackageLoader, StrictUndefined

        templates = Environment(
            loader=PackageLoader("clearprop.report", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        templates.filters["cell"] = cell
        templates.filters["numeric"] = numeric
        page = templates.get_template("report.html").render(
            report=self, environment=environment(), draw=inline_svg, long=LONG, is_mapping=is_mapping, is_list=is_list
        )
        return page

    def save(self, path: str | Path) -> Path:
        """Write the file, whole or not at all.

        Parameters
        ----------
        path : path
            Missing folders are made.
        """
        text = self.html()
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
        return Path(path)


def cell(value: Any) -> str:
    """A value as a cell of a table: at most five significant digits, and nothing for None.

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


def numeric(value: Any) -> bool:
    """Whether a cell holds a number, which is set to the right: also one that was formatted already.

    Examples
    --------
    >>> numeric(0.5), numeric("93.5 %"), numeric("two-layer"), numeric(None)
    (True, True, False, True)
    """
    if value is None or isinstance(value, (int, float)):
        return True
    try:
        float(str(value).replace("%", "").replace(",", "").strip())
    except ValueError:
        return False
    return True


def is_mapping(value: Any) -> bool:
    """Whether a part of the configuration has names of its own."""
    return isinstance(value, dict)


def is_list(value: Any) -> bool:
    """Whether it is a list of such parts; a list of plain values is written in one line."""
    return isinstance(value, Sequence) and not isinstance(value, str) and any(isinstance(item, dict) for item in value)


def environment() -> dict[str, str]:
    """Versions and machine: what the numbers may depend on."""
    from clearprop import __version__

    found = {"clearprop": __version__, "Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found | {"machine": f"{platform.system()}, {platform.machine()}"}
