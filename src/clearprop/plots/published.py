"""Published against obtained: a figure from a paper on the interval of our runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from clearprop.errors import OptionError
from clearprop.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (5.6, 3.2)


def published_against_obtained(
    lines: Sequence[tuple[str, float, Sequence[float]]], ax: Axes | None = None, xlabel: str = ""
) -> Axes:
    """For each experiment the published figure, and where nine of ten of our runs fall.

    Parameters
    ----------
    lines : sequence of (label, published, values)
        The values are those of our runs; NaN and infinities are left out.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.
    xlabel : str
        What the numbers are.

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
    if not lines:
        raise OptionError("There is nothing to draw: no experiment has a published figure.")
    ax = style.axes_or_new(ax, SIZE)
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
