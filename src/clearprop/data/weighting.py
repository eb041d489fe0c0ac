"""Weighting of training rows: by repetition, since every row counts the same in the mean of a loss."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array


def balanced_rows(y: Array, rng: np.random.Generator) -> Array:
    """Row numbers in which each class occurs as often as the largest does; rows of smaller classes are repeated.

    Examples
    --------
    >>> balanced_rows(np.array([0, 0, 0, 1]), np.random.default_rng(0)).tolist()
    [0, 1, 2, 3, 3, 3]
    """
    counts = np.bincount(y)
    found = []
    for label in np.flatnonzero(counts):
        rows = np.flatnonzero(y == label)
        whole, rest = divmod(int(counts.max()), len(rows))
        found.append(np.concatenate([np.repeat(rows, whole), rng.permutation(rows)[:rest]]))
    return np.sort(np.concatenate(found))


def weighted_rows(weights: Array, rng: np.random.Generator) -> Array:
    """As many row numbers as there are weights, each as often as its weight says, up to one (systematic sampling).

    Examples
    --------
    >>> weighted_rows(np.array([2.0, 0.0, 1.0, 1.0]), np.random.default_rng(0)).tolist()
    [0, 0, 2, 3]
    """
    ends = np.cumsum(weights)
    at = (np.arange(len(weights)) + rng.random()) * (ends[-1] / len(weights))
    return np.minimum(np.searchsorted(ends, at, side="right"), len(weights) - 1)
