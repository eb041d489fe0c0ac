"""Learning curves: the loss or the accuracy of every epoch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import OptionError
from clearprop.plots import style
from clearprop.registry import choose

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METRICS = ("loss", "accuracy")
DECADES = 2  # a loss that spans more is drawn on a logarithmic scale
FEW = 25  # up to so many epochs, each one gets a dot


def learning_curves(rows: Iterable[dict[str, Any]], ax: Axes | None = None, metric: str = "loss") -> Axes:
    """Training and validation figures against the epoch, with the best validation epoch marked.

    A loss that spans more than two decades gets a logarithmic scale. Epochs whose figure is NaN or infinite leave a gap, are
    shaded, and named.

    Parameters
    ----------
    rows : list of dict, or History
        One row per epoch, with `epoch`, `train_loss`, and so on; missing columns are left out.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.
    metric : {"loss", "accuracy"}

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    OptionError
        If there are no rows, or none holds the metric.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> rows = [{"epoch": 1, "train_loss": 0.7, "val_loss": 0.6}, {"epoch": 2, "train_loss": 0.5, "val_loss": 0.4}]
    >>> [line.get_label() for line in learning_curves(rows, Figure().subplots()).lines[:2]]
    ['training', 'validation']
    """
    rows = list(rows)
    choose("metric", metric, METRICS)
    names = {"training": f"train_{metric}", "validation": f"val_{metric}"}
    found = {label: _column(rows, name) for label, name in names.items()}
    found = {label: column for label, column in found.items() if len(column[0])}
    if not found:
        raise OptionError(f"There is no {metric} to draw: none of the {len(rows)} rows holds {' or '.join(names.values())}.")
    ax = style.axes_or_new(ax)
    colours = {"training": style.TRAIN, "validation": style.VALIDATION}
    for label, (epochs, values) in found.items():
        _draw_line(ax, epochs, values, colours[label], label)
    if "validation" in found:
        _mark_best(ax, *found["validation"], metric)
    epochs, values = (np.concatenate(parts) for parts in zip(*found.values(), strict=True))
    _mark_nonfinite(ax, epochs, values)
    _scale(ax, epochs, values, metric)
    style.dress(ax, "epoch", metric)
    entries = len(ax.get_legend_handles_labels()[0])
    style.legend_above(ax, columns=2 if entries > 3 else 3)
    return ax


def _column(rows: list[dict[str, Any]], name: str) -> tuple[Array, Array]:
    """Epochs and values of the rows that hold the column; infinities become NaN, which is drawn as a gap."""
    held = [(row.get("epoch", number), float(row[name])) for number, row in enumerate(rows, 1) if row.get(name) is not None]
    epochs = np.array([epoch for epoch, _ in held])
    values = np.array([value for _, value in held])
    return epochs, np.where(np.isfinite(values), values, np.nan)


def _draw_line(ax: Axes, epochs: Array, values: Array, colour: str, label: str) -> None:
    finite = np.pad(np.isfinite(values), 1)
    alone = finite[1:-1] & ~finite[:-2] & ~finite[2:]  # a point between two gaps has no line to be seen by
    dots = np.flatnonzero(alone | (len(values) <= FEW))
    ax.plot(
        epochs,
        values,
        color=colour,
        linewidth=style.LINE,
        marker="o",
        markersize=style.MARKER,
        markevery=[int(i) for i in dots],
        label=label,
    )


def _scale(ax: Axes, epochs: Array, values: Array, metric: str) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

    first, last = epochs.min(), epochs.max()
    margin = max(0.02 * (last - first), 0.5)
    ax.set_xlim(first - margin, last + margin)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]) if last > first else FixedLocator([first]))
    finite = values[np.isfinite(values)]
    if metric == "accuracy":
        ax.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g} %"))
    elif finite.size and finite.min() > 0 and finite.max() > 10**DECADES * finite.min():
        ax.set_yscale("log")


def _mark_best(ax: Axes, epochs: Array, values: Array, metric: str) -> None:
    """A ring around the best validation figure (the earliest, if several are equal), and its value."""
    if not np.isfinite(values).any():
        return
    best = int(np.nanargmin(values) if metric == "loss" else np.nanargmax(values))
    shown = f"{values[best]:.3g}" if metric == "loss" else f"{100 * values[best]:.1f} %"
    ax.plot(
        epochs[best],
        values[best],
        marker="o",
        markersize=8,
        markerfacecolor="white",
        markeredgecolor=style.VALIDATION,
        markeredgewidth=style.LINE,
        linestyle="none",
        zorder=4,
        clip_on=False,
        label=f"best: {shown}, epoch {epochs[best]}",
    )


def _mark_nonfinite(ax: Axes, epochs: Array, values: Array) -> None:
    """Shade the epochs with a NaN or an infinity, and name the first in the legend."""
    bad = np.unique(epochs[np.isnan(values)])
    if not bad.size:
        return
    lasting = set(epochs[epochs >= bad[0]]) == set(bad)
    label = f"not finite {'from' if lasting else 'at'} epoch {bad[0]}{'' if lasting or len(bad) == 1 else ' ...'}"
    for epoch in bad:
        ax.axvspan(
            epoch - 0.5,
            epoch + 0.5,
            color="#e3e5e9",
            linewidth=0,
            zorder=0,
            label=label if epoch == bad[0] else None,
        )
