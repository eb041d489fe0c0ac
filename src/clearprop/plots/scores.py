"""What a classifier says about points: its outputs as probabilities, whatever form they have."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from clearprop.arrays import Array, describe
from clearprop.errors import OptionError, ShapeError
from clearprop.registry import choose

OUTPUTS = ("auto", "probabilities", "scores")
CHUNK = 4096  # points that are predicted at a time, to bound the memory


def class_probabilities(predict: Callable[[Array], Array], X: Array, outputs: str = "auto") -> Array:
    """Probability of each class at each point.

    Parameters
    ----------
    predict : callable
        X (N, n_x) -> (N, C) with a column for each class, or (N, 1) or (N,) for class 1 of two.
    X : array (N, n_x)
    outputs : {"auto", "probabilities", "scores"}
        Scores go through softmax, or the sigmoid if there is one column. "auto" reads numbers as probabilities if none lies
        outside [0, 1] and, where there are several columns, every row sums to 1.

    Returns
    -------
    array (N, C) of float64
        C is 2 for one column.

    Raises
    ------
    ShapeError
        If `predict` does not return one row for each point.
    OptionError
        If it returns NaN or infinity, or numbers outside [0, 1] that were said to be probabilities.

    Examples
    --------
    >>> class_probabilities(lambda X: X[:, :1], np.array([[0.25], [1.0]]))
    array([[0.75, 0.25],
           [0.  , 1.  ]])
    """
    choose("outputs", outputs, OUTPUTS)
    q = np.concatenate([_rows(predict, X[i : i + CHUNK]) for i in range(0, len(X), CHUNK)])
    if not np.isfinite(q).all():
        raise OptionError(f"predict gave {np.count_nonzero(~np.isfinite(q))} NaN or infinite numbers out of {q.size}.")
    inside = q.min() >= -1e-6 and q.max() <= 1 + 1e-6
    if outputs == "probabilities" and not inside:
        raise OptionError(f"Probabilities lie in [0, 1], but predict gave {q.min():.3g} to {q.max():.3g}; outputs='scores'?")
    sums = q.shape[1] == 1 or np.allclose(q.sum(axis=1), 1, atol=1e-3)
    if outputs == "scores" or (outputs == "auto" and not (inside and sums)):
        q = _normalise(q)
    q = q.clip(0, 1)
    return np.hstack([1 - q, q]) if q.shape[1] == 1 else q


def _rows(predict: Callable[[Array], Array], X: Array) -> Array:
    q = np.asarray(predict(X), dtype=np.float64)
    if q.ndim == 1 and len(q) == len(X):
        q = q[:, np.newaxis]
    if q.ndim != 2 or len(q) != len(X) or q.shape[1] == 0:
        raise ShapeError(f"predict must map X {X.shape} to one row of class scores for each point, not to {describe(q)}.")
    return q


def _normalise(z: Array) -> Array:
    """Softmax along each row, or the sigmoid of a single column."""
    if z.shape[1] == 1:
        return 0.5 * (1 + np.tanh(0.5 * z))
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
