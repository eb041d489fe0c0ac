"""Drawings that several recipes share, each from rows that JSON can hold: curves of runs, and weights as images."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arrays import Array
from clearprop.recipes.exhibits import Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Columns = dict[str, list[float]]
COLUMNS = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy")
UNITS = 24  # whose weights are drawn


def curves_of(history: Iterable[Mapping[str, Any]]) -> Columns:
    """The columns of a history that its curves show, each as a list: the shortest form for a file."""
    rows = list(history)
    return {name: [row[name] for row in rows] for name in COLUMNS if rows and name in rows[0]}


def draw_runs(figure: Figure, rows: Mapping[str, Columns]) -> None:
    """A row of axes for each run, named: loss and accuracy."""
    from clearprop import plots
    from clearprop.plots import style
    from clearprop.plots.training_curves import METRICS

    for axes, (name, columns) in zip(figure.subplots(len(rows), 2, squeeze=False), rows.items(), strict=True):
        for ax, metric in zip(axes, METRICS, strict=True):
            plots.learning_curves(_by_epoch(columns), ax, metric)
            ax.text(0.98, 0.5, name, transform=ax.transAxes, ha="right", fontsize=style.LABEL)


def draw_losses(figure: Figure, rows: Mapping[str, Columns]) -> None:
    """The loss of each run, side by side."""
    _side_by_side(figure, rows, shared=False)


def draw_losses_on_one_scale(figure: Figure, rows: Mapping[str, Columns]) -> None:
    """The loss of each run, side by side, on one scale."""
    _side_by_side(figure, rows, shared=True)


def _side_by_side(figure: Figure, rows: Mapping[str, Columns], shared: bool) -> None:
    from clearprop import plots
    from clearprop.plots import style

    axes = figure.subplots(1, len(rows), sharey=shared, squeeze=False)[0]
    for ax, (name, columns) in zip(axes, rows.items(), strict=True):
        plots.learning_curves(_by_epoch(columns), ax)
        ax.set_xlabel(f"epoch ({name})", fontsize=style.LABEL)


def _by_epoch(columns: Columns) -> list[dict[str, float]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def weights_picture(W: Array, title: str, name: str = "weights") -> Picture:
    """The weights of the units with the longest weight vectors as images, in 8 bits; W (28 * 28, n)."""
    chosen = W[:, np.argsort(-np.linalg.norm(W, axis=0), kind="stable")[:UNITS]]
    return Picture(name, title, draw_weights, (8, 4.6), rows={"units": chosen.shape[1], "weights": eight_bits(chosen)})


def draw_weights(figure: Figure, rows: Mapping[str, Any]) -> None:
    """Images of 28 x 28 weights, one for each unit."""
    from clearprop.plots import first_layer

    first_layer(from_eight_bits(rows["weights"], (-1, rows["units"])), (28, 28), figure)


def eight_bits(columns: Array) -> str:
    """Columns of numbers as text: each is divided by its largest size, and rounded to one of 255 steps.

    Examples
    --------
    >>> from_eight_bits(eight_bits(np.array([[1.0, 0.0], [-0.5, 4.0]])), (2, 2)).round(2)
    array([[ 1. ,  0. ],
           [-0.5,  1. ]])
    """
    largest = np.abs(columns).max(axis=0)
    scaled = np.rint(127 * columns / np.where(largest > 0, largest, 1.0)).astype(np.int8)
    return base64.b85encode(scaled.tobytes()).decode()


def from_eight_bits(text: str, shape: tuple[int, int]) -> Array:
    """The columns again, each between -1 and 1."""
    return np.frombuffer(base64.b85decode(text), dtype=np.int8).reshape(shape) / 127.0
