"""Heat maps: a figure for every combination of two settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, describe
from clearprop.errors import OptionError, ShapeError
from clearprop.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CELL = (0.95, 0.62)  # width and height of a cell in a new figure, in inches
SHADES = ("#f4f8fb", "#c9deec", "#8fbcd9", "#4a90c0", "#125a91", "#0a3a66")
MISSING = "#eceef1"


@checked
def heat_map(
    table: Array,
    down: Sequence[object],
    across: Sequence[object],
    *,
    names: tuple[str, str] = ("", ""),
    value: str = "",
    spread: Array | None = None,
    finite: Array | None = None,
    percent: bool = False,
    larger_is_better: bool | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A table as coloured cells with their figures, and a frame around the best.

    Parameters
    ----------
    table : array (n_down, n_across)
        NaN where there is no finite figure.
    down, across : sequence
        The values of the two settings.
    names : pair of str
        Names of the two settings: down, across.
    value : str
        Name of the figures, for the title.
    spread : array (n_down, n_across), optional
        Written small under each figure, after a plus-minus sign.
    finite : array (n_down, n_across), optional
        The share of runs that ended finite; where it is below 1 the cell says so.
    percent : bool
        Whether the figures are shares, to be written as percentages.
    larger_is_better : bool, optional
        Better figures are darker. By default, as for `percent`.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ShapeError
        If the table does not have a row for each of `down` and a column for each of `across`.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = heat_map(np.array([[0.9, np.nan]]), [10], [0.1, 5], percent=True, ax=Figure().subplots())
    >>> [text.get_text() for text in ax.texts]
    ['90.0', 'diverges']
    """
    table = np.asarray(table, dtype=np.float64)
    if table.ndim != 2 or table.shape != (len(down), len(across)):
        raise ShapeError(f"The table must be ({len(down)}, {len(across)}), as its settings say, not {describe(table)}.")
    if table.size == 0:
        raise OptionError("There is nothing to draw: the grid is empty.")
    for name, beside in (("spread", spread), ("finite", finite)):
        if beside is not None and beside.shape != table.shape:
            raise ShapeError(f"{name} must have the shape of the table, {table.shape}, not {describe(beside)}.")
    better = percent if larger_is_better is None else larger_is_better
    ax = style.axes_or_new(ax, figure_size(*table.shape))
    cells = _shades(table, better)
    ax.imshow(cells, interpolation="nearest", aspect="auto")
    best = _best(table, finite, better)
    _write(ax, table, cells, spread, finite, percent, best)
    ax.set_xticks(np.arange(len(across) + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(len(down) + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=2)
    style.dress(ax, names[1], names[0], grid=False)
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
    ax.set_xticks(range(len(across)), [style.setting_name(v) for v in across], fontsize=style.TICK)
    ax.set_yticks(range(len(down)), [style.setting_name(v) for v in down], fontsize=style.TICK)
    if value:
        style.headline(ax, f"{value}{', %' if percent else ''}")
    return ax


def figure_size(n_down: int, n_across: int) -> tuple[float, float]:
    """Size in inches of a heat map with this many cells."""
    return max(4.2, CELL[0] * n_across + 1.3), max(2.6, CELL[1] * n_down + 1.2)


def _shades(table: Array, larger_is_better: bool) -> Array:
    """The colour of every cell: by value, with outliers clipped so that a few failures do not make the rest look alike."""
    from matplotlib.colors import LinearSegmentedColormap

    finite = table[np.isfinite(table)]
    cells = np.broadcast_to(style.rgb(MISSING), (*table.shape, 3)).copy()
    if not finite.size:
        return cells
    if finite.min() > 0 and finite.max() > 10 * finite.min():  # losses compare by their ratio
        table = np.log(table)
    goodness = table if larger_is_better else -table
    known = goodness[np.isfinite(table)]
    low, high = float(np.percentile(known, 25)), float(known.max())
    low = max(float(known.min()), low - 2.0 * (high - low))
    share = np.clip((goodness - low) / ((high - low) or 1.0), 0, 1)
    shades = LinearSegmentedColormap.from_list("goodness", SHADES)
    here = np.isfinite(table)
    cells[here] = shades(0.04 + 0.80 * share[here])[:, :3]
    return cells


def _best(table: Array, finite: Array | None, larger_is_better: bool) -> tuple[int, int] | None:
    sound = np.isfinite(table) & (np.ones_like(table) if finite is None else np.asarray(finite) >= 1).astype(bool)
    if not sound.any():
        return None
    goodness = np.where(sound, table if larger_is_better else -table, -np.inf)
    row, column = np.unravel_index(int(goodness.argmax()), table.shape)
    return int(row), int(column)


def _write(
    ax: Axes,
    table: Array,
    cells: Array,
    spread: Array | None,
    finite: Array | None,
    percent: bool,
    best: tuple[int, int] | None,
) -> None:
    from matplotlib.patches import Rectangle

    factor = 100 if percent else 1
    for i, j in np.ndindex(table.shape):
        ink = style.readable(cells[i, j])
        share = 1.0 if finite is None else float(np.asarray(finite)[i, j])
        notes = []
        if spread is not None and np.isfinite(table[i, j]):
            notes.append(f"± {_number(factor * float(np.asarray(spread)[i, j]), percent)}")
        if np.isfinite(table[i, j]) and share < 1:
            notes.append(f"{100 * (1 - share):.0f} % diverge")
        text = _number(factor * float(table[i, j]), percent) if np.isfinite(table[i, j]) else "diverges"
        weight = "bold" if (i, j) == best else "normal"
        shown: dict[str, Any] = {"ha": "center", "color": ink if np.isfinite(table[i, j]) else style.FAINT}
        if not np.isfinite(table[i, j]):
            shown |= {"fontsize": style.NOTE - 1, "fontstyle": "italic"}
        else:
            shown |= {"fontsize": style.LABEL, "fontweight": weight}
        ax.text(j, i - 0.16 if notes else i, text, va="center", **shown)
        for line, note in enumerate(notes):
            ax.text(j, i + 0.16 + 0.2 * line, note, ha="center", va="center", fontsize=6.8, color=ink, alpha=0.85)
    if best is not None:
        ax.add_patch(
            Rectangle((best[1] - 0.46, best[0] - 0.44), 0.92, 0.88, fill=False, edgecolor=style.PALETTE[1], linewidth=2.2)
        )


def _number(value: float, percent: bool) -> str:
    if percent:
        return f"{value:.1f}"
    if 0.001 <= abs(value) < 100 or value == 0:
        return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
    return f"{value:.0f}" if 100 <= abs(value) < 1e5 else f"{value:.0e}"
