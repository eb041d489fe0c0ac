"""The directive `{floors}`: the package as floors of a house, drawn from its sources at every build."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

from docutils import nodes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from sphinx.util.docutils import SphinxDirective

from test_architecture import FLOORS, PACKAGE, imported_parts, modules, part

TITLES = ("faces", "studies", "training", "mathematics", "ground")
COLOURS = ("#dbe9f6", "#fbe5d6", "#e2efda", "#fff2cc", "#ececec")


def setup(app: Any) -> dict[str, bool]:
    """Sphinx's entry."""
    app.add_directive("floors", FloorsDrawing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class FloorsDrawing(SphinxDirective):
    """The drawing, as SVG in the page."""

    def run(self) -> list[nodes.Node]:
        """Draw it."""
        file = io.StringIO()
        drawing().savefig(file, format="svg", bbox_inches="tight")
        svg = file.getvalue()[file.getvalue().index("<svg") :].replace("<svg ", '<svg role="img" aria-label="The floors" ', 1)
        return [nodes.raw("", f'<div class="drawing">{svg}</div>', format="html")]


def sizes() -> Counter[str]:
    """Lines of code of every part of the package."""
    found: Counter[str] = Counter()
    for path in modules():
        found[part(path)] += len(path.read_text(encoding="utf-8").splitlines())
    return found


def arrows() -> Counter[tuple[int, int]]:
    """Files of one floor that import from another: (from, to) -> number."""
    of = {name: k for k, names in enumerate(FLOORS) for name in names}
    found: Counter[tuple[int, int]] = Counter()
    for path in modules():
        here = of[part(path)]
        found.update({(here, of[name]) for name in imported_parts(path.read_text(encoding="utf-8")) if name in of})
    return found


def drawing() -> Figure:
    """Each floor a band, each part a room, the wider the more lines it has; at the right, who imports from the floors below."""
    lines, imports = sizes(), arrows()
    figure = Figure(figsize=(9.5, 5.6))
    ax = figure.subplots()
    for k, names in enumerate(FLOORS):
        bottom = len(FLOORS) - 1 - k
        rooms = sorted((n for n in names if not n.startswith("__") and (PACKAGE / n).is_dir()), key=lambda n: -lines[n])
        small = len([n for n in names if not n.startswith("__")]) - len(rooms)
        _band(ax, bottom, k, rooms, small, lines)
    _arrows(ax, imports)
    ax.set(xlim=(-0.02, 1.32), ylim=(-0.1, len(FLOORS) + 0.05))
    ax.axis("off")
    return figure


def _band(ax: Any, bottom: int, k: int, rooms: list[str], small: int, lines: Counter[str]) -> None:
    # One floor: its title, its rooms, and how many modules of a single file it has beside them.
    ax.text(0, bottom + 0.86, TITLES[k], fontsize=10, fontweight="bold", va="top")
    width = [max(lines[name] ** 0.5, 11 * len(name) ** 0.85, 45) for name in rooms]
    left, scale = 0.0, (0.98 if not small else 0.82) / sum(width)
    for name, wide in zip(rooms, width, strict=True):
        box = FancyBboxPatch((left, bottom + 0.05), wide * scale - 0.012, 0.55, boxstyle="round,pad=0,rounding_size=0.01")
        box.set(facecolor=COLOURS[k], edgecolor="#555555", linewidth=0.8)
        ax.add_patch(box)
        middle = left + (wide * scale - 0.012) / 2
        ax.text(middle, bottom + 0.37, name, ha="center", va="center", fontsize=9)
        ax.text(middle, bottom + 0.19, f"{lines[name]:,} lines", ha="center", va="center", fontsize=7, color="#555555")
        left += wide * scale
    if small:
        words = f"and {small} single\nfile{'s' * (small > 1)}"
        ax.text(left + 0.01, bottom + 0.32, words, va="center", fontsize=8, color="#555555")


def _arrows(ax: Any, imports: Counter[tuple[int, int]]) -> None:
    # From each floor to each below: as many files import from there.
    top = len(FLOORS) - 1
    ax.text(1.02, top + 0.86, "files that import\nfrom a floor below", fontsize=8, va="top", color="#555555")
    for (upper, lower), number in sorted(imports.items()):
        if upper == lower:
            continue
        x = 1.02 + 0.07 * (lower - 1) + 0.012 * upper
        start, end = top - upper + 0.05, top - lower + 0.6
        ax.annotate("", (x, end), (x, start), arrowprops={"arrowstyle": "-|>", "color": "#777777", "lw": 0.9})
        ax.text(x + 0.004, start - 0.06, str(number), fontsize=6.5, color="#333333", va="top")
