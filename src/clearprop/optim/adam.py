"""Adam and its relatives: momentum, and every parameter its own learning rate.

All keep two running averages that start at 0: m of the gradients, and s of their squares. They differ in weight decay (AdamW),
and in how they look ahead (Nadam).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.optim.optimizer import Optimizer
from clearprop.optim.schedules import Schedule
from clearprop.registry import number


class Averaging(Optimizer):
    """An optimizer with running averages m of g and s of g^2."""

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
        spare_biases: bool = False,
    ) -> None:
        super().__init__(lr, weight_decay, clip_norm, spare_biases)
        self.beta1 = number("beta1", beta1, lambda x: 0 <= x < 1, "at least 0 and below 1")
        self.beta2 = number("beta2", beta2, lambda x: 0 <= x < 1, "at least 0 and below 1")
        self.eps = number("eps", eps, lambda x: x > 0, "positive")


def adam_update(
    theta: Array, g: Array, m: Array, s: Array, lr: float, beta1: float, beta2: float, eps: float, sum1: float, sum2: float
) -> tuple[Array, Array, Array]:
    """One step of Adam: theta - lr m_hat / (sqrt(s_hat) + eps), and the new averages."""
    m = beta1 * m + (1.0 - beta1) * g
    s = beta2 * s + (1.0 - beta2) * g * g
    # A division costs as much as five products: two of the three divide numbers here, not arrays.
    m_hat = m * (1.0 / sum1)
    s_hat = s * (1.0 / sum2)
    return theta - lr * m_hat / (np.sqrt(s_hat) + eps), m, s


class Adam(Averaging):
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
    weight_decay, clip_norm, spare_biases
        As for `Optimizer`.

    Examples
    --------
    >>> theta = np.array([1.0])
    >>> Adam(lr=0.1).step(theta, grad=np.array([2.0]))
    >>> theta.round(6)
    array([0.9])
    """

    update = staticmethod(adam_update)

    def constants(self, t: int) -> tuple[float, ...]:
        return self.beta1, self.beta2, self.eps, 1 - self.beta1**t, 1 - self.beta2**t


class AdamW(Averaging):
    """theta <- (1 - lr weight_decay) theta, and then the step of `Adam`, whose gradient has no part of the penalty.

    In Adam, the gradient of an L2 penalty is divided by sqrt(s) like the rest, so that parameters with large gradients decay
    less than others. Here all shrink by the same factor.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2. As in PyTorch, the learning
    rate multiplies the decay too.

    Parameters
    ----------
    lr : float or Schedule
    beta1, beta2, eps : float
        As for `Adam`.
    weight_decay, clip_norm, spare_biases
        As for `Optimizer`; `decoupled`.

    Examples
    --------
    >>> theta = np.array([1.0])
    >>> AdamW(lr=0.1, weight_decay=0.5).step(theta, grad=np.array([2.0]))
    >>> theta.round(6)  # 0.95, and 0.1 less
    array([0.85])
    """

    decoupled = True

    def __init__(
        self,
        lr: float | dict[str, Any] | Schedule = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        clip_norm: float | None = None,
        spare_biases: bool = False,
    ) -> None:
        super().__init__(lr, beta1, beta2, eps, weight_decay, clip_norm, spare_biases)

    update = staticmethod(adam_update)

    def constants(self, t: int) -> tuple[float, ...]:
        return self.beta1, self.beta2, self.eps, 1 - self.beta1**t, 1 - self.beta2**t


class Nadam(Averaging):
    """Adam with Nesterov's look ahead: theta <- theta - lr (mu' m / (1 - M mu') + (1 - mu) g / (1 - M)) / (sqrt(s_hat) + eps).

    m and s are those of `Adam`. In place of m, the step takes what m will be if the next gradient is like this one: mostly m,
    and a little more of g. mu_t = beta1 (1 - 0.96^(t / 250) / 2) rises to beta1 in the course of training; mu is that of this
    step t, mu' that of the next, and M = mu_1 mu_2 ... mu_t takes the place of beta1^t in the correction of the start.

    Source: Dozat, "Incorporating Nesterov momentum into Adam" (2016), algorithm 2; constants as in PyTorch.

    Parameters
    ----------
    lr : float or Schedule
    beta1, beta2, eps : float
        As for `Adam`.
    weight_decay, clip_norm, spare_biases
        As for `Optimizer`.

    Examples
    --------
    >>> theta = np.array([1.0])
    >>> Nadam(lr=0.1).step(theta, grad=np.array([2.0]))
    >>> theta.round(4)
    array([0.8944])
    """

    def __init__(
        self,
        lr: float | dict[str, Any] | Schedule = 0.002,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        spare_biases: bool = False,
    ) -> None:
        super().__init__(lr, beta1, beta2, eps, weight_decay, clip_norm, spare_biases)

    @staticmethod
    def update(
        theta: Array, g: Array, m: Array, s: Array, lr: float, beta1: float, beta2: float, eps: float,
        of_m: float, of_g: float, sum2: float,
    ) -> tuple[Array, Array, Array]:  # fmt: skip
        m = beta1 * m + (1.0 - beta1) * g
        s = beta2 * s + (1.0 - beta2) * g * g
        return theta - lr * (of_m * m + of_g * g) / (np.sqrt(s * (1.0 / sum2)) + eps), m, s

    def constants(self, t: int) -> tuple[float, ...]:
        """beta1, beta2, eps; mu' / (1 - M mu') and (1 - mu) / (1 - M); 1 - beta2^t."""
        mu, following, M = self.mu(t), self.mu(t + 1), self.product(t)
        return self.beta1, self.beta2, self.eps, following / (1 - M * following), (1 - mu) / (1 - M), 1 - self.beta2**t

    def mu(self, t: Any) -> Any:
        """The momentum of step t, a number or an array."""
        return self.beta1 * (1 - 0.5 * 0.96 ** (t / 250))

    def product(self, t: Any) -> Any:
        """mu_1 mu_2 ... mu_t, for a number or an array."""
        return np.cumprod(self.mu(np.arange(1, VANISHED + 1)))[np.clip(t, 1, VANISHED) - 1]


VANISHED = 100  # steps: mu is at most 0.51 in them, and 0.51^100 = 6e-30 is nothing beside 1
