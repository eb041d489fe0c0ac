"""The data as the kernel reads them, and the errors that the layers and the loss would raise for them."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.compiled.losses import KernelLoss
from clearprop.errors import ShapeError
from clearprop.nn import Loss, Net
from clearprop.nn.cross_entropy import ClassLoss
from clearprop.nn.loss import ElementwiseLoss


def checked(net: Net, loss: Loss, known: KernelLoss, X: Array, y: Array) -> tuple[Array, Array]:
    """X and y as the kernel reads them.

    Raises what `Net` and `Loss` would raise, except for wrong labels, which the kernel finds (`refuse`).
    """
    X = np.ascontiguousarray(X, dtype=net.dtype)
    next(layer for layer in net.layers if layer.n_in is not None).check_input(X)  # a Dropout takes any number
    labelled = y.ndim == 1 and y.shape == X.shape[:1] and y.dtype.kind in "iu" and net.n_out not in (1, None)
    if known.adjusted or not (labelled and known.of_classes):
        check_targets(net, loss, X, y)
    return X, np.ascontiguousarray(y, np.int64 if y.ndim == 1 else net.dtype)


def check_targets(net: Net, loss: Loss, X: Array, y: Array) -> None:
    """The check that the loss makes when it is given predictions."""
    like = np.broadcast_to(np.zeros(1, net.dtype), (len(X), int(net.n_out or 1)))
    if isinstance(loss, ElementwiseLoss):
        loss.check(like, y)
    elif isinstance(loss, ClassLoss):
        loss.rows(y, like)


def refuse(net: Net, loss: Loss, X: Array, y: Array, order: Array) -> None:
    """Raise the error for a label or a row number that the kernel has refused."""
    check_targets(net, loss, X, y)
    n = len(X)
    wrong = order[(order < 0) | (order >= n)][0]
    raise ShapeError(f"order names example {wrong}, but there are {n}; give row numbers between 0 and {n - 1}.")
