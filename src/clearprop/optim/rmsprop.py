"""RMSProp: every parameter its own learning rate, from a running average of its squared gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.optim.optimizer import Optimizer
from clearprop.optim.schedules import Schedule
from clearprop.registry import number


class RMSProp(Optimizer):
    """s <- rho s + (1 - rho) g^2; theta <- theta - lr g / (sqrt(s) + eps).

    Source: Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5 (2012). Constants as in PyTorch.

    Parameters
    ----------
    lr : float or Schedule
    rho : float
        Decay factor of the average, at least 0 and below 1.
    eps : float
        Keeps the denominator away from zero.
    weight_decay, clip_norm, spare_biases
        As for `Optimizer`.

    Examples
    --------
    >>> theta = np.array([1.0])
    >>> RMSProp(lr=0.1, rho=0.75).step(theta, grad=np.array([2.0]))
    >>> theta
    array([0.8])
    """

    state_names = ("s",)

    def __init__(
        self,
        lr: float | dict[str, Any] | Schedule = 0.01,
        rho: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        spare_biases: bool = False,
    ) -> None:
        super().__init__(lr, weight_decay, clip_norm, spare_biases)
        self.rho = number("rho", rho, lambda x: 0 <= x < 1, "at least 0 and below 1")
        self.eps = number("eps", eps, lambda x: x > 0, "positive")

    @staticmethod
    def update(theta: Array, g: Array, s: Array, lr: float, rho: float, eps: float) -> tuple[Array, Array]:
        s = rho * s + (1.0 - rho) * g * g
        return theta - lr * g / (np.sqrt(s) + eps), s

    def constants(self, t: int) -> tuple[float, ...]:
        return (self.rho, self.eps)
