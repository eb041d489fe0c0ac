"""Influence of the inputs: bars of importance, and curves of partial dependence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arguments import checked
from clearprop.plots import style
from clearprop.rules import is_number, require, require_rows, require_some

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 20  # columns that are drawn


@checked
def importance(rows: Sequence[dict[str, Any]], ax: Axes | None = None, score: str = "score") -> Axes:
    """A bar for each column: the loss of score when its values are shuffled, with the standard deviation.

    Parameters
    ----------
    rows : sequence of dict
        `column`, `mean` and `std`, the most important first; the first 20 are drawn.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.
    score : str
        Name of the score.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    OptionError
        If there are no rows, or one lacks a figure.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = importance([{"column": "age", "mean": 0.2, "std": 0.01}], Figure().subplots())
    >>> ax.get_yticklabels()[0].get_text()
    'age'
    """
    require_rows("rows", rows, ["column"], ["mean", "std"])
    require_some("rows", rows)
    shown = list(rows)[:MOST][::-1]
    ax = style.axes_or_new(ax)
    places = np.arange(len(shown))
    ax.barh(
        places, [row["mean"] for row in shown], xerr=[row["std"] for row in shown], color=style.TRAIN, height=0.7,
        ecolor=style.INK, error_kw={"linewidth": 1.0},
    )  # fmt: skip
    ax.set_yticks(places, [style.plain(str(row["column"]))[:32] for row in shown])
    style.dress(ax, f"{score} lost when the column is shuffled", "")
    return ax


@checked
def dependence(rows: Sequence[dict[str, Any]], ax: Axes | None = None) -> Axes:
    """The mean prediction against the value of one column, all others as they are; a line for each output.

    Parameters
    ----------
    rows : sequence of dict
        `column`, `output`, `value` and `mean`, of one column.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    OptionError
        If there are no rows, or one lacks a figure.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> rows = [{"column": "age", "output": "yes", "value": v, "mean": v / 100} for v in (20.0, 40.0)]
    >>> dependence(rows, Figure().subplots()).get_xlabel()
    'age'
    """
    require_rows("rows", rows, ["column", "output", "value"], ["mean"])
    require_some("rows", rows)
    named = isinstance(rows[0]["value"], str)
    for value in (row["value"] for row in rows):
        require(isinstance(value, str) if named else is_number(value), "value in rows", value, "all texts, or all numbers")
    ax = style.axes_or_new(ax)
    outputs = list(dict.fromkeys(str(row["output"]) for row in rows))
    for index, output in enumerate(outputs):
        mine = [row for row in rows if str(row["output"]) == output]
        x = [style.plain(row["value"])[:16] if named else row["value"] for row in mine]
        ax.plot(
            x, [row["mean"] for row in mine], color=style.colour(index), linewidth=0 if named else style.LINE,
            marker="o" if named else None, markersize=style.MARKER, label=style.plain(output),
        )  # fmt: skip
    style.dress(ax, style.plain(str(rows[0]["column"])), "mean prediction")
    if named:
        ax.tick_params(axis="x", labelrotation=60)
    if len(outputs) > 1:
        style.legend_above(ax)
    return ax
