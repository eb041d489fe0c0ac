"""AdaGrad: every parameter its own learning rate, which only shrinks."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.optim.optimizer import Optimizer
from clearprop.optim.schedules import Schedule
from clearprop.registry import number


class AdaGrad(Optimizer):
    """s <- s + g^2; theta <- theta - lr g / (sqrt(s) + eps).

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization",
    JMLR 12 (2011).

    Parameters
    ----------
    lr : float or Schedule
    eps : float
        Keeps the denominator away from zero.
    weight_decay, clip_norm, spare_biases
        As for `Optimizer`.

    Examples
    --------
    >>> theta = np.array([1.0])
    >>> AdaGrad(lr=0.1).step(theta, grad=np.array([2.0]))
    >>> theta
    array([0.9])
    """

    state_names = ("s",)

    def __init__(
        self,
        lr: float | dict[str, Any] | Schedule = 0.01,
        eps: float = 1e-10,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        spare_biases: bool = False,
    ) -> None:
        super().__init__(lr, weight_decay, clip_norm, spare_biases)
        self.eps = number("eps", eps, lambda x: x > 0, "positive")

    @staticmethod
    def update(theta: Array, g: Array, s: Array, lr: float, eps: float) -> tuple[Array, Array]:
        s = s + g * g
        return theta - lr * g / (np.sqrt(s) + eps), s

    def constants(self, t: int) -> tuple[float, ...]:
        return (self.eps,)
