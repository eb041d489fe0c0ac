"""The focal loss: cross-entropy in which examples that are right already count for little."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.nn.cross_entropy import ClassLoss
from clearprop.nn.loss import Reduction, classes_of
from clearprop.nn.softmax import softmax
from clearprop.registry import number

LEAST = 1e-30  # of 1 - p, whose logarithm is taken; there, log p is 0 in floating point, and so are f and dz
FARTHEST = -1e30  # log p, where p is 0 and p log p as well, not NaN


class Focal(ClassLoss):
    """-(1 - p_c)^gamma log p_c for the true class c, with p = softmax(z): cross-entropy times (1 - p_c)^gamma.

    With gamma = 0 it is `CrossEntropy`; with gamma = 2, an example with p_c = 0.9 counts a hundredth of what it does there.

    Source: Lin et al., "Focal loss for dense object detection", ICCV 2017, equation 4.

    Parameters
    ----------
    reduction : {"mean", "sum"}
        Over the examples of the batch.
    gamma : float
        Zero or more.

    Notes
    -----
    In terms of l = log p, the loss of one example is L = sum_i y_i f(l_i) with f(l) = -(1 - e^l)^gamma l. By the product rule,

        f'(l) = gamma (1 - p)^(gamma - 1) p l - (1 - p)^gamma = (1 - p)^gamma (gamma l p / (1 - p) - 1).

    A score enters every log p: l_i = z_i - log sum_j exp(z_j), so dl_i / dz_j = [i = j] - p_j, and

        dz_j = sum_i y_i f'(l_i) ([i = j] - p_j) = y_j f'(l_j) - p_j sum_i y_i f'(l_i).

    1 - p is computed as -expm1(l), which keeps its digits where p is close to 1.

    Examples
    --------
    >>> round(Focal()(np.array([[0.0, 0.0]]), np.array([0])), 6)  # (1 - 1/2)^2 log 2
    0.173287
    """

    def __init__(self, reduction: Reduction = "mean", gamma: float = 2.0) -> None:
        super().__init__(reduction)
        self.gamma = number("gamma", gamma, lambda g: g >= 0, "zero or more")

    def constants(self) -> tuple[float, ...]:
        """gamma."""
        return (self.gamma,)

    @staticmethod
    def f(log_p: Array, gamma: float) -> Array:
        """-(1 - p)^gamma log p, element-wise."""
        q = np.maximum(-np.expm1(log_p), LEAST)
        return -np.exp(gamma * np.log(q)) * log_p

    @staticmethod
    def df(log_p: Array, gamma: float) -> Array:
        """Its derivative with respect to log p."""
        q = np.maximum(-np.expm1(log_p), LEAST)
        return np.exp(gamma * np.log(q)) * (gamma * np.maximum(log_p, FARTHEST) * np.exp(log_p) / q - 1.0)

    def forward(self, y_hat: Array, y: Array) -> tuple[float, tuple[Array, Array]]:
        """Mean or sum of f(log p_c); saves log p and the one-hot targets, both (B, C)."""
        y = self.rows(y, like=y_hat)
        z = y_hat - y_hat.max(axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        losses = y * np.where(y == 0, 0, self.f(log_p, self.gamma))  # 0 log 0 = 0
        return float(losses.sum(dtype=np.float64)) * self.scale(y), (log_p, y)

    def backward(self, saved: tuple[Array, Array]) -> Array:
        """dz = (y f' - p sum_i y_i f'_i) / B, without 1 / B for a sum."""
        log_p, y = saved
        g = y * self.df(log_p, self.gamma)
        return (g - np.exp(log_p) * g.sum(axis=1, keepdims=True)) * y.dtype.type(self.scale(y))

    def probabilities(self, y_hat: Array) -> Array:
        """softmax of the scores."""
        return softmax(y_hat)

    def n_correct(self, y_hat: Array, y: Array) -> float:
        """Number of examples whose largest score, and so largest probability, is that of the target."""
        return float(np.count_nonzero(y_hat.argmax(axis=1) == classes_of(y)))
