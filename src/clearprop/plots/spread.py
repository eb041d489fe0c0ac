"""A mean with a band over seeds: how a figure depends on a setting, and how much of that is chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import OptionError
from clearprop.plots import style
from clearprop.plots.heatmap import label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DECADES = 2  # a figure that spans more is drawn on a logarithmic scale


def bands(
    lines: Mapping[str, Sequence[dict[str, Any]]],
    x: str,
    ylabel: str = "",
    *,
    band: tuple[str, str] = ("low", "high"),
    percent: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """The mean of each setting, inside the interval of its seeds.

    Parameters
    ----------
    lines : dict of str to sequence of dict
        For each line, by name, rows as from `clearprop.sweeps.summarise`: the setting `x`, `mean`, and the edges of the band.
    x : str
        The setting along the axis. Positive numbers over more than a decade get a logarithmic scale; words stand in order.
    ylabel : str
    band : pair of str
        The columns of the band; "low" and "high" are the 5 % and 95 % percentiles.
    percent : bool
        Whether the figures are shares, to be written as percentages.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.

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
    >>> rows = [{"lr": lr, "mean": lr, "low": 0.0, "high": 1.0} for lr in (0.01, 0.1, 1.0)]
    >>> bands({"validation": rows}, "lr", "loss", ax=Figure().subplots()).get_xscale()
    'log'
    """
    rows = [row for found in lines.values() for row in found]
    if not rows:
        raise OptionError("There is nothing to draw: there are no rows.")
    ax = style.axes_or_new(ax)
    values = list(dict.fromkeys(row[x] for row in rows))
    numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    place = {value: float(value) if numeric else float(i) for i, value in enumerate(values)}
    factor = 100 if percent else 1
    for index, (name, found) in enumerate(lines.items()):
        draw = _one_band if numeric else _one_row_of_bars
        draw(ax, found, x, place, factor, band, style.colour(index), name)
    _scale_x(ax, values, numeric)
    edges = np.array([row[key] for row in rows for key in band if np.isfinite(row[key])])
    if not percent and edges.size and edges.min() > 0 and edges.max() > 10**DECADES * edges.min():
        ax.set_yscale("log")
    style.dress(ax, x, f"{ylabel}{', %' if percent else ''}")
    if len(lines) > 1 or next(iter(lines)):
        style.legend_above(ax, columns=3)
    return ax


def _one_band(
    ax: Axes, rows: Sequence[dict[str, Any]], x: str, place: Mapping[Any, float], factor: float, band: tuple[str, str],
    colour: str, name: str,
) -> None:  # fmt: skip
    ordered = sorted(rows, key=lambda row: place[row[x]])
    at = np.array([place[row[x]] for row in ordered])
    mean, low, high = (factor * _column(ordered, key) for key in ("mean", *band))
    ax.fill_between(at, low, high, color=colour, alpha=0.16, linewidth=0, zorder=1)
    marker = "o" if len(at) <= 40 else None
    ax.plot(at, mean, color=colour, linewidth=style.LINE, marker=marker, markersize=style.MARKER, label=name, zorder=3)
    lost = ~np.isfinite(mean)
    if lost.any():
        for value in at[lost]:
            ax.axvline(value, color="#e3e5e9", linewidth=6, zorder=0)
        ax.plot([], [], color="#e3e5e9", linewidth=6, label="every run diverges")


def _one_row_of_bars(
    ax: Axes, rows: Sequence[dict[str, Any]], x: str, place: Mapping[Any, float], factor: float, band: tuple[str, str],
    colour: str, name: str,
) -> None:  # fmt: skip
    """Words have nothing between them, so there is no line from one to the next."""
    at = np.array([place[row[x]] for row in rows])
    mean, low, high = (factor * _column(rows, key) for key in ("mean", *band))
    ax.vlines(at, low, high, color=style.tint(colour, 0.35), linewidth=9, zorder=2)
    ax.plot(at, mean, color=colour, marker="o", markersize=7, markeredgecolor="white", linestyle="none", label=name, zorder=3)


def _column(rows: Sequence[dict[str, Any]], name: str) -> Array:
    return np.array([float(row[name]) for row in rows])


def _scale_x(ax: Axes, values: Sequence[Any], numeric: bool) -> None:
    from matplotlib.ticker import MaxNLocator, NullLocator

    if not numeric:
        ax.set_xticks(range(len(values)), [label(value) for value in values])
        ax.set_xlim(-0.6, len(values) - 0.4)
        return
    numbers = sorted(float(value) for value in values)
    if numbers[0] > 0 and numbers[-1] > 10 * numbers[0]:
        ax.set_xscale("log")
        if len(numbers) <= 10:
            ax.set_xticks(numbers, [label(value) for value in numbers])
            ax.xaxis.set_minor_locator(NullLocator())
    elif all(isinstance(value, int) for value in values):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
