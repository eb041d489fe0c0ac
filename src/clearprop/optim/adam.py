"""Adam: momentum, and every parameter its own learning rate."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.optim.optimizer import Optimizer
from clearprop.optim.schedules import Schedule
from clearprop.registry import number


class Adam(Optimizer):
    """m <- beta1 m + (1 - beta1) g; s <- beta2 s + (1 - beta2) g^2; theta <- theta - lr m_hat / (sqrt(s_hat) + eps).

    Both averages start at 0, and are too small at first: after t steps their weights add up to 1 - beta^t only, so
    m_hat = m / (1 - beta1^t) and s_hat = s / (1 - beta2^t). t counts steps, not parameters.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.

    Parameters
    ----------
    lr : float or Schedule
    beta1, beta2 : float
        Decay factors of the two averages, at least 0 and below 1.
    eps : float
        Keeps the denominator away from zero.
    weight_decay, clip_norm
        As for `Optimizer`.

    Examples
    --------
    >>> theta = np.array([1.0])
    >>> Adam(lr=0.1).step(theta, grad=np.array([2.0]))
    >>> theta.round(6)
    array([0.9])
    """

    state_names = ("m", "s")
    constants_change = True

    def __init__(
        self,
        lr: float | dict[str, Any] | Schedule = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(lr, weight_decay, clip_norm)
        self.beta1 = number("beta1", beta1, lambda x: 0 <= x < 1, "at least 0 and below 1")
        self.beta2 = number("beta2", beta2, lambda x: 0 <= x < 1, "at least 0 and below 1")
        self.eps = number("eps", eps, lambda x: x > 0, "positive")

    @staticmethod
    def update(
        theta: Array, g: Array, m: Array, s: Array, lr: float, beta1: float, beta2: float, eps: float, sum1: float, sum2: float
    ) -> tuple[Array, Array, Array]:
        m = beta1 * m + (1.0 - beta1) * g
        s = beta2 * s + (1.0 - beta2) * g * g
        # A division costs as much as five products: two of the three divide numbers here, not arrays.
        m_hat = m * (1.0 / sum1)
        s_hat = s * (1.0 / sum2)
        return theta - lr * m_hat / (np.sqrt(s_hat) + eps), m, s

    def constants(self, t: int) -> tuple[float, ...]:
        return self.beta1, self.beta2, self.eps, 1 - self.beta1**t, 1 - self.beta2**t
