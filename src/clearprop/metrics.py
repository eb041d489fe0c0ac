"""Metrics of predictions, with the definitions of scikit-learn.

They are written out here because scikit-learn takes longer to import than a small network takes to train.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, describe
from clearprop.errors import OptionError, ShapeError
from clearprop.rules import count, require

MOST_BINS = 10**6


@checked
def classification_metrics(y: Array, predicted: Array, n_classes: int) -> dict[str, Any]:
    """Accuracy; precision, recall and F1, each averaged over the classes; and the confusion matrix.

    Parameters
    ----------
    y, predicted : array of int (N,)
        True and predicted classes.
    n_classes : int

    Returns
    -------
    dict
        JSON-able: `accuracy`, `precision`, `recall`, `f1`, and `confusion`, with a row for each true class and a column for
        each predicted one. A class that was never predicted has precision 0.

    Raises
    ------
    ShapeError
        If y and predicted differ in length.
    OptionError
        If they are empty, or hold other classes.

    Examples
    --------
    >>> classification_metrics(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)["confusion"]
    [[1, 1], [0, 2]]
    """
    _same_length(y, predicted)
    for what, labels in (("y", y), ("predicted", predicted)):
        if len(labels) == 0 or labels.min() < 0 or labels.max() >= n_classes:
            held = f"from {labels.min()} to {labels.max()}" if len(labels) else "empty"
            raise OptionError(f"{what} must hold classes from 0 to {n_classes - 1}; it is {describe(labels)}, {held}.")
    confusion = np.bincount(n_classes * y.astype(np.intp) + predicted, minlength=n_classes**2).reshape(n_classes, n_classes)
    found, true, guessed = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    return {
        "accuracy": float(found.sum() / len(y)),
        "precision": float(_shares(found, guessed).mean()),
        "recall": float(_shares(found, true).mean()),
        "f1": float(_shares(2 * found, true + guessed).mean()),
        "confusion": confusion.tolist(),
    }


@checked
def average_precision(y: Array, score: Array) -> float:
    """Mean precision over the recalls, of rows in the order of a score: 1 if all positive rows come first.

    Parameters
    ----------
    y : array of bool (N,)
        Whether a row is positive.
    score : array (N,)
        Large where a row is likely to be.

    Examples
    --------
    >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.1]))
    0.8333333333333333
    """
    y, score = _as_vector("y", y), _as_vector("score", score)
    if len(y) != len(score) or len(y) == 0:
        raise ShapeError(f"y is {describe(y)}, but score is {describe(score)}; give one score for each row.")
    order = np.argsort(-score, kind="stable")
    found, sorted_score = np.cumsum(y[order]), score[order]
    last = np.append(np.flatnonzero(np.diff(sorted_score)), len(y) - 1)  # rows with the same score count together
    hits = found[last]
    return float((np.diff(hits, prepend=0) * hits / (last + 1)).sum() / max(1, hits[-1]))


@checked
def reliability(y: Array, p: Array, bins: int = 10) -> list[dict[str, Any]]:
    """The reliability curve: predictions sorted by their confidence, and the share of them that is right.

    Parameters
    ----------
    y : array of int (N,)
        True classes.
    p : array (N, C)
        Predicted probabilities; the confidence of a prediction is the largest of its row.
    bins : int
        Number of intervals of equal width, from 0 to 1.

    Returns
    -------
    list of dict
        One for each interval that holds predictions: `low`, `high`; `confidence` and `accuracy`, the means over its
        predictions; `examples`, their number.

    Raises
    ------
    ShapeError
        If p does not have a row for each of y.
    OptionError
        If bins is no whole number from 1 to 1,000,000.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.2, 0.8], [0.45, 0.55]])
    >>> [(row["examples"], row["accuracy"]) for row in reliability(np.array([0, 0, 1]), p, bins=5)]
    [(1, 1.0), (2, 0.5)]
    """
    bins = count("bins", bins)
    require(bins <= MOST_BINS, "bins", bins, f"at most {MOST_BINS}")
    y, p = _classes_and_probabilities(y, p)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="right") - 1, 0, bins - 1)
    return [
        {
            "low": float(edges[k]),
            "high": float(edges[k + 1]),
            "confidence": float(confidence[place == k].mean()),
            "accuracy": float(right[place == k].mean()),
            "examples": int((place == k).sum()),
        }
        for k in np.unique(place).tolist()
    ]


@checked
def calibration_metrics(y: Array, p: Array) -> dict[str, float]:
    """Brier score and expected calibration error: whether probabilities mean what they say.

    Parameters
    ----------
    y : array of int (N,)
        True classes.
    p : array (N, C)
        Predicted probabilities.

    Returns
    -------
    dict
        `brier`, the mean squared distance of the probabilities from the one-hot classes, and half of it for two classes, as in
        scikit-learn; `ece`, the mean over 15 intervals of confidence, weighted by their examples, of the distance between
        confidence and accuracy (Guo et al., On calibration of modern neural networks, ICML 2017). Both are best at 0.

    Examples
    --------
    >>> calibration_metrics(np.array([0, 1]), np.array([[1.0, 0.0], [0.5, 0.5]]))
    {'brier': 0.125, 'ece': 0.25}
    """
    y, p = _classes_and_probabilities(y, p)
    distance = ((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1).mean()
    gaps = [row["examples"] * abs(row["confidence"] - row["accuracy"]) for row in reliability(y, p, 15)]
    return {"brier": float(distance / (2 if p.shape[1] == 2 else 1)), "ece": float(sum(gaps) / len(y))}


def _classes_and_probabilities(y: Array, p: Array) -> tuple[Array, Array]:
    """Classes (N,) as integers, and probabilities (N, C) as float64."""
    y, p = np.asarray(y), np.asarray(p, np.float64)
    if p.ndim != 2 or y.shape != p.shape[:1] or len(y) == 0 or y.dtype.kind not in "iu":
        raise ShapeError(
            f"y is {describe(y)}, but p is {describe(p)}; give integer classes (N,), and a probability for each (N, C)."
        )
    if y.min() < 0 or y.max() >= p.shape[1]:
        raise OptionError(f"y must hold classes from 0 to {p.shape[1] - 1}; it runs from {y.min()} to {y.max()}.")
    return y, p


def _as_vector(name: str, given: Any) -> Array:
    """One number for each row (N,)."""
    values = np.asarray(given)
    if values.ndim != 1 or values.dtype.kind not in "biuf":
        raise ShapeError(f"{name} must be one number for each row (N,), not {describe(values)}.")
    return values.astype(np.float64)


def _shares(part: Array, whole: Array) -> Array:
    """part / whole (C,), 0 where the whole is 0."""
    return part / np.maximum(whole, 1)


@checked
def regression_metrics(y: Array, predicted: Array) -> dict[str, float]:
    """R2 (1 is perfect, 0 is no better than the mean), root mean squared error, and mean absolute error.

    Each is the mean over the targets. The R2 of a single example is NaN.

    Parameters
    ----------
    y, predicted : array (N, n_y)

    Raises
    ------
    ShapeError
        If their shapes differ.

    Examples
    --------
    >>> regression_metrics(np.array([[1.0], [3.0]]), np.array([[1.0], [3.0]]))
    {'r2': 1.0, 'rmse': 0.0, 'mae': 0.0}
    """
    if y.shape != predicted.shape:
        raise ShapeError(f"y is {describe(y)}, but the predictions are {describe(predicted)}; they must have the same shape.")
    error, spread = predicted - y, y - y.mean(axis=0)
    squares, total = (error**2).sum(axis=0), (spread**2).sum(axis=0)
    # For a target that is the same everywhere, 1 if it is predicted exactly, otherwise 0.
    r2 = np.where(total > 0, 1 - squares / np.where(total > 0, total, 1), squares == 0)
    return {
        "r2": float(r2.mean()) if len(y) > 1 else float("nan"),
        "rmse": float(np.sqrt(squares / len(y)).mean()),
        "mae": float(np.abs(error).mean()),
    }


def _same_length(y: Array, predicted: Array) -> None:
    if y.shape != predicted.shape or y.ndim != 1:
        raise ShapeError(f"y is {describe(y)}, but the predictions are {describe(predicted)}; both must be (N,).")
