"""The look that all figures share: colours that colour-blind people can tell apart, sizes, and a quiet frame.

Everything is set on the axes at hand; Matplotlib's global rcParams are left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#882255", "#999933", "#332288", "#7f7f7f")
"""Okabe and Ito's colours without black and yellow, then four of Paul Tol's "muted" ones; see jfly.uni-koeln.de/color."""

TRAIN, VALIDATION = PALETTE[0], PALETTE[1]
INK, FAINT, GRID = "#22262e", "#6b7280", "#e6e8ec"
TITLE, LABEL, TICK, NOTE = 11.0, 10.0, 9.0, 9.0  # font sizes, in points
LINE, MARKER = 1.8, 4.0
SIZE = (5.6, 3.8)  # of a figure of its own, in inches


def colour(index: int) -> str:
    """The colour of class number `index`; the eleventh class gets the first one's again."""
    return PALETTE[index % len(PALETTE)]


def rgb(code: str) -> Array:
    """A colour such as "#0072b2" as an array (3,) between 0 and 1.

    Examples
    --------
    >>> rgb("#ff0000")
    array([1., 0., 0.])
    """
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def tint(code: str, amount: Array | float) -> Array:
    """The colour, mixed with white: `amount` (...) from 0 (white) to 1 (pure) gives an array (..., 3)."""
    return 1 - np.asarray(amount)[..., np.newaxis] * (1 - rgb(code))


def readable(background: Array) -> str:
    """White or dark ink, whichever stands out from a background (3,).

    Examples
    --------
    >>> readable(rgb("#000000")), readable(rgb("#ffffff"))
    ('white', '#22262e')
    """
    linear = np.where(background <= 0.04045, background / 12.92, ((background + 0.055) / 1.055) ** 2.4)  # sRGB to light
    return "white" if linear @ [0.2126, 0.7152, 0.0722] < 0.3 else INK


def axes_or_new(ax: Axes | None, size: tuple[float, float] = SIZE) -> Axes:
    """`ax`, or the axes of a new pyplot figure of `size` inches if there is none."""
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(figsize=size, layout="constrained")[1]


def dress(ax: Axes, xlabel: str, ylabel: str, *, grid: bool = True, frame: bool = False) -> None:
    """Label the axes, and give them the frame, ticks and grid of the family."""
    ax.set_xlabel(xlabel, fontsize=LABEL, color=INK)
    ax.set_ylabel(ylabel, fontsize=LABEL, color=INK)
    ax.tick_params(labelsize=TICK, color=FAINT, labelcolor=INK, length=3)
    ax.spines[:].set_color(FAINT)
    ax.spines[:].set_linewidth(0.8)
    ax.spines[["top", "right"]].set_visible(frame)
    ax.set_axisbelow(True)
    if grid:
        ax.grid(True, color=GRID, linewidth=0.8)


def legend_above(ax: Axes, handles: Sequence[object] | None = None, columns: int = 4) -> Legend:
    """A legend on top of the axes, at the left, where it hides no data."""
    found = ax.get_legend_handles_labels()[0] if handles is None else handles
    return ax.legend(
        handles=found,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=min(columns, max(len(found), 1)),
        frameon=False,
        fontsize=NOTE,
        labelcolor=INK,
        borderaxespad=0.2,
        borderpad=0.2,
        handlelength=1.4,
        handletextpad=0.5,
        columnspacing=1.4,
    )


def headline(ax: Axes, text: str) -> None:
    """A short finding on top of the axes, at the left."""
    ax.set_title(text, loc="left", fontsize=LABEL, color=INK, pad=8)
