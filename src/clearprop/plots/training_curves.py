"""Curves against the epoch: the training and validation figures of one run, and one figure of many runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.errors import OptionError
from clearprop.plots import style
from clearprop.registry import choose
from clearprop.rules import require_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Metric = Literal["loss", "accuracy"]
METRICS: tuple[Metric, ...] = get_args(Metric)
FEW = 25  # up to this many epochs, each one gets a dot


@checked
def learning_curves(
    rows: Iterable[dict[str, Any]], ax: Axes | None = None, metric: Metric = "loss", kept: int | None = None
) -> Axes:
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
    kept : int, optional
        Epoch whose network was kept, to be marked if it is not the best of this metric.

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
    require_rows("rows", rows, [])
    choose("metric", metric, METRICS)
    names = {"training": f"train_{metric}", "validation": f"val_{metric}"}
    for name in names.values():
        require_rows("rows", [row for row in rows if row.get(name) is not None], [], [name])
    found = {label: _epochs_and_values(rows, name) for label, name in names.items()}
    found = {label: column for label, column in found.items() if len(column[0])}
    if not found:
        raise OptionError(f"There is no {metric} to draw: none of the {len(rows)} rows holds {' or '.join(names.values())}.")
    ax = style.axes_or_new(ax)
    colours = {"training": style.TRAIN, "validation": style.VALIDATION}
    for label, (epochs, values) in found.items():
        _draw_line(ax, epochs, values, colours[label], label)
    if "validation" in found:
        _mark_best(ax, *found["validation"], metric, kept)
    epochs, values = (np.concatenate(parts) for parts in zip(*found.values(), strict=True))
    _mark_nonfinite(ax, epochs, values)
    _scale_epochs(ax, epochs)
    if metric == "accuracy":
        style.percent_axis(ax)
    else:
        style.log_if_wide(ax, values)
    style.dress(ax, "epoch", metric)
    entries = len(ax.get_legend_handles_labels()[0])
    style.legend_above(ax, columns=2 if entries > 3 else 3)
    return ax


def _epochs_and_values(rows: list[dict[str, Any]], name: str) -> tuple[Array, Array]:
    """Epochs and values of the rows that hold the column; infinities become NaN, which is drawn as a gap."""
    held = [(row.get("epoch", number), float(row[name])) for number, row in enumerate(rows, 1) if row.get(name) is not None]
    epochs = np.array([epoch for epoch, _ in held])
    values = np.array([value for _, value in held])
    return epochs, np.where(np.isfinite(values), values, np.nan)


def _draw_line(ax: Axes, epochs: Array, values: Array, colour: str, label: str) -> None:
    finite = np.pad(np.isfinite(values), 1)
    alone = finite[1:-1] & ~finite[:-2] & ~finite[2:]  # a point between two gaps would be invisible without a dot
    dots = np.flatnonzero(alone | (len(values) <= FEW))
    ax.plot(
        epochs, values, color=colour, linewidth=style.LINE, marker="o", markersize=style.MARKER,
        markevery=[int(i) for i in dots], label=label,
    )  # fmt: skip


def _scale_epochs(ax: Axes, epochs: Array) -> None:
    from matplotlib.ticker import FixedLocator, MaxNLocator

    first, last = epochs.min(), epochs.max()
    margin = max(0.02 * (last - first), 0.5)
    ax.set_xlim(first - margin, last + margin)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]) if last > first else FixedLocator([first]))


def _mark_best(ax: Axes, epochs: Array, values: Array, metric: Metric, kept: int | None) -> None:
    """A ring around the figure of the epoch that was kept, or else the best (the earliest of equal ones), with its value."""
    if not np.isfinite(values).any():
        return
    best = int(np.nanargmin(values) if metric == "loss" else np.nanargmax(values))
    word = "best"
    if kept is not None and kept != epochs[best] and kept in epochs.tolist():
        best, word = epochs.tolist().index(kept), "kept"
    shown = f"{values[best]:.3g}" if metric == "loss" else f"{100 * values[best]:.1f} %"
    ax.plot(
        epochs[best], values[best], marker="o", markersize=8, markerfacecolor="white", markeredgecolor=style.VALIDATION,
        markeredgewidth=style.LINE, linestyle="none", zorder=4, clip_on=False, label=f"{word}: {shown}, epoch {epochs[best]}",
    )  # fmt: skip


def _mark_nonfinite(ax: Axes, epochs: Array, values: Array) -> None:
    """Shade the epochs with a NaN or an infinity, and name the first in the legend."""
    bad = np.unique(epochs[np.isnan(values)])
    if not bad.size:
        return
    lasting = set(epochs[epochs >= bad[0]]) == set(bad)
    label = f"not finite {'from' if lasting else 'at'} epoch {bad[0]}{'' if lasting or len(bad) == 1 else ' ...'}"
    for epoch in bad:
        first = label if epoch == bad[0] else None
        ax.axvspan(epoch - 0.5, epoch + 0.5, color=style.SHADE, linewidth=0, zorder=0, label=first)


@checked
def many_curves(
    rows: Sequence[dict[str, Any]], metric: str = "train_loss", by: str | None = None, ax: Axes | None = None
) -> Axes:
    """One figure against the epoch for many runs: a thin line for each run, a thick one for the median of each group.

    Parameters
    ----------
    rows : sequence of dict
        One for each trial and epoch, as from `run_sweep(..., every_epoch=True)`: `trial`, `epoch`, and the metric.
    metric : str
    by : str, optional
        A setting: the runs with the same value of it form a group, drawn in one colour.
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
    require_rows("rows", held, [], ["epoch", metric])
    ax = style.axes_or_new(ax)
    groups: dict[Any, list[dict[str, Any]]] = {}
    for row in held:
        groups.setdefault(row.get(by) if by is not None else None, []).append(row)
    for index, (value, found) in enumerate(groups.items()):
        _draw_group(ax, found, metric, style.colour(index), "median" if by is None else f"{by} {style.setting_name(value)}")
    if metric.endswith("loss"):
        style.log_if_wide(ax, np.array([row[metric] for row in held], dtype=np.float64))
    words = metric.replace("val_", "validation_").replace("train_", "training_").replace("_", " ")
    style.dress(ax, "epoch", words)
    if metric.endswith("accuracy"):
        style.percent_axis(ax)
    style.legend_above(ax, columns=4)
    return ax


