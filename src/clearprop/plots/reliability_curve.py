"""The reliability diagram: how often predictions of a certain confidence are right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clearprop.arguments import checked
from clearprop.plots import style
from clearprop.rules import require, require_rows, require_some

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@checked
def reliability(rows: Sequence[dict[str, Any]], ax: Axes | None = None, note: str = "") -> Axes:
    """Accuracy against confidence, with the diagonal on which both agree; the area of a point is its share of the examples.

    Parameters
    ----------
    rows : sequence of dict
        `confidence`, `accuracy` and `examples`, as from `clearprop.metrics.reliability`.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.
    note : str
        Text in the corner: the expected calibration error, say.

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
    >>> reliability([{"confidence": 0.9, "accuracy": 0.8, "examples": 10}], Figure().subplots()).get_xlabel()
    'confidence'
    """
    require_rows("rows", rows, [], ["confidence", "accuracy", "examples"])
    require_some("rows", rows)
    total = sum(row["examples"] for row in rows)
    require(min(row["examples"] for row in rows) >= 0 < total, "examples in rows", total, "0 or more, and not all 0")
    ax = style.axes_or_new(ax, (4.4, 4.4))
    x, y = [row["confidence"] for row in rows], [row["accuracy"] for row in rows]
    ax.plot([0, 1], [0, 1], color=style.FAINT, linewidth=1.0, linestyle="--", label="as often right as confident")
    ax.plot(x, y, color=style.TRAIN, linewidth=style.LINE)
    ax.scatter(
        x, y, s=[20 + 400 * row["examples"] / total for row in rows], color=style.TRAIN, alpha=0.5, linewidths=0,
        label="predictions", zorder=3, clip_on=False,
    )  # fmt: skip
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_aspect("equal")
    if note:
        ax.text(0.97, 0.04, note, ha="right", va="bottom", transform=ax.transAxes, fontsize=style.NOTE, color=style.INK)
    style.dress(ax, "confidence", "accuracy")
    style.legend_above(ax)
    return ax
