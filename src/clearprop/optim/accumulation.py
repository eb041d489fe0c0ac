"""Accumulation: the gradients of several batches are averaged, and then one step is taken."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array, brief
from clearprop.errors import OptionError
from clearprop.optim.optimizer import Optimizer
from clearprop.registry import count


class Accumulated(Optimizer):
    """One step of another optimizer for every so many batches, with the mean of their gradients.

    The mean over k batches of B is that of one batch of k B examples, so the steps are the same as with that batch size, while
    only B examples are in memory at a time. A BatchNorm still sees B examples, and a loss that is a sum is averaged over the k.

    Parameters
    ----------
    optimizer : Optimizer
        Its learning rate, weight decay and clipping hold for the mean gradient.
    batches : int
        k; a group that is not complete at the end of an epoch goes on in the next.

    Examples
    --------
    >>> from clearprop.optim import SGD
    >>> theta, optimizer = np.array([1.0]), Accumulated(SGD(lr=0.1), batches=2)
    >>> for g in (1.0, 3.0):
    ...     optimizer.step(theta, grad=np.array([g]))
    ...     print(theta)
    [1.]
    [0.8]
    """

    def __init__(self, optimizer: Optimizer, batches: int = 2) -> None:
        if not isinstance(optimizer, Optimizer):
            raise OptionError(f"Accumulated takes an optimizer, such as Adam(lr=0.01), not {brief(optimizer)}.")
        self.optimizer = optimizer
        self.batches = count("batches", batches)
        inner = self.optimizer
        super().__init__(inner.lr, inner.weight_decay, inner.clip_norm, inner.spare_biases)
        self.decoupled = inner.decoupled
        self.state_names = ("total", *inner.state_names)

    @staticmethod
    def update(theta: Array, g: Array, *rest: Any) -> tuple[Array, ...]:
        """Not used: the rule is that of the other optimizer."""
        raise NotImplementedError

    def rate(self, t: int) -> float:
        """The learning rate at batch t: that of the step which the batch belongs to."""
        return self.optimizer.rate(t // self.batches)

    def step(self, theta: Array, grad: Array) -> None:
        """Add the gradient to those of the batches before; after the last of a group, take the step."""
        self.prepare(theta, grad)
        self.t += 1
        total = self.state["total"]
        total += grad
        if self.t % self.batches:
            return
        inner = self.optimizer
        inner.t = self.t // self.batches - 1
        inner.state = {name: value for name, value in self.state.items() if name != "total"}
        inner.biases = self.biases
        inner.step(theta, total / np.asarray(self.batches, total.dtype))
        total[:] = 0
