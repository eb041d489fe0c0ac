"""A run and its callbacks: what `fit` works on, and what is told of it after each epoch."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Split
from clearprop.engines import Engine, Steps
from clearprop.nn import Loss, Net
from clearprop.optim import Optimizer
from clearprop.registry import Configured
from clearprop.training.fit_settings import FitSettings
from clearprop.training.history import History


@dataclass(eq=False)
class Run:
    """Everything that changes while a net is trained, and everything that decides how it is trained.

    Attributes
    ----------
    net, loss, optimizer, engine
        As given to `fit`.
    settings : FitSettings
        Batch size, epochs, seed, order and the rest; whatever repeats the run reads them here.
    train, val : Split
        In the dtype of the net; `val` is None where there are no validation data.
    callbacks : sequence of Callback
    keep_steps : bool
        Whether the history keeps the loss of each batch.
    rng : numpy.random.Generator
        Source of the order of the examples.
    history : History
        The rows so far.
    """

    net: Net
    loss: Loss
    optimizer: Optimizer
    engine: Engine
    settings: FitSettings
    train: Split
    val: Split | None = None
    callbacks: Sequence[Callback] = ()
    keep_steps: bool = False
    rng: np.random.Generator = field(init=False)
    history: History = field(default_factory=History)

    def __post_init__(self) -> None:
        self.rng = self.settings.rng()

    @property
    def epoch(self) -> int:
        """Number of epochs done."""
        return len(self.history)

    @property
    def finished(self) -> bool:
        """Whether the run is over: all epochs done, or stopped."""
        return self.epoch >= self.settings.epochs or self.history.stopped is not None

    def train_in(self, order: Array, size: int) -> Steps:
        """Steps over the training examples in this order, `size` of them in each batch."""
        X, y, weights = self.train.X, self.train.y, self.train.weights
        if weights is None:
            return self.engine.train_epoch(self.net, self.loss, self.optimizer, X, y, order, size)
        return self.engine.train_weighted(self.net, self.loss, self.optimizer, X, y, weights, order, size)

    def stop(self, reason: str) -> None:
        """End training after the present epoch."""
        self.history.stopped = self.history.stopped or reason


class Callback(Configured, ABC):
    """Hooks that `fit` calls at the start, after every epoch, and at the end; `run.stop(reason)` ends the training.

    Examples
    --------
    >>> class Print(Callback):
    ...     def on_epoch_end(self, run):
    ...         print(run.epoch, round(run.history[-1]["val_loss"], 2))
    """

    def on_fit_start(self, run: Run) -> None:
        """Before the first epoch, or the first after a resume."""

    def on_epoch_end(self, run: Run) -> None:
        """After each epoch; the new row is `run.history[-1]`."""

    def on_fit_end(self, run: Run) -> None:
        """At the end, however it came: last epoch, early stop, Ctrl-C or a non-finite loss."""

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """State that a checkpoint keeps, so that a resumed run does the same: JSON-able values, and arrays."""
        return {}, {}

    def set_state(self, values: dict[str, Any], arrays: dict[str, Array]) -> None:
        """Restore what `state` returned."""
