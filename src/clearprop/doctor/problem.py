"""The problem: a network before its first step, its data, and the settings with which it is trained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.batches import Order, Remainder
from clearprop.data.dataset import Split
from clearprop.nn import Loss, Net
from clearprop.nn.loss import classes_of
from clearprop.optim import OPTIMIZERS, Optimizer


@dataclass(frozen=True, eq=False)
class Problem:
    """What is examined. Nothing in it is ever changed: training works on copies.

    Attributes
    ----------
    net : Net
        As it is before the first step.
    train, val, test : Split
        As the net is given them; `val` and `test` may be None.
    loss, optimizer
    batch_size, epochs, seed, order, remainder
        As for `clearprop.fit`.
    metric : str
        The figure by which the run is judged, if it is known: "accuracy", "r2", ...
    patience : int or None
        Of early stopping, if the run has any.
    """

    net: Net
    train: Split
    loss: Loss
    optimizer: Optimizer
    val: Split | None = None
    test: Split | None = None
    batch_size: int | None = 32
    epochs: int = 10
    seed: int = 0
    order: Order = "shuffle"
    remainder: Remainder = "keep"
    metric: str = ""
    patience: int | None = None

    def but(self, **changes: Any) -> Problem:
        """The same problem with some attributes changed."""
        return replace(self, **changes)

    def fresh_optimizer(self) -> Optimizer:
        """The optimizer before its first step."""
        return OPTIMIZERS.make(self.optimizer.config())

    @property
    def size(self) -> int:
        """Examples in a batch."""
        return min(self.batch_size or len(self.train), len(self.train))

    @property
    def classes(self) -> bool:
        """Whether the targets are classes."""
        return holds_labels(self.train.y) or self.loss.probabilities(np.ones((1, 1))) is not None


def holds_labels(y: Array) -> bool:
    """Whether targets look like classes: integers (N,), one-hot rows, or a column of two different numbers."""
    if y.ndim == 1:
        return bool(np.issubdtype(y.dtype, np.integer)) or y.dtype.kind in "bUO"
    if y.shape[1] == 1:
        return len(np.unique(y[:10_000])) == 2
    return bool(np.isin(y[:1000], (0, 1)).all() and (y[:1000].sum(axis=1) == 1).all())


def labels_of(y: Array) -> Array:
    """The class of each example (N,), as a number from 0 in the order of the labels."""
    found: Array = np.unique(classes_of(y), return_inverse=True)[1]
    return found.reshape(-1)
