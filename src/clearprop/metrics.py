"""Metrics of predictions, computed by scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array, describe
from clearprop.errors import ShapeError


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

    Examples
    --------
    >>> classification_metrics(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)["confusion"]
    [[1, 1], [0, 2]]
    """
    from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

    _same_length(y, predicted)
    labels = np.arange(n_classes)
    precision, recall, f1, _ = precision_recall_fscore_support(y, predicted, labels=labels, average="macro", zero_division=0)
    return {
        "accuracy": float(accuracy_score(y, predicted)),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
        "confusion": confusion_matrix(y, predicted, labels=labels).tolist(),
    }


def regression_metrics(y: Array, predicted: Array) -> dict[str, float]:
    """R2 (1 is perfect, 0 is no better than the mean), root mean squared error, and mean absolute error.

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
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    if y.shape != predicted.shape:
        raise ShapeError(f"y is {describe(y)}, but the predictions are {describe(predicted)}; they must have the same shape.")
    r2 = float(r2_score(y, predicted)) if len(y) > 1 else float("nan")
    rmse, mae = root_mean_squared_error(y, predicted), mean_absolute_error(y, predicted)
    return {"r2": r2, "rmse": float(rmse), "mae": float(mae)}


def _same_length(y: Array, predicted: Array) -> None:
    if y.shape != predicted.shape or y.ndim != 1:
        raise ShapeError(f"y is {describe(y)}, but the predictions are {describe(predicted)}; both must be (N,).")
