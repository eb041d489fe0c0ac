"""Settings of the training loop: everything that `fit` is told besides the net, the data, the loss and the optimizer."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import numpy as np

from clearprop.arguments import names_checked
from clearprop.data.batches import ORDERS, REMAINDERS, Order, Remainder
from clearprop.registry import choose, count

TrainMetrics = Literal["running", "after"]
OnNonFinite = Literal["stop", "continue"]


@names_checked
@dataclass(frozen=True)
class FitSettings:
    """Settings of the loop over the data. A `Run` carries them, and whatever repeats the run takes them from there.

    Attributes
    ----------
    batch_size : int or None
        Examples per step; None for all of them at once.
    epochs : int
        Passes over the training data.
    seed : int or numpy.random.Generator
        Seed for the order of the examples.
    order : {"shuffle", "sequential", "replacement"}
        A fresh permutation every epoch; the examples as they lie; or each drawn at random with replacement.
    remainder : {"keep", "drop"}
        Treatment of the last batch of an epoch if it is short.
    train_metrics : {"running", "after"}
        Training figures as means over the steps of the epoch, or measured once it is over.
    on_nonfinite : {"stop", "continue"}
        Whether a NaN or infinite loss ends the training.

    Examples
    --------
    >>> FitSettings(batch_size=10).steps(95)
    10
    """

    batch_size: int | None = 32
    epochs: int = 10
    seed: int | np.random.Generator = 0
    order: Order = "shuffle"
    remainder: Remainder = "keep"
    train_metrics: TrainMetrics = "running"
    on_nonfinite: OnNonFinite = "stop"

    def __post_init__(self) -> None:
        if self.batch_size is not None:
            object.__setattr__(self, "batch_size", count("batch_size", self.batch_size))
        object.__setattr__(self, "epochs", count("epochs", self.epochs))
        if not isinstance(self.seed, np.random.Generator):
            object.__setattr__(self, "seed", count("seed", self.seed, least=0))
        choose("order", self.order, ORDERS)
        choose("remainder", self.remainder, REMAINDERS)
        choose("train_metrics", self.train_metrics, get_args(TrainMetrics))
        choose("on_nonfinite", self.on_nonfinite, get_args(OnNonFinite))

    def size(self, n: int) -> int:
        """Examples in a full batch of n examples."""
        return n if self.batch_size is None else min(self.batch_size, n)

    def used(self, n: int) -> int:
        """Examples of n that one epoch uses: all, unless a short last batch is dropped."""
        return n - n % self.size(n) if self.remainder == "drop" else n

    def steps(self, n: int) -> int:
        """Updates of the parameters in one epoch over n examples."""
        size = self.size(n)
        return n // size if self.remainder == "drop" else -(-n // size)

    def rng(self) -> np.random.Generator:
        """The generator that the order is drawn from, at its beginning."""
        return np.random.default_rng(self.seed)

    def keywords(self) -> dict[str, Any]:
        """The settings as keyword arguments of `fit`, which repeats the run."""
        return {f.name: getattr(self, f.name) for f in fields(self)}
