"""Networks that can be worked out on paper: one that shows everything, and the one of a public deep-learning assignment."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.nn import Linear, Net, Sigmoid

PUBLISHED = "vu-scalar"  # name of the published example, as of the recipe that repeats it


def worked_example() -> tuple[Net, Array, Array]:
    """A 2-3-2 network with sigmoid, one example, and its class; no derivative of the step is zero.

    Returns
    -------
    net : Net
        In float64.
    x : array (1, 2)
    y : array of int (1,)

    Examples
    --------
    >>> net, x, y = worked_example()
    >>> x @ net[0].W, net(x).round(3)
    (array([[ 2. ,  0. , -1.5]]), array([[0.472, 0.383]]))
    """
    return _net([[1, 0.5, -1], [-1, 0.5, 0.5]], [[1, 0.5], [-1, 0.25], [0.5, -1]])


def published_example() -> tuple[Net, Array, Array]:
    """The same with the weights of a published assignment, all 1 or -1, with which the first layer gets no gradient.

    Each hidden unit has the same weight to both outputs, and dz2 = p - y adds up to 0: da1 = dz2 W2^T = 0.

    Source: Vrije Universiteit Amsterdam, Deep Learning, assignment 1, question 3: x = (1, -1), class 0.

    Returns
    -------
    net : Net
        In float64.
    x : array (1, 2)
    y : array of int (1,)

    Examples
    --------
    >>> net, x, y = published_example()
    >>> net(x)
    array([[-0.88079708, -0.88079708]])
    """
    return _net([[1, 1, 1], [-1, -1, -1]], [[1, 1], [-1, -1], [-1, -1]])


def _net(first: list[list[float]], second: list[list[float]]) -> tuple[Net, Array, Array]:
    net = Net(Linear(2, 3), Sigmoid(), Linear(3, 2), seed=None, dtype="float64")
    net.theta = np.array([*np.ravel(first), 0, 0, 0, *np.ravel(second), 0, 0])
    return net, np.array([[1.0, -1.0]]), np.array([0])
