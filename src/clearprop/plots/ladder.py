"""The ladder as a picture: how long a step takes on each engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clearprop.errors import OptionError
from clearprop.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (6.4, 3.4)
FAMILIES = {"torch": (style.PALETTE[1], "PyTorch"), "": (style.PALETTE[0], "Python and NumPy")}


def step_times(rows: list[dict[str, Any]], ax: Axes | None = None) -> Axes:
    """Microseconds per step of each engine, the first on top, on a logarithmic scale.

    Parameters
    ----------
    rows : list of dict
        As from `clearprop.ladder.climb`: `engine`, `microseconds`, and `speed` where it is known.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    OptionError
        If no engine has a time.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> rows = [{"engine": "scalar", "microseconds": 900.0}, {"engine": "batch", "microseconds": 30.0, "speed": 30.0}]
    >>> [label.get_text() for label in step_times(rows, Figure().subplots()).get_yticklabels()]
    ['scalar', 'batch']
    """
    timed = [row for row in rows if row.get("microseconds")]
    if not timed:
        raise OptionError(f"There is nothing to draw: none of the {len(rows)} engines has a time.")
    ax = style.axes_or_new(ax, SIZE)
    names = [row["engine"] for row in timed]
    times = [float(row["microseconds"]) for row in timed]
    left = 10 ** _floor_decade(min(times))
    for place, row in enumerate(timed):
        colour, label = _family(row["engine"])
        ax.plot([left, times[place]], [place, place], color=style.GRID, linewidth=1.4, zorder=1)
        ax.plot(times[place], place, marker="o", markersize=8, color=colour, linestyle="none", zorder=3, label=label)
        ax.annotate(
            _caption(row), (times[place], place), xytext=(9, 0), textcoords="offset points",
            va="center", fontsize=style.NOTE, color=style.INK,
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set_xlim(left, max(times) * 12)  # room for the captions
    ax.set_ylim(len(timed) - 0.5, -0.5)
    style.dress(ax, "microseconds per step", "")
    ax.set_yticks(range(len(timed)), names, fontsize=style.LABEL)
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)
    handles, labels = ax.get_legend_handles_labels()
    style.legend_above(ax, list(dict(zip(labels, handles, strict=True)).values()))
    return ax


def _floor_decade(value: float) -> int:
    """The power of ten at or below a positive number."""
    from math import floor, log10

    return floor(log10(value))


def _family(engine: str) -> tuple[str, str]:
    if engine == "compiled":
        return style.PALETTE[2], "machine code"
    return FAMILIES["torch" if engine.startswith("torch") else ""]


def _caption(row: dict[str, Any]) -> str:
    time = float(row["microseconds"])
    shown = f"{time:,.0f}" if time >= 100 else f"{time:.3g}"
    return f"{shown} µs" + (f" (x {row['speed']:.3g})" if row.get("speed") and row["engine"] != "scalar" else "")
