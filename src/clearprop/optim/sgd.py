"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

from clearprop.arrays import Array
from clearprop.errors import OptionError
from clearprop.optim.optimizer import Optimizer
from clearprop.optim.schedules import Schedule
from clearprop.registry import number, switch


class SGD(Optimizer):
    """theta <- theta - lr v, where v <- momentum v + g gathers the gradients g; without momentum, v = g.

    With `nesterov`, the step is g + momentum v: the gradient once more, after the velocity has been updated.

    Sources: Polyak, "Some methods of speeding up the convergence of iteration methods" (1964); Sutskever et al., "On the
    importance of initialization and momentum in deep learning", ICML 2013. As in PyTorch, lr multiplies the velocity when
    it is used, not when it is gathered.

    Parameters
    ----------
    lr : float or Schedule
    momentum : float
        At least 0 and below 1.
    nesterov : bool
    weight_decay, clip_norm, spare_biases
        As for `Optimizer`.

    Examples
    --------
    >>> import numpy as np
    >>> theta = np.array([1.0])
    >>> SGD(lr=0.1).step(theta, grad=np.array([2.0]))
    >>> theta
    array([0.8])
    """

    state_names = ("v",)

    def __init__(
        self,
        lr: float | dict[str, Any] | Schedule = 0.1,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        spare_biases: bool = False,
    ) -> None:
        super().__init__(lr, weight_decay, clip_norm, spare_biases)
        self.momentum = number("momentum", momentum, lambda x: 0 <= x < 1, "at least 0 and below 1")
        self.nesterov = switch("nesterov", nesterov)
        if self.nesterov and self.momentum == 0:
            raise OptionError("nesterov=True needs a momentum above 0, such as momentum=0.9.")

    @staticmethod
    def update(theta: Array, g: Array, v: Array, lr: float, momentum: float, nesterov: bool) -> tuple[Array, Array]:
        v = momentum * v + g
        step = g + momentum * v if nesterov else v
        return theta - lr * step, v

    def constants(self, t: int) -> tuple[float, ...]:
        return (self.momentum, self.nesterov)
