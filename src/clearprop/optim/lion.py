"""Lion: every parameter moves by the same amount, up or down."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.optim.optimizer import Optimizer
from clearprop.optim.schedules import Schedule
from clearprop.registry import number


class Lion(Optimizer):
    """theta <- (1 - lr weight_decay) theta - lr sign(beta1 m + (1 - beta1) g); m <- beta2 m + (1 - beta2) g.

    Only the sign of the smoothed gradient counts, so that each step has the same length, and one array is kept instead of the
    two of Adam. A good learning rate is 3 to 10 times smaller than Adam's, and the weight decay as much larger.

    Source: Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023, algorithm 2.

    Parameters
    ----------
    lr : float or Schedule
    beta1, beta2 : float
        Weight of the average in the step, and decay factor of the average; at least 0 and below 1.
    weight_decay, clip_norm, spare_biases
        As for `Optimizer`; `decoupled`.

    Examples
    --------
    >>> theta = np.array([1.0, 1.0])
    >>> Lion(lr=0.1).step(theta, grad=np.array([2.0, -0.01]))
    >>> theta
    array([0.9, 1.1])
    """

    state_names = ("m",)
    decoupled = True

    def __init__(
        self,
        lr: float | dict[str, Any] | Schedule = 0.0001,
        beta1: float = 0.9,
        beta2: float = 0.99,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        spare_biases: bool = False,
    ) -> None:
        super().__init__(lr, weight_decay, clip_norm, spare_biases)
        self.beta1 = number("beta1", beta1, lambda x: 0 <= x < 1, "at least 0 and below 1")
        self.beta2 = number("beta2", beta2, lambda x: 0 <= x < 1, "at least 0 and below 1")

    @staticmethod
    def update(theta: Array, g: Array, m: Array, lr: float, beta1: float, beta2: float) -> tuple[Array, Array]:
        step = np.sign(beta1 * m + (1.0 - beta1) * g)
        return theta - lr * step, beta2 * m + (1.0 - beta2) * g

    def constants(self, t: int) -> tuple[float, ...]:
        return self.beta1, self.beta2
