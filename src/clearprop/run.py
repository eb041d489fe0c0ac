"""A training run in progress: what `fit` works on, and what callbacks are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from clearprop.data.dataset import Split
from clearprop.engines import Engine
from clearprop.history import History
from clearprop.nn import Loss, Net
from clearprop.optim import Optimizer

if TYPE_CHECKING:
    from clearprop.callbacks import Callback


@dataclass(eq=False)
class Run:
    """Everything that changes while a net is trained, and what it is trained with.

    Attributes
    ----------
    net, loss, optimizer, engine
        As given to `fit`.
    train, val : Split
        `val` is None where there are no validation data.
    epochs : int
        How many there are to be in all.
    rng : numpy.random.Generator
        From which the order of the examples is drawn.
    callbacks : sequence of Callback
    history : History
        The rows so far.
    """

    net: Net
    loss: Loss
    optimizer: Optimizer
    engine: Engine
    train: Split
    val: Split | None
    epochs: int = 0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    callbacks: Sequence[Callback] = ()
    history: History = field(default_factory=History)

    @property
    def epoch(self) -> int:
        """Number of epochs done."""
        return len(self.history)

    @property
    def finished(self) -> bool:
        """Whether there is nothing more to do."""
        return self.epoch >= self.epochs or self.history.stopped is not None

    def stop(self, reason: str) -> None:
        """End training after the present epoch."""
        self.history.stopped = self.history.stopped or reason
