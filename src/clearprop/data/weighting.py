"""Weights of rows in the loss: from a column, from the rarity of their class, or both."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array


def balancing(y: Array, weights: Array | None = None) -> Array:
    """A factor for each class, with which all classes weigh the same; 1 on the average of the rows.

    Parameters
    ----------
    y : array (N,) of int
        Numbers of the classes.
    weights : array (N,), optional
        Of the rows.

    Returns
    -------
    array (C,)
        0 for a class of which there is no row.

    Examples
    --------
    >>> balancing(np.array([0, 0, 0, 1])).round(3).tolist()
    [0.667, 2.0]
    """
    totals = np.bincount(y, weights)
    there = totals > 0
    return np.where(there, totals.sum() / (there.sum() * np.where(there, totals, 1.0)), 0.0)
