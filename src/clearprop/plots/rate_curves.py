"""The picture of a search for a learning rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clearprop.arguments import checked
from clearprop.plots import style
from clearprop.rules import require_rows, require_some

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@checked
def rate_curve(rows: Sequence[dict[str, Any]], ax: Axes | None = None, suggestion: float | None = None) -> Axes:
    """The loss of each step against its learning rate, and the average of the last ones.

    Parameters
    ----------
    rows : sequence of dict
        `lr`, `loss` and `smooth`, as from `RateSearch.rows()`.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.
    suggestion : float, optional
        Rate to be marked.

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
    >>> rows = [{"lr": 0.01, "loss": 0.7, "smooth": 0.7}, {"lr": 0.1, "loss": 0.5, "smooth": 0.6}]
    >>> rate_curve(rows, Figure().subplots()).get_xscale()
    'log'
    """
    require_rows("rows", rows, [], ["lr", "loss", "smooth"])
    require_some("rows", rows)
    ax = style.axes_or_new(ax)
    lr = [row["lr"] for row in rows]
    smooth = [row["smooth"] for row in rows]
    ax.plot(lr, [row["loss"] for row in rows], color=style.TRAIN, linewidth=0.6, alpha=0.4, label="loss of the batch")
    ax.plot(lr, smooth, color=style.TRAIN, linewidth=style.LINE, label="averaged")
    if suggestion is not None:
        ax.axvline(suggestion, color=style.VALIDATION, linewidth=1.0, linestyle="--", label=f"suggestion: {suggestion:.2g}")
    ax.set_xscale("log")
    finite = [value for value in smooth if math.isfinite(value)]
    if finite:
        low, high = min(finite), max(finite[: max(1, len(finite) // 2)])
        ax.set_ylim(low - 0.15 * (high - low + 1e-9), high + 0.6 * (high - low + 1e-9))
    style.dress(ax, "learning rate", "loss")
    style.legend_above(ax)
    return ax
