"""The doctor for curves: what a table of losses and accuracies can tell on its own, and no more.

No remedy is tried here, as there is nothing to train; a finding says what the curve shows, not what caused it.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.doctor.chart import Chart
from clearprop.doctor.diagnosis import Diagnosis
from clearprop.doctor.finding import Finding, Remedy, counted
from clearprop.errors import DataError
from clearprop.training import History
from clearprop.training.history import Row

NAMES = {
    "loss": "train_loss", "training_loss": "train_loss", "accuracy": "train_accuracy", "acc": "train_accuracy",
    "train_acc": "train_accuracy", "val_acc": "val_accuracy", "validation_loss": "val_loss", "test_loss": "val_loss",
    "validation_accuracy": "val_accuracy", "test_accuracy": "val_accuracy",
}  # fmt: skip
LEAST = 3  # epochs from which a curve can be judged


def read_curves(path: str | Path) -> list[Row]:
    """Rows of a .csv, .tsv or .jsonl file, with the history's names for the columns.

    Raises
    ------
    DataError
        If the file cannot be read, or has no column with a loss.
    """
    path = Path(path)
    if path.suffix == ".jsonl":
        rows: list[dict[str, Any]] = History.from_jsonl(path).rows
    else:
        try:
            text = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"Cannot read the curves {str(path)!r}: {error}.") from None
        delimiter = "\t" if path.suffix == ".tsv" else (";" if text and ";" in text[0] else ",")
        rows = [dict(row) for row in csv.DictReader(text, delimiter=delimiter)]
    renamed = [{as_named(str(key)): value for key, value in row.items() if key is not None} for row in rows]
    curves = [{key: as_number(value) for key, value in row.items()} for row in renamed]
    if not any("train_loss" in row or "val_loss" in row for row in curves):
        known = ", ".join(dict.fromkeys(key for row in curves for key in row)) or "none"
        raise DataError(f"{str(path)!r} has no column loss, train_loss or val_loss; its columns are: {known}.")
    return curves


def as_named(name: str) -> str:
    """The history's name for a column."""
    name = name.strip().lower().replace(" ", "_").replace("-", "_")
    return NAMES.get(name, name)


def as_number(value: Any) -> float:
    """The value as a number; NaN if it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def diagnose_curves(rows: Sequence[Row]) -> Diagnosis:
    """Say what the curves of a run show.

    Parameters
    ----------
    rows : sequence of dict
        `train_loss`, and if there are any `val_loss`, `train_accuracy`, `val_accuracy`, one row an epoch.

    Returns
    -------
    Diagnosis
        The verdict, without treatments; `unknown` if there are too few epochs.

    Examples
    --------
    >>> rows = [{"epoch": e, "train_loss": 2.3026} for e in range(1, 11)]
    >>> diagnose_curves(rows).findings[0].slug
    'constant-predictor'
    """
    chart = Chart({"history": [dict(row) for row in rows]})
    train = np.array([row.get("train_loss", math.nan) for row in rows], dtype=np.float64)
    val = np.array([row.get("val_loss", math.nan) for row in rows], dtype=np.float64)
    if np.isnan(train).all():
        train = val
    if len(rows) < LEAST:
        return Diagnosis(
            (), chart, unknown=f"a curve of {counted(len(rows), 'epoch')} is too short to judge; give at least {LEAST}"
        )
    found = [judge(train, val) for judge in JUDGES]
    kept = [finding for finding in found if finding is not None]
    if any(finding.slug == "nonfinite-loss" for finding in kept):
        kept = [finding for finding in kept if finding.slug in ("nonfinite-loss", "diverging")]
    return Diagnosis(tuple(kept), chart)


def nonfinite(train: Array, val: Array) -> Finding | None:
    """A NaN or infinity in the training loss."""
    bad = np.flatnonzero(~np.isfinite(train))
    if not len(bad):
        return None
    before = f"{train[bad[0] - 1]:.4g} in the epoch before" if bad[0] else "so from the start"
    return Finding(
        "nonfinite-loss", f"The loss is not finite in epoch {bad[0] + 1}; it was {before}.", since=f"epoch {bad[0] + 1}",
        why="log 0, 0 / 0 or an overflow; a curve alone does not tell which.",
        remedy=Remedy("run `clearprop doctor` on the run itself, which names the layer and the step"),
    )  # fmt: skip


def constant(train: Array, val: Array) -> Finding | None:
    """A loss that stays at ln C, that of a net which ignores its input."""
    if not np.isfinite(train).all() or np.ptp(train) > 0.03 * abs(train.mean()):
        return None
    near = [c for c in range(2, 1001) if abs(train.mean() - math.log(c)) < 0.004 * math.log(c)]
    same = f", which is ln {near[0]}: the loss of equal probabilities for {near[0]} classes" if near else ""
    return Finding(
        "constant-predictor", f"The loss stays at {train.mean():.4g} for all {len(train)} epochs{same}.",
        why="The best constant prediction for C equal classes has the loss ln C.",
        remedy=Remedy("look at the scale of inputs and first weights, and at the learning rate"),
    )  # fmt: skip


def growing(train: Array, val: Array) -> Finding | None:
    """A training loss that ends far above where it began."""
    finite = train[np.isfinite(train)]
    if len(finite) < LEAST or finite[-1] < 1.3 * finite[0] or finite[0] <= 0:
        return None
    return Finding(
        "diverging", f"The training loss grows, from {finite[0]:.4g} to {finite[-1]:.4g}.",
        why="Steps longer than 2 / curvature lead uphill.", remedy=Remedy("lower the learning rate"),
    )  # fmt: skip


def jumping(train: Array, val: Array) -> Finding | None:
    """A training loss that goes up as often as down, by much."""
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


def memorising(train: Array, val: Array) -> Finding | None:
    """A validation loss that rises while the training loss falls."""
    if len(val) < 5 or not (np.isfinite(val).all() and np.isfinite(train).all()):
        return None
    best, end = int(val.argmin()), float(np.median(val[-3:]))
    if end < 1.3 * val[best] or best > 0.75 * len(val) or train[-1] >= train[best]:
        return None
    return Finding(
        "overfitting",
        f"The validation loss is lowest ({val[best]:.4g}) in epoch {best + 1} and rises to {end:.4g}, while the training loss"
        f" falls to {train[-1]:.4g}.",
        since=f"epoch {best + 1}",
        why="What is learned after that epoch is true of the training examples only.",
        remedy=Remedy("keep the net of that epoch, or give it more examples or stronger regularisation"),
    )


def unfinished(train: Array, val: Array) -> Finding | None:
    """A training loss that still falls fast in the end."""
    if not np.isfinite(train).all() or len(train) > 200 or train[0] <= 0:
        return None
    last = train[-max(LEAST, len(train) // 5) :]
    held = val[np.isfinite(val)]
    falls = (np.diff(last) < 0).all() and last[-1] < 0.85 * last[0] and last[-1] > 0.25 * train[0]
    if not falls or (len(held) and held[-1] > held.min()):
        return None
    return Finding(
        "too-few-epochs", f"The loss still falls when the run ends, from {last[0]:.4g} to {last[-1]:.4g} in the"
        f" last {len(last)} epochs.",
        why="Gradient descent closes a share of the distance each step.", remedy=Remedy("train longer"),
    )  # fmt: skip


JUDGES: tuple[Callable[[Array, Array], Finding | None], ...] = (nonfinite, growing, constant, jumping, memorising, unfinished)
