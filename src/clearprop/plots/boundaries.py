"""Decision boundaries: the output of a classifier on a grid of points of the plane, in one figure or in a grid of panels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.errors import ShapeError
from clearprop.headroom import require_memory
from clearprop.plots import style
from clearprop.plots.points import Outputs, Points, class_probabilities
from clearprop.registry import count, require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from clearprop.plots.points import Data

SIZE = (5.4, 4.8)
MARKERS = {"data": "o", "training": "o", "test": "D"}
DEEPEST = 0.45  # purity of a region's colour where the net is certain; the points on it are purer
Panel = tuple[str, Callable[[Array], Array] | None]
MOST_KEYS = 20  # classes in the legend
CELL = (2.1, 2.1)  # of one panel, in inches


@checked
def boundary(
    predict: Callable[[Array], Array],
    data: Data,
    ax: Axes | None = None,
    *,
    outputs: Outputs = "auto",
    resolution: int = 240,
) -> Axes:
    """The output of a classifier with two inputs at every point of the plane, with the data on top.

    Two classes: shades of the probability of class 1, and the line where it is 1/2. More: a region for each class, the paler
    the less certain.

    Parameters
    ----------
    predict : Net or callable
        X (N, 2) -> (N, C) scores or probabilities, or (N, 1) for class 1 of two; such as a net, or a model's `probabilities`.
    data : Dataset, Split, or pair (X, y)
        X (N, 2); y integer classes (N,), a column of zeros and ones, or one-hot rows. Of a data set, the training points are
        drawn as dots and the test points as diamonds.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.
    outputs : {"auto", "probabilities", "scores"}
        Kind of numbers that `predict` returns. Scores go through softmax (the sigmoid, if there is one column). "auto" takes
        numbers for probabilities if all lie in [0, 1] and rows of several sum to 1; for a single column, say which.
    resolution : int
        Grid points along each side.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ShapeError
        If there are not exactly two inputs, or fewer outputs than classes.
    OptionError
        If the targets are not classes, or the predictions not finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> X, y = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0, 1])
    >>> ax = boundary(lambda X: X[:, :1] - X[:, 1:], (X, y), Figure().subplots(), outputs="scores")
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['class 0', 'class 1']
    """
    points = Points.of(data)
    require(resolution >= 2, "resolution", resolution, "at least 2 points")
    low, high = points.frame()
    x1, x2, p = _on_grid(points, predict, outputs, resolution)
    n_classes = p.shape[-1]
    largest = max(int(y.max()) for _, y in points.splits.values())
    if largest >= n_classes:
        raise ShapeError(f"The data hold class {largest}, but predict only gives numbers for classes 0 to {n_classes - 1}.")
    ax = style.axes_or_new(ax, SIZE)
    if n_classes == 2:
        _shade_two(ax, x1, x2, p[..., 1], points.label(1))
    else:
        _shade_many(ax, x1, x2, p)
    _draw_points(ax, points)
    style.dress(ax, points.features[0], points.features[1], grid=False, frame=True)
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(low[1], high[1])
    width, height = high - low
    ax.set_aspect("equal" if 2 / 3 < width / height < 3 / 2 else "auto")
    _draw_legend(ax, points, n_classes)
    return ax


def _on_grid(
    points: Points, predict: Callable[[Array], Array], outputs: Outputs, resolution: int
) -> tuple[Array, Array, Array]:
    """Grid lines (n,) along both axes, and the class probabilities (n, n, C) on the grid, rows upwards."""
    low, high = points.frame()
    require_memory(f"a grid of {resolution:,} x {resolution:,} points", 200 * resolution**2, "take a coarser one")
    x1, x2 = (np.linspace(low[i], high[i], resolution) for i in (0, 1))
    mesh = np.stack(np.meshgrid(x1, x2), axis=-1).reshape(-1, 2)
    return x1, x2, class_probabilities(predict, mesh, outputs).reshape(resolution, resolution, -1)


def _shade_two(ax: Axes, x1: Array, x2: Array, p: Array, name: str) -> None:
    """Shades of p, the line p = 1/2, and a colour bar that stays as tall as the axes."""
    from matplotlib.colors import LinearSegmentedColormap

    ends = [style.tint(style.colour(0), DEEPEST), np.ones(3), style.tint(style.colour(1), DEEPEST)]
    shades = LinearSegmentedColormap.from_list("classes", ends)
    filled = ax.contourf(x1, x2, p, levels=np.linspace(0, 1, 21), cmap=shades, zorder=0)
    if p.min() < 0.5 < p.max():
        ax.contour(x1, x2, p, levels=[0.5], colors=style.INK, linewidths=1.4, zorder=2)
    bar_axes = ax.inset_axes((1.03, 0.0, 0.035, 1.0))
    bar = ax.figure.colorbar(filled, cax=bar_axes, ticks=[0, 0.5, 1], format="%g")
    bar.minorticks_off()
    bar.outline.set_edgecolor(style.FAINT)
    bar.set_label(f"p({name})", fontsize=style.LABEL, color=style.INK)
    bar_axes.tick_params(labelsize=style.TICK, color=style.FAINT, labelcolor=style.INK, length=3)


def _shade_many(ax: Axes, x1: Array, x2: Array, p: Array) -> None:
    """The colour of the likeliest class, from pale (all equally likely) to full (certain), and lines between the regions."""
    n_classes = p.shape[-1]
    certainty = (p.max(axis=-1) - 1 / n_classes) / (1 - 1 / n_classes)
    full = np.stack([style.tint(style.colour(k), 1.0) for k in range(n_classes)])[p.argmax(axis=-1)]
    opacity = DEEPEST * (0.15 + 0.85 * certainty)[..., np.newaxis]
    extent = (x1[0], x1[-1], x2[0], x2[-1])
    ax.imshow(1 - opacity * (1 - full), origin="lower", extent=extent, interpolation="bilinear", zorder=0)
    for k in range(n_classes):
        lead = p[..., k] - np.delete(p, k, axis=-1).max(axis=-1)
        if lead.min() < 0 < lead.max():
            ax.contour(x1, x2, lead, levels=[0.0], colors=style.INK, linewidths=1.0, zorder=2)


def _draw_points(ax: Axes, points: Points) -> None:
    total = sum(len(y) for _, y in points.splits.values())
    area = float(np.clip(8000 / total, 8, 30))
    for name, (X, y) in points.splits.items():
        order = np.random.default_rng(0).permutation(len(y))  # otherwise the last class would hide the others
        test = name == "test"
        ax.scatter(
            X[order, 0], X[order, 1], s=area, c=[style.colour(int(k)) for k in y[order]], marker=MARKERS[name],
            edgecolors=style.INK if test else "white", linewidths=0.6 if test else 0.4, zorder=4 if test else 3, label=name,
            rasterized=total > 5000,
        )  # fmt: skip


def _draw_legend(ax: Axes, points: Points, n_classes: int) -> None:
    """A colour for each class, and a marker for each split if there are two."""
    from matplotlib.lines import Line2D

    def key(label: str, fill: str, marker: str, edge: str) -> Line2D:
        return Line2D([], [], linestyle="none", marker=marker, markersize=6, color=fill, markeredgecolor=edge, label=label)

    shown = n_classes if n_classes <= MOST_KEYS else MOST_KEYS - 1
    keys = [key(points.label(k), style.colour(k), "o", "white") for k in range(shown)]
    if shown < n_classes:
        keys.append(key(f"and {n_classes - shown} more", "none", "o", "none"))
    if len(points.splits) > 1:
        keys += [
            key("training", style.FAINT, MARKERS["training"], "white"),
            key("test", style.FAINT, MARKERS["test"], style.INK),
        ]
    style.legend_above(ax, keys, columns=4 if len(keys) < 5 else 5)


@checked
def boundary_grid(
    panels: Sequence[Panel], data: Data, figure: Figure | None = None, columns: int | None = None, resolution: int = 80
) -> Figure:
    """One panel for each classifier of the plane: the likeliest class at every point, with the data on top.

    Parameters
    ----------
    panels : sequence of (title, predict)
        `predict` as for `boundary`, or None for a run that diverged, whose panel says so.
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
    columns = math.ceil(math.sqrt(len(panels))) if columns is None else count("columns", columns)
    rows = math.ceil(len(panels) / columns)
    if figure is None:
        from matplotlib import pyplot

        figure = pyplot.figure(figsize=(columns * CELL[0], rows * CELL[1]), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, (title, predict) in zip(axes, panels, strict=False):
        _draw_panel(ax, points, predict, resolution)
        ax.set_title(title, fontsize=style.TICK - 1, color=style.INK, pad=3)
    for ax in axes[len(panels) :]:
        ax.remove()
    return figure


def _draw_panel(ax: Axes, points: Points, predict: Callable[[Array], Array] | None, resolution: int) -> None:
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
    x1, x2, p = _on_grid(points, predict, "auto", resolution)
    winner = p.argmax(axis=-1)
    colours = np.stack([style.tint(style.colour(k), 0.35) for k in range(p.shape[-1])])
    ax.imshow(colours[winner], origin="lower", extent=(low[0], high[0], low[1], high[1]), aspect="equal", zorder=0)
    for k in range(p.shape[-1] if p.shape[-1] > 2 else 1):
        if 0 < (winner == k).mean() < 1:
            ax.contour(x1, x2, p[..., k] - np.delete(p, k, axis=-1).max(axis=-1), [0.0], colors=style.INK, linewidths=0.8)
    for X, y in points.splits.values():
        ax.scatter(X[:, 0], X[:, 1], s=4, c=[style.colour(int(k)) for k in y], linewidths=0, zorder=3)
