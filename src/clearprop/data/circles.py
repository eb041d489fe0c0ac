"""Two overlapping rings: the smallest problem that no straight line solves.

The distribution is that of the Sorbonne practical's `circles.npz`, measured from its points.
"""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.registry import require

RADII = ((1.03, 0.22), (0.39, 0.16))
"""Mean and standard deviation of the radius: class 0 is the outer ring, class 1 the inner disc."""


def make_circles(n: int = 2000, seed: int | np.random.Generator = 0) -> tuple[Array, Array]:
    """Draw `n` points from two overlapping rings, the rows sorted by class.

    Parameters
    ----------
    n : int
        Number of points; class 0 gets the odd one.
    seed : int or numpy.random.Generator
        Where the randomness comes from.

    Returns
    -------
    X : array (n, 2) of float64
    y : array (n,) of int64
        0 on the outer ring, 1 on the inner.

    Raises
    ------
    OptionError
        If n is below 2.

    Examples
    --------
    >>> X, y = make_circles(200, seed=0)
    >>> X.shape, int(y.sum())
    ((200, 2), 100)
    """
    require(n >= 2, "n", n, "at least 2 points, one for each class")
    rng = np.random.default_rng(seed)
    y = np.arange(n, dtype=np.int64) * 2 // n
    mean, spread = np.array(RADII)[y].T
    # A negative radius is the same point seen from the other side; the angle is uniform, so nothing needs mending.
    radius = rng.normal(mean, spread)
    angle = rng.uniform(0.0, 2.0 * np.pi, n)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), y
