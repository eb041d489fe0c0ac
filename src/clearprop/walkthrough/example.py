"""A network that can be worked out on paper: the one of a public deep-learning assignment."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.nn import Linear, Net, Sigmoid


def worked_example() -> tuple[Net, Array, Array]:
    """A 2-3-2 network with sigmoid, one example, and its class.

    Source: Vrije Universiteit Amsterdam, Deep Learning, assignment 1, question 3: x = (1, -1), class 0, all weights 1 or -1.
    Its first-layer gradients are all zero, because each hidden unit has the same weight to both outputs.

    Returns
    -------
    net : Net
        In float64.
    x : array (1, 2)
    y : array of int (1,)

    Examples
    --------
    >>> net, x, y = worked_example()
    >>> net(x)
    array([[-0.88079708, -0.88079708]])
    """
    first, second = Linear(2, 3), Linear(3, 2)
    first.W[:] = [[1, 1, 1], [-1, -1, -1]]
    second.W[:] = [[1, 1], [-1, -1], [-1, -1]]
    net = Net(first, Sigmoid(), second, seed=None, dtype="float64")
    return net, np.array([[1.0, -1.0]]), np.array([0])
