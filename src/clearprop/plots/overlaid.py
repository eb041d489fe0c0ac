"""Curves of many runs in one figure: each run a thin line, each group of runs one colour, its median a thick one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.errors import OptionError
from clearprop.plots import style
from clearprop.plots.heatmap import label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DECADES = 2  # a loss that spans more is drawn on a logarithmic scale


def many_curves(
    rows: Sequence[dict[str, Any]], metric: str = "train_loss", by: str | None = None, ax: Axes | None = None
) -> Axes:
    """A figure against the epoch, for every run.

    Parameters
    ----------
    rows : sequence of dict
        One for each trial and epoch, as from `run_sweep(..., every_epoch=True)`: `trial`, `epoch`, and the metric.
    metric : str
    by : str, optional
        A setting: the runs of each of its values get one colour, and their median a thick line.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    OptionError
        If no row has the metric.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> rows = [{"lr": 0.1, "trial": "a", "epoch": epoch, "train_loss": 1 / epoch} for epoch in (1, 2)]
    >>> many_curves(rows, by="lr", ax=Figure().subplots()).get_legend().get_texts()[0].get_text()
    'lr 0.1'
    """
    held = [row for row in rows if row.get(metric) is not None]
    if not held:
        raise OptionError(f"There is nothing to draw: none of the {len(rows)} rows holds {metric}.")
    ax = style.axes_or_new(ax)
    groups: dict[Any, list[dict[str, Any]]] = {}
    for row in held:
        groups.setdefault(row.get(by) if by is not None else None, []).append(row)
    for index, (value, found) in enumerate(groups.items()):
        _one_group(ax, found, metric, style.colour(index), "median" if by is None else f"{by} {label(value)}")
    finite = np.array([row[metric] for row in held if np.isfinite(row[metric])])
    if metric.endswith("loss") and finite.size and finite.min() > 0 and finite.max() > 10**DECADES * finite.min():
        ax.set_yscale("log")
    words = metric.replace("val_", "validation_").replace("train_", "training_").replace("_", " ")
    style.dress(ax, "epoch", words)
    if metric.endswith("accuracy"):
        from matplotlib.ticker import FuncFormatter

        ax.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g} %"))
    style.legend_above(ax, columns=4)
    return ax


def _one_group(ax: Axes, rows: list[dict[str, Any]], metric: str, colour: str, name: str) -> None:
    runs: dict[Any, list[tuple[float, float]]] = {}
    for row in rows:
        runs.setdefault(row.get("trial"), []).append((float(row["epoch"]), float(row[metric])))
    faint = float(np.clip(3.0 / len(runs), 0.08, 0.35))
    last: dict[float, list[float]] = {}
    diverged = 0
    for points in runs.values():
        epochs, values = np.array(sorted(points)).T
        ok = np.isfinite(values)
        ax.plot(epochs, np.where(ok, values, np.nan), color=colour, linewidth=0.8, alpha=faint, zorder=2)
        if not ok.all():  # a cross where it was last finite
            diverged += 1
            if ok.any():
                ax.plot(epochs[ok][-1], values[ok][-1], marker="x", color=colour, markersize=6, linestyle="none", zorder=4)
        for epoch, value in zip(epochs[ok].tolist(), values[ok].tolist(), strict=True):
            last.setdefault(epoch, []).append(value)
    epochs = np.array(sorted(last))
    note = f" ({diverged} of {len(runs)} diverge)" if diverged else ""
    median = [float(np.median(last[epoch])) for epoch in epochs]
    marker = "o" if len(epochs) <= 12 else None
    ax.plot(epochs, median, color=colour, linewidth=2.0, marker=marker, markersize=style.MARKER, label=name + note, zorder=3)
