"""Times: seconds for a gradient against the number of parameters, and microseconds for a step on each engine."""

from __future__ import annotations

from math import floor, log10
from typing import TYPE_CHECKING, Any

from clearprop.arguments import checked
from clearprop.errors import OptionError
from clearprop.plots import style
from clearprop.rules import require_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEP_SIZE = (6.4, 3.4)  # of a new figure of `step_times`, in inches
FAMILIES = {"torch": (style.PALETTE[1], "PyTorch"), "": (style.PALETTE[0], "Python and NumPy")}


@checked
def gradient_costs(rows: list[dict[str, Any]], exponents: dict[str, float] | None = None, ax: Axes | None = None) -> Axes:
    """Seconds for one gradient against the number of parameters, both on logarithmic scales; one line for each method.

    Parameters
    ----------
    rows : list of dict
        As from `clearprop.studies.derivative_cost.measure_costs`: `method`, `parameters`, `seconds`.
    exponents : dict of str to float, optional
        For each method, the k of the law seconds ~ P^k; shown in the legend.
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
    >>> rows = [{"method": "back-propagation", "parameters": P, "seconds": 1e-6 * P} for P in (10, 100)]
    >>> ax = gradient_costs(rows, {"back-propagation": 1.0}, Figure().subplots())
    >>> ax.get_legend().get_texts()[0].get_text()
    'back-propagation, $P^{1.00}$'
    """
    if len(rows) == 0:
        raise OptionError("There is nothing to draw: no row has a time.")
    require_rows("rows", rows, ["method"], ["parameters", "seconds"])
    ax = style.axes_or_new(ax)
    for index, method in enumerate(dict.fromkeys(row["method"] for row in rows)):
        points = sorted((row["parameters"], row["seconds"]) for row in rows if row["method"] == method)
        law = f", $P^{{{exponents[method]:.2f}}}$" if exponents and method in exponents else ""
        ax.plot(
            *zip(*points, strict=True), color=style.colour((1, 3, 0)[index % 3]), linewidth=style.LINE, marker="os^"[index % 3],
            markersize=style.MARKER + 1, label=method + law,
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set_yscale("log")
    style.dress(ax, "parameters P", "seconds for one gradient")
    style.legend_above(ax, columns=1)
    return ax


@checked
def step_times(rows: list[dict[str, Any]], ax: Axes | None = None) -> Axes:
    """Microseconds per step of each engine, the first at the top, on a logarithmic scale.

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
    require_rows("rows", rows, ["engine"])
    timed = [row for row in rows if row.get("microseconds")]
    if not timed:
        raise OptionError(f"There is nothing to draw: none of the {len(rows)} engines has a time.")
    ax = style.axes_or_new(ax, STEP_SIZE)
    names = [row["engine"] for row in timed]
    times = [float(row["microseconds"]) for row in timed]
    left = 10 ** floor(log10(min(times)))
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


def _family(engine: str) -> tuple[str, str]:
    if engine == "compiled":
        return style.PALETTE[2], "machine code"
    return FAMILIES["torch" if engine.startswith("torch") else ""]


def _caption(row: dict[str, Any]) -> str:
    time = float(row["microseconds"])
    shown = f"{time:,.0f}" if time >= 100 else f"{time:.3g}"
    return f"{shown} µs" + (f" (x {row['speed']:.3g})" if row.get("speed") and row["engine"] != "scalar" else "")
