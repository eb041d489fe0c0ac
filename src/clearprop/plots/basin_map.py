"""Basins of attraction: the minimum at which a descent ends, for every start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, describe
from clearprop.errors import OptionError, ShapeError
from clearprop.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NOWHERE, LOST = "#dfe2e7", "#9aa1ac"  # does not come to rest; diverges
ORDER = (0, 4, 1, 2, 3, 6)  # the colours of the minima, the lowest first
DEPTH = 0.62


@checked
def basins(
    x: Array,
    y: Array,
    reached: Array,
    minima: Sequence[tuple[float, float]] = (),
    heights: Sequence[float] = (),
    ax: Axes | None = None,
    legend: bool = True,
) -> Axes:
    """Every start in the colour of the minimum at which its descent ends.

    Parameters
    ----------
    x : array (n_x,)
    y : array (n_y,)
    reached : array (n_y, n_x) of int
        Number of the minimum; -1 for none; -2 where the descent diverged.
    minima : sequence of pairs of float
        Marked with crosses.
    heights : sequence of float
        f at each of them, for the legend.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.
    legend : bool

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ShapeError
        If `reached` does not have a row for each y and a column for each x.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> reached = np.array([[0, 0], [0, -1]])
    >>> ax = basins(np.arange(2), np.arange(2), reached, [(0, 0)], [1.5], Figure().subplots())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['f = 1.5: 75 %', 'none: 25 %']
    """
    reached = np.asarray(reached)
    if reached.shape != (len(y), len(x)):
        raise ShapeError(f"reached must be (n_y, n_x) = {(len(y), len(x))}, not {describe(reached)}.")
    ax = style.axes_or_new(ax, (4.8, 4.8))
    image = np.ones((*reached.shape, 3))
    keys = []
    for number in sorted(np.unique(reached).tolist(), key=lambda k: (k < 0, abs(k))):
        here = reached == number
        shade = minimum_shade(number)
        image[here] = shade
        keys.append(_key(shade, f"{_name(number, heights)}: {100 * here.mean():.0f} %"))
    extent = (float(x[0]), float(x[-1]), float(y[0]), float(y[-1]))
    ax.imshow(image, origin="lower", extent=extent, interpolation="nearest", aspect="auto", zorder=0)
    for mx, my in minima:
        ax.plot(mx, my, marker="+", markersize=9, markeredgewidth=1.6, color=style.INK, linestyle="none", zorder=2)
    style.dress(ax, "x of the start", "y of the start", grid=False, frame=True)
    ax.set_aspect("equal")
    if legend:
        style.legend_above(ax, keys, columns=2)
    return ax


def basin_grid(
    maps: Mapping[str, tuple[Array, Array, Array]],
    minima: Sequence[tuple[float, float]] = (),
    heights: Sequence[float] = (),
    figure: Figure | None = None,
) -> Figure:
    """Several basin maps side by side, with one legend for all.

    Parameters
    ----------
    maps : dict of str to (x, y, reached)
        As for `basins`, by the title of each.
    minima, heights
        As for `basins`.
    figure : matplotlib Figure, optional
        By default, a new pyplot figure.
    """
    if not maps:
        raise OptionError("There is nothing to draw: no map was given.")
    columns = min(3, len(maps))
    rows = -(-len(maps) // columns)
    if figure is None:
        from matplotlib import pyplot

        figure = pyplot.figure(figsize=grid_size(len(maps)), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for place, (title, (x, y, reached)) in enumerate(maps.items()):
        ax = basins(x, y, reached, minima, heights, axes.flat[place], legend=False)
        style.headline(ax, f"{title}: {100 * np.mean(np.asarray(reached) == 0):.0f} % reach the lowest")
        ax.label_outer()
    for ax in axes.flat[len(maps) :]:
        ax.set_visible(False)
    present = sorted({int(k) for _, _, reached in maps.values() for k in np.unique(reached)}, key=lambda k: (k < 0, abs(k)))
    keys = [_key(minimum_shade(k), _name(k, heights)) for k in present]
    legend = figure.legend(handles=keys, loc="outside upper left", ncols=5, frameon=False, fontsize=style.NOTE)
    for text in legend.get_texts():
        text.set_color(style.INK)
    return figure


def grid_size(n: int) -> tuple[float, float]:
    """Size in inches of a figure of n basin maps."""
    columns = min(3, n)
    return 3.1 * columns + 0.4, 3.2 * -(-n // columns) + 0.6


def step_shares(
    rows: Sequence[dict[str, Any]], limit: float | None = None, start: tuple[float, float] = (3.0, 2.0), ax: Axes | None = None
) -> Axes:
    """The share of all starts that end at the lowest minimum, and at any, against the fixed step size.

    Parameters
    ----------
    rows : sequence of dict
        As from `clearprop.descent.sweep_steps`: `lr`, `reached`, `lowest`, `any`.
    limit : float, optional
        The largest step size that can stay at the lowest minimum; marked.
    start : pair of float
        The start that `reached` in the rows is for; the step sizes with which it ends at the lowest minimum are marked.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    OptionError
        If there are no rows.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> step_shares([{"lr": 0.1, "reached": 0, "lowest": 0.4, "any": 1.0}], ax=Figure().subplots()).get_xlabel()
    'fixed step size'
    """
    if not rows:
        raise OptionError("There is nothing to draw: there are no step sizes.")
    ax = style.axes_or_new(ax)
    lr = np.array([row["lr"] for row in rows])
    good = np.array([row["reached"] == 0 for row in rows])
    anywhere, lowest = (100 * np.array([row[name] for row in rows]) for name in ("any", "lowest"))
    ax.fill_between(lr, anywhere, color=style.tint(style.PALETTE[4], 0.35), linewidth=0, label="at some minimum")
    ax.fill_between(lr, lowest, color=style.tint(style.PALETTE[0], 0.6), linewidth=0, label="at the lowest")
    ax.plot(lr, lowest, color=style.PALETTE[0], linewidth=style.LINE)
    if limit is not None:
        ax.axvline(limit, color=style.INK, linewidth=1.1, linestyle=(0, (4, 3)), label=f"2 / curvature = {limit:.4f}")
    if good.any():
        ax.plot(lr[good], np.full(good.sum(), 103.0), linestyle="none", marker="s", markersize=3.2, color=style.PALETTE[1],
                clip_on=False, label=f"from ({start[0]:g}, {start[1]:g}): at the lowest")  # fmt: skip
    style.dress(ax, "fixed step size", "share of the starts that end there, %")
    if len(lr) > 1:
        ax.set_xlim(lr.min(), lr.max())
    ax.set_ylim(0, 106)
    style.legend_above(ax, columns=2)
    return ax


def minimum_shade(number: int) -> Array:
    """The colour (3,) of the starts that end at a minimum, at none (-1), or diverge (-2)."""
    if number < 0:
        return style.rgb(NOWHERE if number == -1 else LOST)
    shade: Array = style.tint(style.PALETTE[ORDER[number % len(ORDER)]], DEPTH)
    return shade


def _name(number: int, heights: Sequence[float]) -> str:
    if number < 0:
        return "none" if number == -1 else "diverges"
    return f"f = {heights[number]:.5g}" if number < len(heights) else f"minimum {number + 1}"


def _key(shade: Any, label: str) -> object:
    from matplotlib.patches import Patch

    return Patch(facecolor=shade, label=label)