def _draw_group(ax: Axes, rows: list[dict[str, Any]], metric: str, colour: str, name: str) -> None:
    runs: dict[Any, list[tuple[float, float]]] = {}
    for row in rows:
        runs.setdefault(row.get("trial"), []).append((float(row["epoch"]), float(row[metric])))
    faint = float(np.clip(3.0 / len(runs), 0.08, 0.35))
    by_epoch: dict[float, list[float]] = {}
    diverged = 0
    for points in runs.values():
        epochs, values = np.array(sorted(points)).T
        ok = np.isfinite(values)
        ax.plot(epochs, np.where(ok, values, np.nan), color=colour, linewidth=0.8, alpha=faint, zorder=2)
        if not ok.all():  # a cross at the last finite value
            diverged += 1
            if ok.any():
                ax.plot(epochs[ok][-1], values[ok][-1], marker="x", color=colour, markersize=6, linestyle="none", zorder=4)
        for epoch, value in zip(epochs[ok].tolist(), values[ok].tolist(), strict=True):
            by_epoch.setdefault(epoch, []).append(value)
    epochs = np.array(sorted(by_epoch))
    note = f" ({diverged} of {len(runs)} diverge)" if diverged else ""
    median = [float(np.median(by_epoch[epoch])) for epoch in epochs]
    marker = "o" if len(epochs) <= 12 else None
    ax.plot(epochs, median, color=colour, linewidth=2.0, marker=marker, markersize=style.MARKER, label=name + note, zorder=3)


@checked
def step_losses(curves: Mapping[str, Sequence[float]], ax: Axes | None = None) -> Axes:
    """The loss of every batch against the step, one line for each run.

    Parameters
    ----------
    curves : dict of str to sequence of float
        For each run, the losses of its batches in order.
    ax : matplotlib Axes, optional
        To draw on; by default, those of a new pyplot figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    OptionError
        If there is no run.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> step_losses({"lr 0.1": [0.7, 0.6, 0.65]}, Figure().subplots()).get_xlabel()
    'step'
    """
    if not curves:
        raise OptionError("There is nothing to draw: no run has losses.")
    ax = style.axes_or_new(ax)
    for index, (name, losses) in enumerate(curves.items()):
        steps = np.arange(1, len(losses) + 1)
        ax.plot(
            steps, np.asarray(losses, float), color=style.colour(index), linewidth=0.5 * style.LINE, label=style.plain(name)
        )
    style.log_if_wide(ax, np.concatenate([np.asarray(losses, float) for losses in curves.values()]))
    style.dress(ax, "step", "loss of the batch")
    style.legend_above(ax)
    return ax
