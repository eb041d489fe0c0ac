"""Intervals over seeds: a mean with a band against a setting, and published figures on the intervals of our own runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.errors import OptionError
from clearprop.plots import style
from clearprop.rules import require_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PUBLISHED_SIZE = (5.6, 3.2)


@checked
def bands(
    lines: Mapping[str, Sequence[dict[str, Any]]],
    x: str,
    ylabel: str = "",
    *,
    band: tuple[str, str] = ("low", "high"),
    percent: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """The mean for each value of a setting, inside the interval over its seeds.

    Parameters
    ----------
    lines : dict of str to sequence of dict
        For each line, by name, rows as from `clearprop.sweeps.summarise`: the setting `x`, `mean`, and the edges of the band.
    x : str
        The setting along the axis. Positive numbers over more than a decade get a logarithmic scale; words keep their order.
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
    require_rows("lines", rows, [x], ["mean", *band])
    ax = style.axes_or_new(ax)
    values = list(dict.fromkeys(row[x] for row in rows))
    numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    place = {value: float(value) if numeric else float(i) for i, value in enumerate(values)}
    factor = 100 if percent else 1
    for index, (name, found) in enumerate(lines.items()):
        draw = _draw_band if numeric else _draw_bars
        draw(ax, found, x, place, factor, band, style.colour(index), name)
    _scale_setting(ax, values, numeric)
    if not percent:
        style.log_if_wide(ax, np.array([row[key] for row in rows for key in band], dtype=np.float64))
    style.dress(ax, x, f"{ylabel}{', %' if percent else ''}")
    if len(lines) > 1 or next(iter(lines)):
        style.legend_above(ax, columns=3)
    return ax


def _draw_band(
    ax: Axes, rows: Sequence[dict[str, Any]], x: str, place: Mapping[Any, float], factor: float, band: tuple[str, str],
    colour: str, name: str,
) -> None:  # fmt: skip
    ordered = sorted(rows, key=lambda row: place[row[x]])
    at = np.array([place[row[x]] for row in ordered])
    mean, low, high = (factor * _values(ordered, key) for key in ("mean", *band))
    ax.fill_between(at, low, high, color=colour, alpha=0.16, linewidth=0, zorder=1)
    marker = "o" if len(at) <= 40 else None
    ax.plot(at, mean, color=colour, linewidth=style.LINE, marker=marker, markersize=style.MARKER, label=name, zorder=3)
    diverged = ~np.isfinite(mean)
    if diverged.any():
        for value in at[diverged]:
            ax.axvline(value, color=style.SHADE, linewidth=6, zorder=0)
        ax.plot([], [], color=style.SHADE, linewidth=6, label="every run diverges")


def _draw_bars(
    ax: Axes, rows: Sequence[dict[str, Any]], x: str, place: Mapping[Any, float], factor: float, band: tuple[str, str],
    colour: str, name: str,
) -> None:  # fmt: skip
    """Bars for a setting whose values are words: there is nothing between two words, hence no line."""
    at = np.array([place[row[x]] for row in rows])
    mean, low, high = (factor * _values(rows, key) for key in ("mean", *band))
    ax.vlines(at, low, high, color=style.tint(colour, 0.35), linewidth=9, zorder=2)
    ax.plot(at, mean, color=colour, marker="o", markersize=7, markeredgecolor="white", linestyle="none", label=name, zorder=3)


def _values(rows: Sequence[dict[str, Any]], name: str) -> Array:
    return np.array([float(row[name]) for row in rows])


def _scale_setting(ax: Axes, values: Sequence[Any], numeric: bool) -> None:
    from matplotlib.ticker import MaxNLocator, NullLocator

    if not numeric:
        ax.set_xticks(range(len(values)), [style.setting_name(value) for value in values])
        ax.set_xlim(-0.6, len(values) - 0.4)
        return
    numbers = sorted(float(value) for value in values)
    if numbers[0] > 0 and numbers[-1] > 10 * numbers[0]:
        ax.set_xscale("log")
        if len(numbers) <= 10:
            ax.set_xticks(numbers, [style.setting_name(value) for value in numbers])
            ax.xaxis.set_minor_locator(NullLocator())
    elif all(isinstance(value, int) for value in values):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))


@checked
def published_against_obtained(
    lines: Sequence[tuple[str, float, Sequence[float]]], ax: Axes | None = None, xlabel: str = ""
) -> Axes:
    """For each experiment the published figure, and the interval that holds nine of ten of our runs.

    Parameters
    ----------
    lines : sequence of (label, published, values)
        The values are those of our runs; NaN and infinities are left out.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.
    xlabel : str
        Name of the quantity.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    OptionError
        If there is nothing to draw.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = published_against_obtained([("lr 0.1", 0.93, [0.9, 0.92, 0.95])], Figure().subplots(), "accuracy")
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['lr 0.1']
    """
    if len(lines) == 0:
        raise OptionError("There is nothing to draw: no experiment has a published figure.")
    ax = style.axes_or_new(ax, PUBLISHED_SIZE)
    for place, (_, published, values) in enumerate(lines):
        found = np.array([value for value in values if np.isfinite(value)])
        first = place == 0
        if found.size:
            low, middle, high = np.percentile(found, [5, 50, 95])
            ax.plot([low, high], [place, place], color=style.TRAIN, linewidth=5, alpha=0.3, solid_capstyle="butt",
                    label="obtained, 5-95 %" if first else None)  # fmt: skip
            ax.plot(middle, place, "|", color=style.TRAIN, markersize=11, markeredgewidth=2, label="median" if first else None)
        ax.plot(published, place, "D", color=style.VALIDATION, markersize=6, zorder=4, label="published" if first else None)
    style.dress(ax, xlabel, "")
    ax.set_yticks(range(len(lines)), [label for label, _, _ in lines], fontsize=style.TICK)
    ax.set_ylim(len(lines) - 0.5, -0.5)
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)
    style.legend_above(ax, columns=3)
    return ax
