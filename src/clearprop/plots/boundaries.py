"""Many decision boundaries side by side: a grid of small panels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.plots import style
from clearprop.plots.points import Points
from clearprop.plots.scores import class_probabilities
from clearprop.registry import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from clearprop.plots.points import Data

Panel = tuple[str, Callable[[Array], Array] | None]
CELL = (2.1, 2.1)  # of one panel, in inches


def boundary_grid(
    panels: Sequence[Panel], data: Data, figure: Figure | None = None, columns: int | None = None, resolution: int = 80
) -> Figure:
    """One panel for each classifier of the plane: the likeliest class at every point, and the data on top.

    Parameters
    ----------
    panels : sequence of (title, predict)
        `predict` as for `clearprop.plots.boundary`, or None for a run that was lost, whose panel says so.
    data : Dataset, Split, or pair (X, y)
    figure : matplotlib Figure, optional
        To draw on; by default, a new pyplot figure.
    columns : int, optional
        Panels in a row.
    resolution : int
        Grid points along each side of a panel.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    OptionError
        If there are no panels.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> X, y = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0, 1])
    >>> figure = boundary_grid([("a", lambda X: X), ("b", None)], (X, y), Figure())
    >>> [ax.get_title() for ax in figure.axes]
    ['a', 'b']
    """
    require(len(panels) > 0, "panels", list(panels), "at least one (title, predict)")
    points = Points.of(data)
    columns = columns or math.ceil(math.sqrt(len(panels)))
    rows = math.ceil(len(panels) / columns)
    if figure is None:
        from matplotlib import pyplot

        figure = pyplot.figure(figsize=(columns * CELL[0], rows * CELL[1]), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, (title, predict) in zip(axes, panels, strict=False):
        _draw(ax, points, predict, resolution)
        ax.set_title(title, fontsize=style.TICK - 1, color=style.INK, pad=3)
    for ax in axes[len(panels) :]:
        ax.remove()
    return figure


def _draw(ax: Axes, points: Points, predict: Callable[[Array], Array] | None, resolution: int) -> None:
    low, high = points.frame()
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(low[1], high[1])
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_color(style.FAINT)
    ax.spines[:].set_linewidth(0.6)
    ax.set_aspect("equal")
    if predict is None:
        ax.text(
            0.5, 0.5, "not finite", transform=ax.transAxes, ha="center", va="center", fontsize=style.NOTE, color=style.FAINT
        )
        return
    x1, x2 = (np.linspace(low[i], high[i], resolution) for i in (0, 1))
    mesh = np.stack(np.meshgrid(x1, x2), axis=-1).reshape(-1, 2)
    p = class_probabilities(predict, mesh, "auto").reshape(resolution, resolution, -1)
    winner = p.argmax(axis=-1)
    colours = np.stack([style.tint(style.colour(k), 0.35) for k in range(p.shape[-1])])
    ax.imshow(colours[winner], origin="lower", extent=(low[0], high[0], low[1], high[1]), aspect="equal", zorder=0)
    for k in range(p.shape[-1] if p.shape[-1] > 2 else 1):
        if 0 < (winner == k).mean() < 1:
            ax.contour(x1, x2, p[..., k] - np.delete(p, k, axis=-1).max(axis=-1), [0.0], colors=style.INK, linewidths=0.8)
    for X, y in points.splits.values():
        ax.scatter(X[:, 0], X[:, 1], s=4, c=[style.colour(int(k)) for k in y], linewidths=0, zorder=3)
