"""The loss for real-valued targets."""

from __future__ import annotations

from clearprop.arrays import Array
from clearprop.nn.loss import ElementwiseLoss


class MeanSquaredError(ElementwiseLoss):
    """(y_hat - y)^2, averaged over all B x n_y numbers, or added up.

    Its derivative is 2 (y_hat - y); the factor 2 stays, unlike in texts that put 1/2 in front of the square.

    Parameters
    ----------
    reduction : {"mean", "sum"}
    broadcast : bool
        Whether targets (B, 1) may be compared with predictions (B, n).

    Examples
    --------
    >>> import numpy as np
    >>> MeanSquaredError()(np.array([[1.0, 3.0]]), np.array([[0.0, 0.0]]))
    5.0
    """

    @staticmethod
    def f(y_hat: Array, y: Array) -> Array:
        return (y_hat - y) * (y_hat - y)

    @staticmethod
    def df(y_hat: Array, y: Array) -> Array:
        return 2.0 * (y_hat - y)
