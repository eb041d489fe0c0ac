"""The interface of an engine, which runs the mathematics of a net: every rung of the ladder has these methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from clearprop.arrays import Array, added_up
from clearprop.errors import UnsupportedError
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
        n_correct = added_up(self.n_correct)
        if loss.reduction == "sum":
            return added_up(self.losses), n_correct
        sizes = np.minimum(batch_size, n - batch_size * np.arange(len(self.losses)))
        return added_up(self.losses * sizes), n_correct


class Watch(NamedTuple):
    """The figure whose best parameters are kept, while several epochs are trained at once.

    Attributes
    ----------
    monitor : {"train_loss", "val_loss", "train_accuracy", "val_accuracy"}
    min_delta, patience : float, int
        As for `EarlyStopping`.
    score, epoch, theta : float, int, array (P,)
        The best so far: its score, the smaller the better; its epoch; its parameters, which are overwritten.
    """

    monitor: str
    min_delta: float
    patience: int
    score: float
    epoch: int
    theta: Array


class Task(NamedTuple):
    """Training of one net, for an engine that takes several epochs without returning.

    Attributes
    ----------
    net, loss, optimizer
        The net and the optimizer's state are changed.
    X, y, X_val, y_val : array or None
        Examples, in the dtype of the net; the last two are None without validation.
    batch_size, n : int
        Examples per step, and per epoch, where a remainder may be dropped.
    rng : numpy.random.Generator or None
        Draws a permutation for each epoch; None for the examples as they are.
    stop_nonfinite : bool
        Whether to stop after an epoch in which a loss or a parameter is not finite.
    watch : Watch or None
    epochs_before : int
        Epochs done so far.
    weights, weights_val : array (N,) or None
        Weights of the examples, whose mean is 1; None for examples that all count the same.
    """

    net: Net
    loss: Loss
    optimizer: Optimizer
    X: Array
    y: Array
    X_val: Array | None
    y_val: Array | None
    batch_size: int
    n: int
    rng: np.random.Generator | None
    stop_nonfinite: bool
    watch: Watch | None
    epochs_before: int
    weights: Array | None = None
    weights_val: Array | None = None


class EpochFigures(NamedTuple):
    """Figures of several epochs, one number for each.

    Attributes
    ----------
    train_loss, train_correct, val_loss, val_correct : array (n_epochs,)
        Losses, without the L2 term, and correct predictions, summed over the examples; NaN for what was not measured.
    squared_theta : array (n_epochs,)
        |theta|^2 after each epoch, if there is weight decay.
    stopped : {None, "nonfinite", "patience"}
        The reason why there are fewer epochs than were asked for.
    watch : Watch or None
        The best epoch by now.
    """

    train_loss: Array
    train_correct: Array
    val_loss: Array
    val_correct: Array
    squared_theta: Array
    stopped: str | None
    watch: Watch | None


CHUNK = 4096  # examples that are evaluated at a time, to bound the memory


class Engine(Configured, ABC):
    """Runs a net. Takes and returns NumPy arrays, whatever it computes with."""

    weighs: ClassVar[bool] = False
    """Whether `train_weighted` is there: whether examples may have weights."""

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

    def train_weighted(
        self, net: Net, loss: Loss, optimizer: Optimizer, X: Array, y: Array, weights: Array, order: Array, batch_size: int
    ) -> Steps:
        """`train_epoch` with a weight w_i for each example (N,): the loss of a batch of B is (sum of w_i l_i) / B.

        A loss that is a sum is the sum of w_i l_i. Its gradient matches. The correct predictions are counted as ever.
        """
        raise UnsupportedError(f"The engine {self!r} takes no sample weights; use 'compiled' or 'batch'.")

    def prepare(self, net: Net, loss: Loss, optimizer: Optimizer, batch_size: int) -> None:
        """Make ready whatever takes long once, such as compiling, so that it is not counted as training."""

    def train_epochs(self, task: Task, epochs: int) -> EpochFigures | None:
        """Several epochs in one call, with validation after each; None from an engine that takes one at a time."""
        return None

    def train_many(self, tasks: Sequence[Task], epochs: Sequence[int], threads: int | None = None) -> list[EpochFigures | None]:
        """`train_epochs` for many nets, shared among threads by an engine that can; the same bits as one after the other."""
        return [self.train_epochs(task, n) for task, n in zip(tasks, epochs, strict=True)]

    def permutation(self, rng: np.random.Generator, n: int) -> Array:
        """A permutation of n examples; every engine draws the same one from the same generator."""
        return rng.permutation(n)

    def loss_and_correct(self, net: Net, loss: Loss, X: Array, y: Array, weights: Array | None = None) -> tuple[float, float]:
        """Loss, summed over the examples of X (N, n_x), each times its weight, and number predicted right, after training."""
        value = n_correct = 0.0
        for first in range(0, len(X), CHUNK):
            y_hat, y_part = self.forward(net, X[first : first + CHUNK]), y[first : first + CHUNK]
            if weights is None:
                value += loss(y_hat, y_part) * (len(y_part) if loss.reduction == "mean" else 1)
            else:
                value += added_up(loss.of_each(y_hat, y_part) * weights[first : first + CHUNK])
            n_correct += loss.n_correct(y_hat, y_part)
        return value, n_correct


def batches(order: Array, batch_size: int) -> Iterator[Array]:
    """The rows of each batch: `order` in pieces of `batch_size`, the last of which may be shorter."""
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
