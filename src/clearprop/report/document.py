"""The document: sections of text, tables and figures, rendered to one HTML file that loads nothing else."""

from __future__ import annotations

import base64
import io
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clearprop.arguments import checked
from clearprop.files import write_atomically
from clearprop.recipes.exhibits import Explanation, Picture, Table, cell

if TYPE_CHECKING:
    from markupsafe import Markup

PACKAGES = ("numpy", "llvmlite", "scikit-learn", "matplotlib", "torch")
LONG = 60  # longer tables are folded
LARGEST = 600_000  # characters of SVG, above which a picture is embedded as PNG
DPI = 110


@dataclass(eq=False)
class Section:
    """A part of a document.

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


@checked
@dataclass(eq=False)
class Document:
    """The record of a run, a sweep or a recipe, to be saved as HTML.

    Attributes
    ----------
    title : str
    lead : str
        One or two sentences under the title.
    sections : list of Section
    configuration : dict
        Shown as nested lists of names and values.
    command : str
        Command line that repeats the run.

    Examples
    --------
    >>> document = Document("Rings", sections=[Section("Figures", tables=[Table("t", ["lr"], [[0.1]])])])
    >>> "<th>lr</th>" in document.html()
    True
    """

    title: str
    lead: str = ""
    sections: list[Section] = field(default_factory=list)
    configuration: dict[str, Any] = field(default_factory=dict)
    command: str = ""

    def html(self) -> str:
        """The whole file, with style and figures inside and no script."""
        from jinja2 import Environment, PackageLoader, StrictUndefined

        templates = Environment(
            loader=PackageLoader("clearprop.report", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        templates.filters["cell"] = cell
        templates.filters["numeric"] = numeric
        page = templates.get_template("document.html").render(
            document=self, environment=environment(), draw=embedded, long=LONG, is_mapping=is_mapping, is_list=is_list
        )
        return page

    @checked
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


def numeric(value: Any) -> bool:
    """Whether a cell is aligned to the right: a number, or a text that is a formatted number.

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
    """Whether a part of the configuration has named parts itself."""
    return isinstance(value, dict)


def is_list(value: Any) -> bool:
    """Whether it is a list of parts with names; a list of plain values is written in one line."""
    return isinstance(value, Sequence) and not isinstance(value, str) and any(isinstance(item, dict) for item in value)


def environment() -> dict[str, str]:
    """Versions of the packages and the machine, on which figures may depend."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"clearprop": version("clearprop"), "Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found | {"machine": f"{platform.system()}, {platform.machine()}"}


def embedded(picture: Picture) -> Markup:
    """The picture as an element of the page: SVG as wide as its column, or PNG where there are too many points.

    The SVG has a title for screen readers, and no fonts or files of its own.
    """
    import matplotlib
    from markupsafe import Markup, escape

    figure = picture.figure()
    stream = io.StringIO()
    # The text stays text, which can be searched and is set in the reader's own sans-serif font.
    with matplotlib.rc_context({"svg.hashsalt": picture.name, "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(stream, format="svg", bbox_inches="tight", facecolor="none", metadata={"Date": None, "Creator": None})
    svg = stream.getvalue()
    label = escape(picture.title)
    if len(svg) > LARGEST:
        image = io.BytesIO()
        figure.savefig(image, format="png", dpi=DPI, bbox_inches="tight", facecolor="white")
        code = base64.b64encode(image.getvalue()).decode()
        return Markup('<img alt="{}" src="data:image/png;base64,{}">').format(label, code)
    return Markup(cleaned(svg, str(label), picture.name))


def cleaned(svg: str, label: str, name: str) -> str:
    """Matplotlib's SVG without its head, links and fixed size; ids of clip paths are made unique to the picture."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', rf'<svg role="img" aria-label="{label}" viewBox="\1">', svg, count=1)
    svg = svg.replace("xlink:href=", "href=")
    prefix = re.sub(r"\W", "-", name)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#{prefix}-\1"', svg)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", svg)
