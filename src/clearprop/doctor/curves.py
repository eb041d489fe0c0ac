"""The doctor for curves: what a table of losses and accuracies can tell on its own, and no more.

No remedy is tried here, as there is nothing to train; a finding says what the curve shows, not what caused it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.doctor.chart import Chart
from clearprop.doctor.curve_tables import as_curves, of_python, read_curves
from clearprop.doctor.diagnosis import Diagnosis
from clearprop.doctor.finding import Finding, Remedy, counted
from clearprop.training.history import Row

__all__ = ["diagnose_curves", "read_curves"]

LEAST = 3  # epochs from which a curve can be judged
COUNTS = (*range(2, 31), 50, 62, 100, 102, 200, 256, 365, 500, 1000)  # of classes, whose ln C is known again


@dataclass(frozen=True)
class Curves:
    """The losses of a run, without holes.

    Attributes
    ----------
    train : array
        Training losses; the validation losses where there are no others.
    epochs : array
        Number of the epoch, from 1, of each.
    val, beside : array
        Validation losses that are finite, and the training losses of the same epochs.
    measured : array
        Number of the epoch of each validation loss.
    """

    train: Array
    epochs: Array
    val: Array
    beside: Array
    measured: Array


def without_holes(rows: list[Row]) -> Curves:
    """The curves of rows, some of which may lack a loss."""
    at = {
        name: np.array([i for i, row in enumerate(rows) if name in row], dtype=np.int64) for name in ("train_loss", "val_loss")
    }
    train, val = (np.array([rows[i][name] for i in at[name]], dtype=np.float64) for name in at)
    where, measured = at["train_loss"], at["val_loss"]
    if not len(train):
        train, where, val, measured = val, measured, val[:0], measured[:0]
    finite = np.isfinite(val)
    val, measured = val[finite], measured[finite]
    beside = np.interp(measured, where, train) if len(val) else val
    return Curves(train, where + 1, val, beside, measured + 1)


def diagnose_curves(curves: Any, columns: dict[str, str] | None = None) -> Diagnosis:
    """Say what the curves of a run show.

    Parameters
    ----------
    curves : list, dict, DataFrame or History
        Training losses, one an epoch; or what Keras's `fit` returns; or rows with `train_loss`, and if there are any,
        `val_loss`, `train_accuracy`,
        `val_accuracy`, or these under the names that other tools use; or lists or columns under such names. What is left out,
        or None, is a hole.
    columns : dict, optional
        Columns whose names are unusual: {"train": "my loss", "val": "my other loss"}.

    Returns
    -------
    Diagnosis
        The verdict, without treatments; `unknown` if there are too few epochs, or the loss hardly changes.

    Raises
    ------
    DataError
        If there is no loss in it.

    Examples
    --------
    >>> diagnose_curves([2.3026] * 10).findings[0].slug
    'constant-predictor'
    """
    given = of_python(curves)
    rows = as_curves(given, columns or {}) if given else []
    chart = Chart({"history": rows})
    found = without_holes(rows)
    if len(found.train) < LEAST:
        words = f"a curve of {counted(len(found.train), 'epoch')} is too short to judge; give at least {LEAST}"
        return Diagnosis((), chart, unknown=words)
    kept = [finding for finding in (judge(found) for judge in JUDGES) if finding is not None]
    if any(finding.slug == "nonfinite-loss" for finding in kept):
        kept = [finding for finding in kept if finding.slug in ("nonfinite-loss", "diverging")]
    if not kept and level(found.train):
        low, high = found.train.min(), found.train.max()
        accuracy = [row["train_accuracy"] for row in rows if "train_accuracy" in row]
        if not accuracy or not accuracy[-1] > 0.9:
            words = f"the loss stays between {low:.4g} and {high:.4g}; the curve alone does not tell a run that has converged"
            return Diagnosis((), chart, unknown=f"{words} from one that learns nothing")
    return Diagnosis(tuple(kept), chart)


def level(train: Array) -> bool:
    """Whether a loss hardly changes."""
    return bool(np.isfinite(train).all() and np.ptp(train) <= 0.03 * abs(train.mean()))


def nonfinite(curves: Curves) -> Finding | None:
    """A NaN or infinity in the training loss."""
    train = curves.train
    bad = np.flatnonzero(~np.isfinite(train))
    if not len(bad):
        return None
    before = f"it was {train[bad[0] - 1]:.4g} in the epoch before" if bad[0] else "it was so from the start"
    epoch = curves.epochs[bad[0]]
    return Finding(
        "nonfinite-loss", f"The loss is not finite in epoch {epoch}; {before}.", since=f"epoch {epoch}",
        why="log 0, 0 / 0 or an overflow; a curve alone does not tell which.",
        remedy=Remedy("run `clearprop doctor` on the run itself, which names the layer and the step"),
    )  # fmt: skip


def constant(curves: Curves) -> Finding | None:
    """A loss that stays at ln C, that of a net which ignores its input."""
    train = curves.train
    near = [c for c in COUNTS if abs(train.mean() - math.log(c)) < (0.01 if c <= 10 else 0.003) * math.log(c)]
    if not level(train) or not near:
        return None
    classes = min(near, key=lambda c: abs(train.mean() - math.log(c)))
    return Finding(
        "constant-predictor", f"The loss stays at {train.mean():.4g} for all {len(train)} epochs, which is ln {classes}: the"
        f" loss of equal probabilities for {classes} classes.",
        why="The best constant prediction for C equal classes has the loss ln C.",
        remedy=Remedy("look at the scale of inputs and first weights, and at the learning rate"),
    )  # fmt: skip


def growing(curves: Curves) -> Finding | None:
    """A training loss that ends far above where it began."""
    train = curves.train
    finite = train[np.isfinite(train)]
    if len(finite) < LEAST or finite[-1] < 1.3 * finite[0] or finite[0] <= 0:
        return None
    return Finding(
        "diverging", f"The training loss grows, from {finite[0]:.4g} to {finite[-1]:.4g}.",
        why="Steps longer than 2 / curvature lead uphill.", remedy=Remedy("lower the learning rate"),
    )  # fmt: skip


def jumping(curves: Curves) -> Finding | None:
    """A training loss that goes up as often as down, by much."""
    train = curves.train
    tail = train[len(train) // 3 :]
    if len(tail) < 6 or not np.isfinite(tail).all() or tail.mean() <= 0:
        return None
    jumps = np.diff(tail)
    swing = float(np.abs(jumps).mean() / tail.mean())
    if (jumps > 0).mean() < 0.3 or swing < 0.2:
        return None
    return Finding(
        "oscillating", f"The training loss jumps by {100 * swing:.0f} % from epoch to epoch, around {tail.mean():.3g}.",
        why="With steps near 2 / curvature each one overshoots the minimum.", remedy=Remedy("lower the learning rate"),
    )  # fmt: skip


def memorising(curves: Curves) -> Finding | None:
    """A validation loss that rises while the training loss falls."""
    val, train = curves.val, curves.beside
    if len(val) < 4 or not np.isfinite(train).all():
        return None
    best, end = int(val.argmin()), float(np.median(val[-3:] if len(val) > 6 else val[-1:]))
    if end < 1.3 * val[best] or best > 0.75 * len(val) or train[-1] >= train[best]:
        return None
    return Finding(
        "overfitting",
        f"The validation loss is lowest ({val[best]:.4g}) in epoch {curves.measured[best]} and rises to {end:.4g}, while the"
        f" training loss falls to {train[-1]:.4g}.",
        since=f"epoch {curves.measured[best]}",
        why="What is learned after that epoch is true of the training examples only.",
        remedy=Remedy("keep the net of that epoch, or give it more examples or stronger regularisation"),
    )


def unfinished(curves: Curves) -> Finding | None:
    """A training loss that still falls fast in the end."""
    train, held = curves.train, curves.val
    if not np.isfinite(train).all() or len(train) > 200 or train[0] <= 0:
        return None
    last = train[-max(LEAST, len(train) // 5) :]
    falls = (np.diff(last) < 0).all() and last[-1] < 0.85 * last[0] and last[-1] > 0.25 * train[0]
    if not falls or (len(held) and held[-1] > held.min()):
        return None
    return Finding(
        "too-few-epochs", f"The loss still falls when the run ends, from {last[0]:.4g} to {last[-1]:.4g} in the"
        f" last {len(last)} epochs.",
        why="Gradient descent closes a share of the distance each step.", remedy=Remedy("train longer"),
    )  # fmt: skip


JUDGES: tuple[Callable[[Curves], Finding | None], ...] = (nonfinite, growing, constant, jumping, memorising, unfinished)
