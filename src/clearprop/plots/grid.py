"""The decision boundary: what a classifier says on a grid of points of the plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import ShapeError
from clearprop.plots import style
from clearprop.plots.points import Points
from clearprop.plots.scores import class_probabilities
from clearprop.registry import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from clearprop.plots.points import Data

SIZE = (5.4, 4.8)
MARKERS = {"data": "o", "training": "o", "test": "D"}
DEEPEST = 0.45  # how pure the colour of a region is where the net is certain; the points on it are purer


def boundary(
    predict: Callable[[Array], Array],
    data: Data,
    ax: Axes | None = None,
    *,
    outputs: str = "auto",
    resolution: int = 240,
) -> Axes:
    """What a classifier with two inputs says at every point of the plane, and the data on top.

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
        What `predict` returns. Scores go through softmax (the sigmoid, if there is one column). "auto" takes numbers for
        probabilities if all lie in [0, 1] and rows of several sum to 1; a single column is better said explicitly.
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
    x1, x2 = (np.linspace(low[i], high[i], resolution) for i in (0, 1))
    mesh = np.stack(np.meshgrid(x1, x2), axis=-1)  # (resolution, resolution, 2), rows upwards
    p = class_probabilities(predict, mesh.reshape(-1, 2), outputs).reshape(resolution, resolution, -1)
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
    _explain(ax, points, n_classes)
    return ax


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
    """The colour of the likeliest class, from pale (all alike) to full (certain), and lines between the regions."""
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
        order = np.random.default_rng(0).permutation(len(y))  # or the class that comes last would hide the others
        ax.scatter(
            X[order, 0],
            X[order, 1],
            s=area,
            c=[style.colour(int(k)) for k in y[order]],
            marker=MARKERS[name],
            edgecolors=style.INK if name == "test" else "white",
            linewidths=0.6 if name == "test" else 0.4,
            zorder=4 if name == "test" else 3,
            label=name,
            rasterized=total > 5000,
        )


def _explain(ax: Axes, points: Points, n_classes: int) -> None:
    """The legend: a colour for each class, and a marker for each split if there are two."""
    from matplotlib.lines import Line2D

    def key(label: str, fill: str, marker: str, edge: str) -> Line2D:
        return Line2D([], [], linestyle="none", marker=marker, markersize=6, color=fill, markeredgecolor=edge, label=label)

    keys = [key(points.label(k), style.colour(k), "o", "white") for k in range(n_classes)]
    if len(points.splits) > 1:
        keys += [
            key("training", style.FAINT, MARKERS["training"], "white"),
            key("test", style.FAINT, MARKERS["test"], style.INK),
        ]
    style.legend_above(ax, keys, columns=4 if len(keys) < 5 else 5)
