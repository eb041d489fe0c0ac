"""Losses for numbers that grow like |error|, not like its square, so that a few outliers do not decide where the fit lies."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.nn.loss import ElementwiseLoss, Reduction
from clearprop.registry import number


class MeanAbsoluteError(ElementwiseLoss):
    """|y_hat - y|, averaged over all B x n_y numbers, or added up.

    Its derivative is the sign of y_hat - y: 1 above the target, -1 below. At y_hat = y there is none; 0 is used, as in PyTorch.
    The best constant is the median of the targets, as many of which pull it up as down.

    Parameters
    ----------
    reduction : {"mean", "sum"}
    broadcast : bool
        Whether targets (B, 1) may be compared with predictions (B, n).

    Examples
    --------
    >>> MeanAbsoluteError()(np.array([[1.0, 3.0]]), np.array([[0.0, 0.0]]))
    2.0
    """

    @staticmethod
    def f(y_hat: Array, y: Array) -> Array:
        return np.abs(y_hat - y)

    @staticmethod
    def df(y_hat: Array, y: Array) -> Array:
        return np.sign(y_hat - y)


class Huber(ElementwiseLoss):
    """e^2 / 2 where the error e = y_hat - y is at most delta, and delta (|e| - delta / 2) beyond.

    The two pieces and their slopes meet at |e| = delta. The derivative is e, kept between -delta and delta: a large error pulls
    no harder than one of size delta.

    Source: Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35 (1964).

    Parameters
    ----------
    reduction : {"mean", "sum"}
    broadcast : bool
        Whether targets (B, 1) may be compared with predictions (B, n).
    delta : float
        Size of error, positive, from which on the loss grows linearly.

    Examples
    --------
    >>> Huber()(np.array([[0.5, 3.0]]), np.array([[0.0, 0.0]]))
    1.3125
    """

    def __init__(self, reduction: Reduction = "mean", broadcast: bool = False, delta: float = 1.0) -> None:
        super().__init__(reduction, broadcast)
        self.delta = number("delta", delta, lambda d: d > 0, "positive")

    def constants(self) -> tuple[float, ...]:
        """delta."""
        return (self.delta,)

    @staticmethod
    def f(y_hat: Array, y: Array, delta: float) -> Array:
        size = np.abs(y_hat - y)
        near = np.minimum(size, delta)
        return near * (size - 0.5 * near)  # e^2 / 2 where near = |e|; delta (|e| - delta / 2) where near = delta

    @staticmethod
    def df(y_hat: Array, y: Array, delta: float) -> Array:
        return np.minimum(np.maximum(y_hat - y, -delta), delta)


class Quantile(ElementwiseLoss):
    """The pinball loss: q (y - y_hat) where the target lies above the prediction, and (1 - q) (y_hat - y) where it lies below.

    The derivative with respect to y_hat is -q for a target above, and 1 - q for one below. The best constant is where these
    balance, q P(y > y_hat) = (1 - q) P(y < y_hat): the q-quantile of the targets. At y_hat = y, 0 is used.

    Source: Koenker and Bassett, "Regression quantiles", Econometrica 46 (1978).

    Parameters
    ----------
    reduction : {"mean", "sum"}
    broadcast : bool
        Whether targets (B, 1) may be compared with predictions (B, n).
    q : float
        Between 0 and 1: the share of the targets that are to lie below the prediction.

    Examples
    --------
    >>> Quantile(q=0.9)(np.array([[0.0, 0.0]]), np.array([[1.0, -1.0]]))
    0.5
    """

    def __init__(self, reduction: Reduction = "mean", broadcast: bool = False, q: float = 0.5) -> None:
        super().__init__(reduction, broadcast)
        self.q = number("q", q, lambda q: 0 < q < 1, "between 0 and 1, both excluded")

    def constants(self) -> tuple[float, ...]:
        """q."""
        return (self.q,)

    @staticmethod
    def f(y_hat: Array, y: Array, q: float) -> Array:
        e = y - y_hat
        return np.maximum(q * e, (q - 1.0) * e)

    @staticmethod
    def df(y_hat: Array, y: Array, q: float) -> Array:
        return 0.5 * np.sign(y_hat - y) + (0.5 - q) * np.abs(np.sign(y_hat - y))
