"""The network: a column of circles for every quantity, with the names of all of them and of the parameters between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 8  # circles of a column; of a longer one the first and the last are drawn
RADIUS, ACROSS = 0.32, 2.1  # of a circle, and from column to column; circles of a column are 1 apart
COLOURS = {"x": style.PALETTE[0], "z": style.PALETTE[1]}  # of the circles, by the letter of the quantity
Link = Literal["all", "each", "none"]


@dataclass(frozen=True)
class UnitColumn:
    """One quantity of a network.

    Attributes
    ----------
    symbol : str
        "x", "z1", "a1", ...
    size : int or None
        Number of its units; None where the layers do not say.
    link : {"all", "each", "none"}
        Whether a unit depends on all units of the column before, on the one beside it, or there is no column before.
    label : str
        Name of the layer between, with its parameters.
    """

    symbol: str
    size: int | None
    link: Link = "none"
    label: str = ""


@runtime_checkable
class Drawable(Protocol):
    """Anything that can be drawn as columns of units, as a `Net` can."""

    def diagram(self) -> Sequence[UnitColumn]:
        """The columns, from the input to the output."""


@checked
def network(net: Drawable, ax: Axes | None = None) -> Axes:
    r"""A network from its input to its loss, with the names that `cp.explain` gives to all quantities.

    Parameters
    ----------
    net : Net
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import clearprop as cp
    >>> from matplotlib.figure import Figure
    >>> ax = network(cp.mlp([2, 4, 2], seed=0), Figure().subplots())
    >>> [text.get_text() for text in ax.texts if "W" in text.get_text()]
    ['Linear\nW1 (2, 4)\nb1 (4,)', 'Linear\nW2 (4, 2)\nb2 (2,)']
    """
    columns = net.diagram()
    places = [_places(column.size) for column in columns]
    ax = style.axes_or_new(ax, network_size(columns))
    top = max(float(heights.max()) for heights in places) + 1.0
    for number, (column, heights) in enumerate(zip(columns, places, strict=True)):
        x = number * ACROSS
        if column.link != "none":
            _draw_links(ax, x, _drawn(columns[number - 1], places[number - 1]), _drawn(column, heights), column.link)
            ax.text(x - ACROSS / 2, -top, column.label, ha="center", va="top", fontsize=style.NOTE, color=style.INK)
        _draw_units(ax, x, heights, column)
        size = "" if column.size is None else f" ({column.size},)"
        ax.text(x, top, column.symbol + size, ha="center", fontsize=style.LABEL, color=style.INK)
    _draw_loss(ax, len(columns) * ACROSS, _drawn(columns[-1], places[-1]))
    ax.set_xlim(-0.8, len(columns) * ACROSS + 0.8)
    ax.set_ylim(-top - 1.8, top + 0.6)
    ax.set_aspect("equal")
    ax.axis("off")
    return ax


def network_size(columns: Sequence[UnitColumn]) -> tuple[float, float]:
    """Width and height in inches that suit a drawing.

    Examples
    --------
    >>> network_size([UnitColumn("x", 2), UnitColumn("z1", 4, "all", "Linear")])
    (3.2, 4.3)
    """
    most = max(len(_places(column.size)) for column in columns)
    return round(0.55 * (len(columns) * ACROSS + 1.6), 1), round(0.55 * (most + 3.8), 1)


def _places(size: int | None) -> Array:
    """Heights of the circles, the first on top; a column that is too long, or of unknown size, gets one circle less."""
    n = size if size is not None and size <= MOST else MOST - 2
    return (n - 1) / 2 - np.arange(n, dtype=float)


def _drawn(column: UnitColumn, heights: Array) -> list[float]:
    """Heights of the circles, without that of the three dots."""
    return [y for k, y in enumerate(heights) if not _is_cut(column) or k != len(heights) - 2]


def _is_cut(column: UnitColumn) -> bool:
    return column.size is None or column.size > MOST


def _draw_units(ax: Axes, x: float, heights: Array, column: UnitColumn) -> None:
    """The circles with the names of the units; three dots stand for those that are left out."""
    from matplotlib.patches import Circle

    cut = _is_cut(column)
    last = len(heights) - 1
    for k, y in enumerate(heights):
        if cut and k == last - 1:
            ax.text(x, y, "\u22ee", ha="center", va="center", fontsize=style.TITLE, color=style.FAINT)
            continue
        colour = COLOURS.get(column.symbol[0], style.PALETTE[2])
        ax.add_patch(Circle((x, y), RADIUS, facecolor=style.tint(colour, 0.25), edgecolor=colour, linewidth=1.2, zorder=2))
        index = (column.size or "n") if cut and k == last else k + 1
        ax.text(x, y, f"${_tex(column.symbol, index)}$", ha="center", va="center", fontsize=style.NOTE, color=style.INK)


def _tex(symbol: str, index: object) -> str:
    """The name of a unit: the layer's number above, its own below.

    Examples
    --------
    >>> _tex("x", 2), _tex("z1", 10)
    ('x_{2}', 'z^{1}_{10}')
    """
    letter, number = symbol.rstrip("0123456789"), symbol[len(symbol.rstrip("0123456789")) :]
    return f"{letter}^{{{number}}}_{{{index}}}" if number else f"{letter}_{{{index}}}"


def _draw_links(ax: Axes, x: float, left: Sequence[float], right: Sequence[float], link: Link) -> None:
    """Lines from the column before."""
    pairs = [(a, b) for a in left for b in right] if link == "all" else list(zip(left, right, strict=False))
    for a, b in pairs:
        ax.plot([x - ACROSS, x], [a, b], color=style.FAINT, linewidth=0.6, zorder=1)


def _draw_loss(ax: Axes, x: float, outputs: Sequence[float]) -> None:
    """The loss, on which all outputs and the target y act."""
    for y in outputs:
        ax.plot([x - ACROSS, x], [y, 0.0], color=style.FAINT, linewidth=0.6, zorder=1)
    ax.text(x, 0.0, "$L$", ha="center", va="center", fontsize=style.TITLE, color=style.INK, zorder=3,
            bbox={"boxstyle": "square,pad=0.35", "facecolor": "white", "edgecolor": style.INK})  # fmt: skip
    ax.annotate("$y$", (x, 0.35), (x, 1.3), ha="center", fontsize=style.LABEL, color=style.INK,
                arrowprops={"arrowstyle": "->", "color": style.FAINT})  # fmt: skip
