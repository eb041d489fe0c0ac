"""Outliers of a regression target: a few values so far out that a squared error would see nothing else."""

from __future__ import annotations

from typing import Literal

import numpy as np

from clearprop.arrays import Array
from clearprop.data.scaling import Scaling

Outliers = Literal["auto", "keep"]
FAR = 10.0  # robust standard deviations
MOST = 0.05  # share of the rows that may be outliers
DOMINANT = 3.0  # ratio of the standard deviation to the robust one from which they decide it
NORMAL = 1.349  # interquartile range of a normal distribution with standard deviation 1
ROOM = 1.5  # times the range of nearly all others
FEWEST = 20  # rows


def robust_scaling(y: Array) -> tuple[Scaling, float, int] | None:
    """A scaling by the median and the interquartile range, a limit for scaled values, and the number of outliers.

    Parameters
    ----------
    y : array (N, 1)

    Returns
    -------
    tuple or None
        None if there are no such outliers.

    Examples
    --------
    >>> y = np.append(np.arange(100.0), 1e6)[:, np.newaxis]
    >>> scaling, limit, n = robust_scaling(y)
    >>> scaling.shift, n, limit < 3
    ((50.0,), 1, True)
    """
    if y.shape[1] != 1 or len(y) < FEWEST:
        return None
    low, middle, high = np.percentile(y, [25, 50, 75])
    spread = float(high - low) / NORMAL
    if spread <= 0:
        return None
    z = np.abs(y[:, 0] - middle) / spread
    far = z > FAR
    if not far.any() or far.mean() > MOST or y.std() < DOMINANT * spread:
        return None
    return Scaling((float(middle),), (spread,)), ROOM * float(np.quantile(z[~far], 0.99)), int(far.sum())
