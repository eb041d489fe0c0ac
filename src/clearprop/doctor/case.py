"""The case: a network before its first step, its data, and how it is trained."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Dataset, Split
from clearprop.errors import OptionError
from clearprop.nn import Layer, Loss, Net
from clearprop.nn.loss import classes_of
from clearprop.optim import OPTIMIZERS, Optimizer
from clearprop.training import FitSettings
from clearprop.training.setup import Setup

OF_FIT = tuple(f.name for f in fields(FitSettings))


@dataclass(frozen=True, eq=False)
class Case:
    """A training run to be examined. Nothing in it is ever changed: training works on copies.

    Attributes
    ----------
    net : Net
        The net as it is before the first step.
    train, val, test : Split
        The examples as the net gets them; `val` and `test` may be None.
    loss, optimizer
        As for `clearprop.fit`.
    settings : FitSettings
        Batch size, epochs, seed, order and the rest of what `fit` was told.
    metric : str
        Figure by which the run is judged, if it is known: "accuracy", "r2", ...
    patience : int or None
        Patience of early stopping; None without early stopping.

    Examples
    --------
    >>> from clearprop import SGD, CrossEntropy, mlp
    >>> train = Split(np.zeros((100, 2), "float32"), np.zeros(100, int))
    >>> case = Case(mlp([2, 3, 2]), train, CrossEntropy(), SGD(), settings=FitSettings(batch_size=30, epochs=2))
    >>> case.steps, case.but(epochs=5).steps
    (8, 20)
    """

    net: Net
    train: Split
    loss: Loss
    optimizer: Optimizer
    val: Split | None = None
    test: Split | None = None
    settings: FitSettings = field(default_factory=FitSettings)
    metric: str = ""
    patience: int | None = None

    def but(self, **changes: Any) -> Case:
        """The same case with some attributes, or some attributes of its settings, changed."""
        of_fit = {name: changes.pop(name) for name in OF_FIT if name in changes}
        settings = changes.pop("settings", self.settings)
        return replace(self, settings=replace(settings, **of_fit), **changes)

    def fresh_optimizer(self) -> Optimizer:
        """The optimizer before its first step."""
        return OPTIMIZERS.make(self.optimizer.config())

    def fresh_settings(self) -> FitSettings:
        """The settings before the first draw: a seed that is a generator is copied, so that each training draws the same."""
        return replace(self.settings, seed=copy.deepcopy(self.settings.seed))

    @property
    def seed(self) -> int:
        """Seed for weights and masks that a remedy draws anew."""
        seed = self.settings.seed
        return seed if isinstance(seed, int) else int(copy.deepcopy(seed).integers(2**31))

    @cached_property
    def labels(self) -> Array:
        """The different labels of the training examples, in order."""
        return np.unique(classes_of(self.train.y))

    @property
    def size(self) -> int:
        """Examples in a batch."""
        return self.settings.size(len(self.train))

    @property
    def steps(self) -> int:
        """Updates of the parameters in the whole run."""
        return self.settings.epochs * self.settings.steps(len(self.train))

    @property
    def classes(self) -> bool:
        """Whether the targets are classes."""
        return holds_labels(self.train.y) or self.loss.probabilities(np.ones((1, 1))) is not None


def case_of(
    net: Net, data: Dataset | Split | tuple[Array, Array], validation: Split | tuple[Array, Array] | None = None, **rest: Any
) -> Case:
    """The case of a net and its data in any of the forms that `fit` takes; `validation` replaces the data set's own."""
    if isinstance(data, Dataset):
        train, val, test = data.train, data.val, data.test
    else:
        (X, y), val, test = data, None, None
        train = Split(np.asarray(X), np.asarray(y))
    if validation is not None:
        X, y = validation
        val = Split(np.asarray(X), np.asarray(y))
    return Case(net.copy(), train, val=val, test=test, **rest)


def freeze(net: Net, numbers: Sequence[int]) -> None:
    """Mark layers, numbered from 1, as frozen on purpose: when the doctor trains copies of the net, they stay as they are.

    A remedy that draws such a layer afresh trains it as well.

    Raises
    ------
    OptionError
        If there is no layer of such a number.
    """
    for number in numbers:
        if not isinstance(number, int) or not 1 <= number <= len(net.layers):
            raise OptionError(f"frozen takes numbers of layers from 1 to {len(net.layers)}; got {number!r}.")
        vars(net.layers[number - 1])["frozen"] = True


def is_frozen(layer: Layer) -> bool:
    """Whether a layer was marked as frozen."""
    return bool(vars(layer).get("frozen", False))


def frozen_parts(net: Net) -> list[tuple[slice, Array]]:
    """Pieces of theta that belong to frozen layers, and copies of their values."""
    parts, start = [], 0
    for layer in net.unique_layers():
        size = sum(array.size for array in layer.parameters().values())
        if is_frozen(layer):
            parts.append((slice(start, start + size), net.theta[start : start + size].copy()))
        start += size
    return parts


def case_of_setup(setup: Setup) -> Case:
    """The case of a run that is ready to start, as the command line and saved runs describe it."""
    return case_of(
        setup.net, setup.data, loss=setup.loss, optimizer=setup.optimizer, settings=setup.settings.fit,
        metric="accuracy" if setup.data.task == "classification" else "r2", patience=setup.settings.patience,
    )  # fmt: skip


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
