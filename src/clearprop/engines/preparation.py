"""Preparation of the data: a matrix X, and targets as rows of numbers, checked before an engine computes with them."""

from __future__ import annotations

import math

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.engine import Engine
from clearprop.engines.support import require_support
from clearprop.nn import BatchNorm, BinaryCrossEntropy, CrossEntropy, ElementwiseLoss, Loss, NegativeLogLikelihood, Net
from clearprop.nn.cross_entropy import ClassLoss
from clearprop.optim import SGD, Optimizer


def checked(engine: Engine, net: Net, X: Array) -> Array:
    """X (N, n_x) in the dtype of the net.

    Raises
    ------
    UnsupportedError
        If the engine cannot run the net.
    ShapeError
        If X does not fit the net, with the message of the layer.
    """
    require_support(engine, net, CrossEntropy(), SGD())
    X = np.asarray(X, dtype=net.dtype)
    net(X[:1])  # one example through the layers, which refuse what does not fit
    return X


def prepared(
    engine: Engine, net: Net, loss: Loss, X: Array, y: Array, optimizer: Optimizer | None = None
) -> tuple[Array, Array]:
    """X (N, n_x) and the targets as rows (N, n_y), both in the dtype of the net.

    Integer classes become one-hot rows, and a column that is to be broadcast is repeated, so that every engine can compare
    row with row and number with number.

    Raises
    ------
    UnsupportedError
        If the engine cannot train the net with this loss and optimizer.
    ShapeError
        If X does not fit the net or y the loss, with the message of the reference.

    Examples
    --------
    >>> import clearprop as cp
    >>> net = cp.mlp([1, 3], dtype="float64")
    >>> prepared(cp.ENGINES.make("batch"), net, cp.CrossEntropy(), np.zeros((2, 1)), np.array([2, 0]))[1]
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    require_support(engine, net, loss, optimizer or SGD())
    X, y = np.asarray(X, dtype=net.dtype), np.asarray(y)
    like = np.zeros((len(X), net(X[:1]).shape[1]), dtype=net.dtype)
    if isinstance(loss, ElementwiseLoss):
        loss.check(like, y)
        return X, np.broadcast_to(y, like.shape).astype(net.dtype)
    assert isinstance(loss, ClassLoss)
    return X, loss.rows(y, like)


def limits(net: Net, loss: Loss) -> tuple[float, float]:
    """Lower and upper limit of the predictions, which keep a loss finite; see the losses on probabilities."""
    kind = np.finfo(net.dtype)
    if type(loss) is NegativeLogLikelihood:
        return float(kind.tiny), math.inf
    if type(loss) is BinaryCrossEntropy and not loss.raw:
        return float(kind.eps), float(1 - kind.eps)
    return -math.inf, math.inf


def check_batches(net: Net, sizes: set[int]) -> None:
    """Raise the layer's own error if a BatchNorm would have to standardise a batch of one example."""
    for layer in net.layers:
        if type(layer) is BatchNorm and 1 in sizes:
            layer.forward(np.zeros((1, layer.n), dtype=net.dtype), training=True)
