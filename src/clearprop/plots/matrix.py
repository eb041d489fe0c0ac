"""The confusion matrix: true against predicted classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, describe
from clearprop.errors import OptionError, ShapeError
from clearprop.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CELL = 0.62  # side of a cell in a new figure, in inches
SMALLEST = 5.0  # font size, in points, below which a cell shows its count alone


@checked
def confusion(matrix: Array, classes: Sequence[object], ax: Axes | None = None) -> Axes:
    """Counts and row percentages of true against predicted classes.

    Correct predictions are blue, wrong ones orange; a cell is the darker the larger its share of the row, on a square-root
    scale, so that rare mistakes are visible. On axes too small for both, the cells hold the counts alone.

    Parameters
    ----------
    matrix : array (C, C) of int
        Number of examples of class i (row) that were predicted as class j (column), as from scikit-learn's
        `confusion_matrix`.
    classes : sequence
        The C labels, in order.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure that grows with C.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ShapeError
        If the matrix is not square, or there is not one label for each row.
    OptionError
        If a count is negative or not finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = confusion(np.array([[8, 2], [0, 10]]), ["cat", "dog"], Figure().subplots())
    >>> [text.get_text().splitlines() for text in ax.texts]
    [['8', '80 %'], ['2', '20 %'], ['0'], ['10', '100 %']]
    """
    counts, n = _checked(matrix, classes), len(classes)
    side = max(3.6, CELL * n + 1.4)
    ax = style.axes_or_new(ax, (side, side))
    rows = counts.sum(axis=1, keepdims=True)
    share = counts / np.where(rows > 0, rows, 1)
    depth = np.sqrt(share)
    diagonal = np.eye(n, dtype=bool)[..., np.newaxis]
    cells = np.where(diagonal, style.tint(style.TRAIN, depth), style.tint(style.VALIDATION, depth))
    ax.imshow(cells, interpolation="nearest")
    ax.set_xticks(np.arange(n + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(n + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=1.5)
    _write_cells(ax, counts, share, cells)
    style.dress(ax, "predicted class", "true class", grid=False)
    _label_classes(ax, [style.plain(str(c)) for c in classes])
    total = counts.sum()
    correct = f": {100 * np.trace(counts) / total:.1f} % correct" if total else ""
    style.headline(ax, f"{total:,.0f} examples{correct}")
    return ax


def _checked(matrix: Array, classes: Sequence[object]) -> Array:
    counts = np.asarray(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.size == 0:
        raise ShapeError(f"A confusion matrix is square, (C, C), true classes down, not {describe(counts)}.")
    if len(classes) != len(counts):
        raise ShapeError(f"The matrix {counts.shape} needs {len(counts)} class labels, but there are {len(classes)}.")
    if not np.isfinite(counts).all() or counts.min() < 0:
        raise OptionError(f"A confusion matrix holds counts of examples, but its smallest number is {counts.min()}.")
    return counts


def _inches(ax: Axes) -> float:
    """The shorter side of the axes."""
    box = ax.get_window_extent()
    return float(min(box.width, box.height) / ax.figure.dpi)


def _write_cells(ax: Axes, counts: Array, share: Array, cells: Array) -> None:
    """Write the count and, where there is room, the percentage of the row into each cell; a faint 0 where there is none."""
    n = len(counts)
    digits = len(f"{counts.max():.0f}")
    room = 72 * _inches(ax) / n / 0.75  # points, in widths of a character
    size, both = room / max(digits, 5), True
    if size < SMALLEST:
        size, both = room / max(digits, 3), False
    for i, j in np.ndindex(n, n):
        count, ink = counts[i, j], style.readable(cells[i, j])
        text = f"{count:.0f}\n{_percent(float(share[i, j]))}" if both and count else f"{count:.0f}"
        ax.text(
            j, i, text, ha="center", va="center", fontsize=float(np.clip(size, 4, style.TITLE)),
            color=ink if count else "#c3c8d0", linespacing=1.15,
        )  # fmt: skip


def _percent(share: float) -> str:
    """A percentage that is 100 only for the whole, and 0 only for nothing."""
    if 0 < share < 0.005:
        return "<1 %"
    if 0.995 <= share < 1:
        return ">99 %"
    return f"{100 * share:.0f} %"


def _label_classes(ax: Axes, labels: list[str]) -> None:
    n, longest = len(labels), max(len(label) for label in labels)
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
    size = float(np.clip(72 * _inches(ax) / n / 1.6, 5, style.TICK))
    ax.set_yticks(range(n), labels, fontsize=size)
    crowded = longest * 0.6 * size > 72 * _inches(ax) / n
    if crowded:
        ax.set_xticks(range(n), labels, fontsize=size, rotation=45, ha="right", rotation_mode="anchor")
    else:
        ax.set_xticks(range(n), labels, fontsize=size)
