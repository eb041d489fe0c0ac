"""Losses for yes or no: binary cross-entropy, on probabilities and on scores."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import DataError
from clearprop.nn.loss import ElementwiseLoss, Reduction
from clearprop.registry import switch


class ZeroOneLoss(ElementwiseLoss):
    """A loss of yes or no, whose targets are 0, 1, or a probability between them."""

    def check(self, y_hat: Array, y: Array) -> None:
        """Raise a `ShapeError` for another shape than the predictions', and a `DataError` for a target outside 0 ... 1.

        With y = -1 the loss would have no lower bound. NaN passes: the loss is NaN then, which training reports.
        """
        super().check(y_hat, y)
        wrong = (y < 0) | (y > 1)
        if wrong.any():
            raise DataError(
                f"{type(self).__name__} needs targets between 0 and 1, but y holds {y[wrong].flat[0]:.6g};"
                " write the two classes as 0 and 1, such as (y + 1) / 2 for -1 and +1."
            )


class BinaryCrossEntropy(ZeroOneLoss):
    """-(y log p + (1 - y) log(1 - p)), for a probability p = y_hat (the output of `Sigmoid`) and a target y in {0, 1}.

    Parameters
    ----------
    reduction : {"mean", "sum"}
    broadcast : bool
        Whether targets (B, 1) may be compared with predictions (B, n).
    raw : bool
        Whether to compute the bare formula, NaN and all, as published runs did: a sigmoid in float arithmetic does reach 0
        and 1, where the formula is infinite, or 0 times infinity. By default p is kept one rounding error
        (`numpy.finfo(dtype).eps`) away from both.

    Notes
    -----
    dL/dp = -y / p + (1 - y) / (1 - p) = (p - y) / (p (1 - p)).

    Examples
    --------
    >>> loss = BinaryCrossEntropy()
    >>> round(loss(np.array([[0.676255]]), np.array([[1.0]])), 4)
    0.3912
    >>> loss(np.array([[1.0]]), np.array([[0.0]])) < 40
    True
    """

    def __init__(self, reduction: Reduction = "mean", broadcast: bool = False, raw: bool = False) -> None:
        super().__init__(reduction, broadcast)
        self.raw = switch("raw", raw)

    @staticmethod
    def f(y_hat: Array, y: Array) -> Array:
        return -(y * np.log(y_hat) + (1.0 - y) * np.log(1.0 - y_hat))

    @staticmethod
    def df(y_hat: Array, y: Array) -> Array:
        return (y_hat - y) / (y_hat * (1.0 - y_hat))

    def admissible(self, y_hat: Array) -> Array:
        """p between eps and 1 - eps, unless the raw formula was asked for."""
        if self.raw:
            return y_hat
        eps = np.finfo(y_hat.dtype).eps
        return np.clip(y_hat, eps, 1 - eps)

    def probabilities(self, y_hat: Array) -> Array | None:
        """Columns 1 - p and p, for a net with one output."""
        return two_columns(y_hat)

    def n_correct(self, y_hat: Array, y: Array) -> float:
        """Number of examples predicted right; for several outputs, the mean over them of "p > 1/2 just where y is 1"."""
        return elementwise_n_correct(y_hat > 0.5, y)


class BinaryCrossEntropyWithLogits(ZeroOneLoss):
    """Binary cross-entropy of p = sigmoid(z), computed from the score z = y_hat: the sigmoid is part of the loss.

    Parameters
    ----------
    reduction : {"mean", "sum"}
    broadcast : bool
        Whether targets (B, 1) may be compared with predictions (B, n).

    Notes
    -----
    With log p = -log(1 + exp(-z)) and log(1 - p) = -z - log(1 + exp(-z)), the loss is log(1 + exp(-z)) + (1 - y) z.
    For z < 0, exp(-z) may overflow; log(1 + exp(-z)) = -z + log(1 + exp(z)) does not. Both cases in one line:
    L = max(z, 0) - y z + log(1 + exp(-|z|)).

    dL/dz = sigmoid(z) - y, as p' = p (1 - p) cancels the denominator of dL/dp.

    Examples
    --------
    >>> loss = BinaryCrossEntropyWithLogits()
    >>> loss(np.array([[0.0]]), np.array([[1.0]]))
    0.6931471805599453
    >>> loss(np.array([[-1000.0]]), np.array([[1.0]]))
    1000.0
    """

    @staticmethod
    def f(y_hat: Array, y: Array) -> Array:
        return np.maximum(y_hat, 0.0) - y * y_hat + np.log1p(np.exp(-np.abs(y_hat)))

    @staticmethod
    def df(y_hat: Array, y: Array) -> Array:
        # sigmoid(z) = (1 + tanh(z / 2)) / 2, a form in which nothing overflows
        return 0.5 * (1.0 + np.tanh(0.5 * y_hat)) - y

    def probabilities(self, y_hat: Array) -> Array | None:
        """Columns 1 - sigmoid(z) and sigmoid(z), for a net with one output."""
        return two_columns(0.5 * (1 + np.tanh(0.5 * y_hat)))

    def n_correct(self, y_hat: Array, y: Array) -> float:
        """Number of examples predicted right; for several outputs, the mean over them of "z > 0 just where y is 1"."""
        return elementwise_n_correct(y_hat > 0, y)


def two_columns(p: Array) -> Array | None:
    """Probabilities of the two classes (B, 2) from that of class 1 (B, 1); None for several outputs."""
    return np.hstack([1 - p, p]) if p.shape[1] == 1 else None


def elementwise_n_correct(predicted: Array, y: Array) -> float:
    """Sum over the batch of the share of outputs that agree with (y > 1/2)."""
    return float((predicted == (y > 0.5)).mean(axis=1).sum())
