"""The loss of every example on its own, from the very numbers that the loss itself computes."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.nn import CrossEntropy, ElementwiseLoss, Loss, NegativeLogLikelihood

SUMS = (ElementwiseLoss.forward, CrossEntropy.forward, NegativeLogLikelihood.forward)  # losses that add up over the rows


def row_losses(loss: Loss, y_hat: Array, y: Array) -> Array | None:
    """What each row adds to the sum over the batch; None for a loss that is not known to be such a sum.

    Parameters
    ----------
    y_hat : array (B, n_y)
    y : array
        Targets, in a form that the loss takes.

    Returns
    -------
    array (B,) or None

    Examples
    --------
    >>> row_losses(CrossEntropy(), np.zeros((2, 2)), np.array([0, 1])).round(4)
    array([0.6931, 0.6931])
    """
    kind = type(loss)
    if isinstance(loss, ElementwiseLoss) and kind.forward is ElementwiseLoss.forward:
        return loss.f(loss.admissible(y_hat), y).sum(axis=1)
    if kind.forward is CrossEntropy.forward and isinstance(loss, CrossEntropy):
        log_p, rows = loss.forward(y_hat, y)[1]
        return -np.where(rows == 0, 0, rows * log_p).sum(axis=1)
    if kind.forward is NegativeLogLikelihood.forward and isinstance(loss, NegativeLogLikelihood):
        p, rows = loss.forward(y_hat, y)[1]
        return -(rows * np.log(p)).sum(axis=1)
    return None


def row_scale(loss: Loss, y_hat: Array) -> float:
    """What the sum of `row_losses` is multiplied by to give the loss."""
    if loss.reduction == "sum":
        return 1.0
    return 1.0 / max(y_hat.size if isinstance(loss, ElementwiseLoss) else len(y_hat), 1)
