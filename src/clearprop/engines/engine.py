"""The interface of an engine, which runs the mathematics of a net: every rung of the ladder has these methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from clearprop.arrays import Array
from clearprop.nn import Loss, Net
from clearprop.optim import Optimizer
from clearprop.registry import Configured

Device = Literal["cpu", "cuda"]


class Steps(NamedTuple):
    """Figures of an epoch, step by step.

    Attributes
    ----------
    losses : array (n_steps,) of float64
        The loss of each batch, without the L2 term of the optimizer, before the step that the batch caused.
    n_correct : array (n_steps,) of float64
        Examples of each batch that were predicted right, before that step; NaN without classes.
    """

    losses: Array
    n_correct: Array

    def totals(self, loss: Loss, n: int, batch_size: int) -> tuple[float, float]:
        """Loss and number of correct predictions, summed over the n examples of these steps."""
        n_correct = float(self.n_correct.sum())
        if loss.reduction == "sum":
            return float(self.losses.sum()), n_correct
        sizes = np.minimum(batch_size, n - batch_size * np.arange(len(self.losses)))
        return float(self.losses @ sizes), n_correct


CHUNK = 4096  # examples that are evaluated at a time, to bound the memory


class Engine(Configured, ABC):
    """Runs a net. Takes and returns NumPy arrays, whatever it computes with."""

    @abstractmethod
    def supports(self, net: Net, loss: Loss, optimizer: Optimizer) -> str | None:
        """The reason why this engine cannot train this combination, in one sentence; None if it can."""

    @abstractmethod
    def forward(self, net: Net, X: Array) -> Array:
        """The output (N, n_y) of the net after training, for X (N, n_x)."""

    @abstractmethod
    def loss_and_grad(self, net: Net, loss: Loss, X: Array, y: Array) -> tuple[float, Array]:
        """Loss of one batch in training mode, and its gradient (P,) with respect to theta, which does not change."""

    @abstractmethod
    def train_epoch(
        self, net: Net, loss: Loss, optimizer: Optimizer, X: Array, y: Array, order: Array, batch_size: int
    ) -> Steps:
        """Take one step for each batch of `batch_size` rows of X (N, n_x) and y, in the given `order`; changes theta.

        Never stops for a non-finite number; `fit` examines the losses afterwards, and restores the net if need be.
        """

    def permutation(self, rng: np.random.Generator, n: int) -> Array:
        """A permutation of n examples; every engine draws the same one from the same generator."""
        return rng.permutation(n)

    def loss_and_correct(self, net: Net, loss: Loss, X: Array, y: Array) -> tuple[float, float]:
        """Loss, summed over the examples of X (N, n_x), and number predicted right, after training."""
        value = n_correct = 0.0
        for first in range(0, len(X), CHUNK):
            y_hat, y_part = self.forward(net, X[first : first + CHUNK]), y[first : first + CHUNK]
            value += loss(y_hat, y_part) * (len(y_part) if loss.reduction == "mean" else 1)
            n_correct += loss.n_correct(y_hat, y_part)
        return value, n_correct


def batches(order: Array, batch_size: int) -> Iterator[Array]:
    """The rows of each batch: `order` in pieces of `batch_size`, the last of which may be shorter."""
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
