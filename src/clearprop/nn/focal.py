"""The focal loss: cross-entropy in which examples that are right already count for little."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.nn.cross_entropy import ClassLoss
from clearprop.nn.loss import Reduction, classes_of
from clearprop.nn.softmax import softmax
from clearprop.registry import number


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
    For rows y, L = sum_i y_i l(p_i) with l(p) = -(1 - p)^gamma log p, and by the product rule
    l'(p) = gamma (1 - p)^(gamma - 1) log p - (1 - p)^gamma / p. Through the softmax, dp_i / dz_j = p_i ([i = j] - p_j). With
    g_i = y_i p_i l'(p_i) = y_i (gamma p_i (1 - p_i)^(gamma - 1) log p_i - (1 - p_i)^gamma),

        dz_j = sum_i y_i l'(p_i) p_i ([i = j] - p_j) = g_j - p_j sum_i g_i.

    1 - p is computed as -expm1(log p), which keeps its digits where p is close to 1.

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

    def forward(self, y_hat: Array, y: Array) -> tuple[float, tuple[Array, Array]]:
        """Mean or sum of -(1 - p_c)^gamma log p_c; saves log p and the one-hot targets, both (B, C)."""
        y = self.rows(y, like=y_hat)
        z = y_hat - y_hat.max(axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        terms = np.where(y == 0, 0, (-np.expm1(log_p)) ** self.gamma * -log_p)  # 0 log 0 = 0
        return float((y * terms).sum(dtype=np.float64)) * self.scale(y), (log_p, y)

    def backward(self, saved: tuple[Array, Array]) -> Array:
        """dz = (g - p sum_i g_i) / B, without 1 / B for a sum."""
        log_p, y = saved
        p, q = np.exp(log_p), -np.expm1(log_p)
        # where q = 0, log p = 0 as well, and the product has the limit 0, whatever the power of q
        slope = self.gamma * p * np.where(q > 0, q, 1) ** (self.gamma - 1) * np.where(y == 0, 0, log_p)
        g = y * (slope - q**self.gamma)
        return (g - p * g.sum(axis=1, keepdims=True)) * y.dtype.type(self.scale(y))

    def probabilities(self, y_hat: Array) -> Array:
        """softmax of the scores."""
        return softmax(y_hat)

    def n_correct(self, y_hat: Array, y: Array) -> float:
        """Number of examples whose largest score, and so largest probability, is that of the target."""
        return float(np.count_nonzero(y_hat.argmax(axis=1) == classes_of(y)))
