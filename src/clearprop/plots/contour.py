"""Descent on a surface: its contours with paths on top, and f against the step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, describe
from clearprop.errors import OptionError, ShapeError
from clearprop.headroom import require_memory
from clearprop.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (5.0, 4.8)
SHADES = ("#f7fafc", "#dce9f2", "#b3cfe3", "#82acce", "#4a7fb0")  # from high to low
LEVELS = 24
Box = tuple[tuple[float, float], tuple[float, float]]
Paths = Mapping[str, Array]


@checked
def contours(
    f: Callable[[Array, Array], Array],
    box: Box,
    paths: Paths | None = None,
    minima: Sequence[tuple[float, float]] = (),
    ax: Axes | None = None,
    resolution: int = 240,
) -> Axes:
    """Contours of a function of two variables, with the paths of descents.

    The levels lie closer together where the function is low, where descents end.

    Parameters
    ----------
    f : callable
        (x, y), both arrays (n, n), -> array (n, n).
    box : pair of pairs of float
        ((lowest x, highest x), (lowest y, highest y)).
    paths : dict of str to array (T + 1, 2), optional
        Points of each path, the start first, by the name that the legend shows. Parts outside the box are cut off.
    minima : sequence of pairs of float
        Marked with crosses.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.
    resolution : int
        Grid points along each side.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ShapeError
        If a path is not an array of points of the plane.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> path = np.array([[1.0, 1.0], [0.5, 0.2]])
    >>> ax = contours(lambda x, y: x**2 + y**2, ((-2, 2), (-2, 2)), {"0.25": path}, ax=Figure().subplots())
    >>> ax.get_legend().get_texts()[0].get_text()
    '0.25'
    """
    checked = {name: _points(name, points) for name, points in (paths or {}).items()}
    ax = style.axes_or_new(ax, SIZE)
    from matplotlib.colors import LinearSegmentedColormap

    require_memory(f"a grid of {resolution:,} x {resolution:,} points", 200 * resolution**2, "take a coarser one")
    x, y = (np.linspace(low, high, resolution) for low, high in box)
    with np.errstate(all="ignore"):
        z = np.asarray(f(*np.meshgrid(x, y)), dtype=np.float64)
    # Many surfaces span decades; equal steps of the square root of the height above the lowest point show both ends.
    height = np.sqrt(z - np.nanmin(z))
    top = float(np.nanpercentile(height, 99.5)) or 1.0
    shades = LinearSegmentedColormap.from_list("depth", SHADES[::-1])
    levels = np.linspace(0, top, LEVELS)
    ax.contourf(x, y, height, levels=levels, cmap=shades, extend="max", zorder=0)
    ax.contour(x, y, height, levels=levels, colors="white", linewidths=0.5, alpha=0.8, zorder=1)
    for mx, my in minima:
        ax.plot(mx, my, marker="+", markersize=9, markeredgewidth=1.6, color=style.INK, linestyle="none", zorder=6)
    for index, (name, points) in enumerate(checked.items()):
        _draw_path(ax, points, line_colour(index), name)
    style.dress(ax, "x", "y", grid=False, frame=True)
    ax.set_xlim(*box[0])
    ax.set_ylim(*box[1])
    ax.set_aspect("equal")
    if checked:
        style.legend_above(ax, columns=2 if max(map(len, checked)) > 12 else 3)
    return ax


def descent_curves(values: Mapping[str, Array], ax: Axes | None = None) -> Axes:
    """f against the step, one line for each path, with the value at its end.

    Parameters
    ----------
    values : dict of str to array (T + 1,)
        f at each point of each path, by name.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    OptionError
        If there are no paths.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> descent_curves({"0.1": np.array([2.0, 1.0])}, Figure().subplots()).get_xlabel()
    'step'
    """
    from matplotlib.ticker import MaxNLocator

    if not values:
        raise OptionError("There is nothing to draw: no path was given.")
    ax = style.axes_or_new(ax)
    everything = np.concatenate([np.asarray(found, dtype=np.float64) for found in values.values()])
    for index, (name, found) in enumerate(values.items()):
        colour, steps = line_colour(index), np.arange(len(found))
        few = len(found) <= 60
        ax.plot(
            steps, found, color=colour, linewidth=style.LINE, marker="o" if few else None, markersize=3.5, label=name, zorder=3
        )  # fmt: skip
        ax.plot(steps[-1], found[-1], marker="o", markersize=6, markerfacecolor="white", markeredgecolor=colour, zorder=4)
    if everything.min() > 0 and everything.max() > 1000 * everything.min():
        ax.set_yscale("log")
    elif everything.max() - everything.min() > 1e4:
        ax.set_yscale("symlog")
    style.dress(ax, "step", "f(x, y)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    return ax


@checked
def descent_figure(
    f: Callable[[Array, Array], Array],
    box: Box,
    paths: Paths,
    minima: Sequence[tuple[float, float]] = (),
    figure: Figure | None = None,
) -> Figure:
    """The contours with the paths, and f against the step beside them.

    Parameters
    ----------
    f, box, paths, minima
        As for `contours`.
    figure : matplotlib Figure, optional
        By default, a new pyplot figure.
    """
    if figure is None:
        from matplotlib import pyplot

        figure = pyplot.figure(figsize=(10.0, 4.9), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.0, 0.95))
    contours(f, box, paths, minima, left)
    values = {}
    for name, points in paths.items():
        found = f(*np.asarray(points, dtype=np.float64).T)
        values[f"{name}: {found[-1]:.6g}"] = found
    descent_curves(values, right)
    style.legend_above(right, columns=2 if len(values) > 3 else 1)
    return figure


def line_colour(index: int) -> str:
    """The colour of a path; warm colours come first, since they stand out from the blue of the surface."""
    order = (1, 2, 3, 6, 4, 8, 7, 0)
    return style.PALETTE[order[index % len(order)]]


def _points(name: str, points: Array) -> Array:
    found = np.asarray(points, dtype=np.float64)
    if found.ndim != 2 or found.shape[1] != 2 or not len(found):
        raise ShapeError(f"The path {name!r} must be points of the plane, (T + 1, 2), not {describe(found)}.")
    return found


def _draw_path(ax: Axes, points: Array, colour: str, name: str) -> None:
    """Draw a line through the points with a white one under it, a small square at the start and a ring at the end."""
    few = len(points) <= 60
    ax.plot(*points.T, color="white", linewidth=3.2, zorder=2, alpha=0.9)
    ax.plot(
        *points.T, color=colour, linewidth=1.7, marker="o" if few else None, markersize=3.6, zorder=3, label=name, clip_on=True
    )
    ax.plot(*points[0], marker="s", markersize=6.5, color=style.INK, markeredgecolor="white", linestyle="none", zorder=5)
    ax.plot(*points[-1], marker="o", markersize=7.5, markerfacecolor="white", markeredgecolor=colour, markeredgewidth=1.8,
            linestyle="none", zorder=4)  # fmt: skip
