"""One yardstick for all runs, so that a run and its cured copy can be compared though their losses differ."""

from __future__ import annotations

import math

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Split
from clearprop.doctor.case import Case, holds_labels
from clearprop.nn import Net
from clearprop.nn.loss import classes_of

TINY = 1e-7  # a probability below this counts as this


def score(case: Case, net: Net, split: Split, outputs: Array | None = None) -> tuple[float, float]:
    """Mean cross-entropy of the probabilities, or squared error as a share of the target's variance; and the accuracy.

    Parameters
    ----------
    case : Case
    net : Net
    split : Split
    outputs : array, optional
        The net's outputs for the split, if they were computed already.

    Returns
    -------
    score, accuracy : float
        The accuracy is NaN without classes; both are, where the targets cannot be told.
    """
    if not len(split):
        return math.nan, math.nan
    with np.errstate(all="ignore"):
        y_hat = net(split.X) if outputs is None else outputs
        if not np.isfinite(y_hat).all():
            return math.inf, math.nan
        if holds_labels(case.train.y):
            return _of_classes(case, y_hat, split.y)
        y = split.y.reshape(len(split), -1)
        variance = float(case.train.y.astype(np.float64).var(axis=0).mean())
        if y.shape[1] not in (1, y_hat.shape[1]):
            return math.nan, math.nan
        return float(((y_hat.astype(np.float64) - y) ** 2).mean()) / max(variance, 1e-30), math.nan


def _of_classes(case: Case, y_hat: Array, y: Array) -> tuple[float, float]:
    own = classes_of(y)
    classes = np.searchsorted(np.union1d(case.labels, own), own)
    p = case.loss.probabilities(y_hat)
    if p is None:  # several outputs against one label, or a loss that is not about classes
        p = _shares(y_hat, int(classes.max()) + 1)
    if p.shape[1] <= classes.max():
        return math.nan, math.nan
    if p.shape[1] > 2 and y.ndim == 2 and y.shape[1] == 1:
        right = np.where(classes[:, None] == 1, y_hat, 1 - y_hat)
        return float(-np.log(np.clip(right, TINY, 1)).mean()), float((right > 0.5).mean())
    chosen = p[np.arange(len(y)), classes]
    return float(-np.log(np.clip(chosen, TINY, 1)).mean()), float((p.argmax(axis=1) == classes).mean())


def _shares(y_hat: Array, n_classes: int) -> Array:
    """Outputs of a net that was not trained for classes, read as probabilities as well as can be."""
    if y_hat.shape[1] == 1 and n_classes == 2:
        p = np.clip(y_hat, 0, 1)
        return np.hstack([1 - p, p])
    p = np.clip(y_hat, TINY, None)
    return p / p.sum(axis=1, keepdims=True)


def base_score(case: Case, split: Split | None = None) -> float:
    """The score of the best constant prediction for a split (by default all training examples).

    It is the entropy of the class shares; or, as a share of the variance of all training targets, that of the split's.
    """
    split = case.train if split is None else split
    if not holds_labels(case.train.y):
        own, all_ = (float(part.y.astype(np.float64).var(axis=0).mean()) for part in (split, case.train))
        return own / max(all_, 1e-30) if all_ > 0 else 1.0
    shares = np.unique(classes_of(split.y), return_counts=True)[1] / len(split)
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())
