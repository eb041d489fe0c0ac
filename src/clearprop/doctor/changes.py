"""Changes: what a remedy does to a case, by name, so that a remedy is data and can be carried out by code.

>>> from clearprop import SGD, CrossEntropy, mlp
>>> train = Split(np.zeros((4, 2), "float32"), np.array([0, 1, 0, 1]))
>>> change(Case(mlp([2, 3, 2]), train, CrossEntropy(), SGD(0.1)), {"epochs": 3, "rate": 2}).optimizer
SGD(lr=0.2)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Split
from clearprop.doctor.case import Case, holds_labels, labels_of
from clearprop.errors import UnknownNameError
from clearprop.nn import (
    LOSSES,
    BinaryCrossEntropyWithLogits,
    CrossEntropy,
    Dropout,
    He,
    Layer,
    Linear,
    MeanSquaredError,
    Net,
    ReLU,
    Sigmoid,
    Tanh,
    Xavier,
)
from clearprop.nn.multilayer import make_activation
from clearprop.optim import OPTIMIZERS
from clearprop.registry import unknown_name

Change = Callable[[Case, Any], Case]


def change(case: Case, changes: dict[str, Any]) -> Case:
    """The case with all `changes` made, in their order."""
    for name, value in changes.items():
        if name not in CHANGES:
            raise UnknownNameError(unknown_name("change", name, list(CHANGES)))
        case = CHANGES[name](case, value)
    return case


def with_layers(case: Case, layers: list[Layer], seed: int | None = None) -> Case:
    """The case with another net; `seed` draws its weights afresh, None keeps those that the layers have."""
    for layer in layers:
        layer.in_net = False
    net = Net(*layers, seed=None, dtype=case.net.dtype)
    return case.but(net=net if seed is None else net.initialise(seed))


def layers_of(case: Case) -> list[Layer]:
    """Independent copies of the layers; one that appears twice still does."""
    return list(case.net.copy().layers)


def fresh(n_in: int, n_out: int, following: Layer | None) -> Linear:
    """A Linear with the initialiser that suits what follows it."""
    return Linear(n_in, n_out, init=He() if isinstance(following, ReLU) else Xavier())


def init(case: Case, value: Any) -> Case:
    """Draw all weights again by He's or Xavier's rule, with zero biases."""
    layers = layers_of(case)
    for i, layer in enumerate(layers):
        if isinstance(layer, Linear):
            layers[i] = fresh(layer.n_in, layer.n_out, layers[i + 1] if i + 1 < len(layers) else None)
    return with_layers(case, layers, case.seed)


def last_layer(case: Case, value: Any) -> Case:
    """Draw the weights of the last Linear again, zero its bias, and leave the others."""
    layers = layers_of(case)
    at = last_linear(layers)
    layer = layers[at]
    assert isinstance(layer, Linear)
    layers[at] = Linear(layer.n_in, layer.n_out).initialise(case.seed)
    return with_layers(case, layers)


def last_linear(layers: list[Layer]) -> int:
    """Position of the last Linear."""
    return max(i for i, layer in enumerate(layers) if isinstance(layer, Linear))


def activation(case: Case, value: str) -> Case:
    """Give every hidden layer this activation (adding one where there is none), and draw the weights to suit it."""
    layers = layers_of(case)
    end = last_linear(layers)
    new: list[Layer] = []
    for i, layer in enumerate(layers):
        if i < end and isinstance(layer, (ReLU, Sigmoid, Tanh)):
            continue
        new.append(layer)
        if i < end and isinstance(layer, Linear):
            made = make_activation(value)
            new += [] if made is None else [made]
    return init(with_layers(case, new), "default")


def output(case: Case, value: Any) -> Case:
    """Make output, loss and targets fit the task: logits with their cross-entropy, or numbers with the squared error."""
    layers = layers_of(case)
    end = last_linear(layers)
    layers = layers[: end + 1]
    last = layers[end]
    assert isinstance(last, Linear)
    if not holds_labels(case.train.y):
        return with_layers(case.but(loss=MeanSquaredError()), layers)
    n = int(labels_of(case.train.y).max()) + 1
    if n == 2 and last.n_out == 1:
        case = with_targets(case, lambda y, classes: classes[:, None].astype(case.net.dtype))
        return with_layers(case.but(loss=BinaryCrossEntropyWithLogits()), layers)
    if last.n_out != n:
        layers[end] = Linear(last.n_in, n).initialise(case.seed)
    case = with_targets(case, lambda y, classes: classes)
    return with_layers(case.but(loss=CrossEntropy()), layers)


def outputs(case: Case, value: int) -> Case:
    """Give the last Linear `value` units, drawn afresh, and switch broadcasting off."""
    layers = layers_of(case)
    end = last_linear(layers)
    last = layers[end]
    assert isinstance(last, Linear)
    layers[end] = Linear(last.n_in, value, init=last.init).initialise(case.seed)
    config = case.loss.config() | {"broadcast": False}
    return with_layers(case.but(loss=LOSSES.make(config)), layers)


def with_targets(case: Case, convert: Callable[[Array, Array], Array]) -> Case:
    """The case with other targets: `convert` gets those of a split, and their classes numbered from 0."""
    known = np.unique(np.concatenate([keys(split.y) for split in splits(case).values()]))
    new = {}
    for name, split in splits(case).items():
        classes = np.searchsorted(known, keys(split.y))
        new[name] = Split(split.X, convert(split.y, classes))
    return case.but(**new)


def keys(y: Array) -> Array:
    """The class of each row, as it stands: the integer, the column that is 1, or the number of the only column."""
    return y if y.ndim == 1 else (y.argmax(axis=1) if y.shape[1] > 1 else y[:, 0])


def splits(case: Case) -> dict[str, Split]:
    """The splits that there are."""
    named = {"train": case.train, "val": case.val, "test": case.test}
    return {name: split for name, split in named.items() if split is not None}


def on_inputs(case: Case, f: Callable[[Array], Array]) -> Case:
    """The case with every split's X replaced by f(X)."""
    return case.but(**{name: Split(f(split.X), split.y) for name, split in splits(case).items()})


def scale(case: Case, value: str) -> Case:
    """Given "standard": each column to mean 0 and standard deviation 1 in training; given "unit": all by one factor."""
    X = case.train.X.astype(np.float64)
    mean, std = X.mean(axis=0), X.std(axis=0)
    std = np.where(std > 1e-12 * (np.abs(mean) + 1), std, 1.0)
    if value == "unit":
        mean, std = np.array(0.0), np.array(float(np.abs(X).max()) or 1.0)
    kind = case.net.dtype
    return on_inputs(case, lambda X: ((X - mean) / std).astype(kind))


def inputs(case: Case, value: str) -> Case:
    """Given "fill": replace missing numbers by the column's mean; "drop": leave out constant columns."""
    X = case.train.X.astype(np.float64)
    finite = np.isfinite(X)
    if value == "fill":
        count = np.maximum(finite.sum(axis=0), 1)
        mean = np.where(finite, X, 0).sum(axis=0) / count
        kind = case.net.dtype
        return on_inputs(case, lambda X: np.where(np.isfinite(X), X, mean).astype(kind))
    keep = X.std(axis=0) > 1e-12
    if not keep.any():
        return case
    layers = layers_of(case)
    at = next(i for i, layer in enumerate(layers) if isinstance(layer, Linear))
    first = layers[at]
    assert isinstance(first, Linear)
    thinner = Linear(int(keep.sum()), first.n_out, init=first.init, bias_init=first.bias_init)
    layers[at] = thinner.initialise(case.seed)
    return with_layers(on_inputs(case, lambda X: X[:, keep]), layers)


def labels(case: Case, value: str) -> Case:
    """Given "renumber": classes 0, 1, ...; "standard": numbers of mean 0 and standard deviation 1."""
    if value == "renumber":

        def convert(y: Array, classes: Array) -> Array:
            return classes if y.ndim == 1 else classes[:, None].astype(case.net.dtype)

        wide = case.net.n_out or 1
        case = with_targets(case, convert)
        if case.train.y.ndim == 1 and isinstance(case.loss, CrossEntropy) and wide <= int(case.train.y.max()):
            return output(case, "suited")
        return case
    y = case.train.y.astype(np.float64)
    mean, std = y.mean(axis=0), np.maximum(y.std(axis=0), 1e-12)
    kind = case.net.dtype
    new = {name: Split(s.X, ((s.y - mean) / std).astype(kind)) for name, s in splits(case).items()}
    return case.but(**new)


def rate(case: Case, value: float) -> Case:
    """Multiply the learning rate, or that of a schedule, by `value`."""
    config = case.optimizer.config()
    config["lr"] = scaled_rate(config["lr"], value)
    return case.but(optimizer=OPTIMIZERS.make(config))


def scaled_rate(lr: Any, factor: float) -> Any:
    """A rate, or every rate in a schedule's configuration, times `factor`."""
    if isinstance(lr, dict):
        return {k: scaled_rate(v, factor) if k in ("lr", "max_lr", "first", "then") else v for k, v in lr.items()}
    return float(f"{lr * factor:.4g}") if lr and math.isfinite(lr) else lr


def optimizer(case: Case, value: dict[str, Any]) -> Case:
    """Change arguments of the optimizer."""
    return case.but(optimizer=OPTIMIZERS.make(case.optimizer.config() | value))


def loss(case: Case, value: dict[str, Any]) -> Case:
    """Change arguments of the loss."""
    return case.but(loss=LOSSES.make(case.loss.config() | value))


def dropout(case: Case, value: float) -> Case:
    """Set the rate of all Dropout layers, which are replaced by clearprop's own; 0 removes them."""
    layers = [Dropout(value) if layer.rng is not None else layer for layer in layers_of(case)]
    kept = [layer for layer in layers if not (isinstance(layer, Dropout) and value == 0)]
    for layer in kept:
        if isinstance(layer, Dropout):
            layer.initialise(case.seed)
    return with_layers(case, kept)


def drop_layer(case: Case, value: int) -> Case:
    """Leave out one layer (numbered from 1) whose output is as wide as its input."""
    return with_layers(case, [layer for i, layer in enumerate(layers_of(case), 1) if i != value])


def replace_layer(case: Case, value: int) -> Case:
    """Replace a layer derived from Linear (numbered from 1) by clearprop's Linear with the same weights."""
    layers = layers_of(case)
    old = layers[value - 1]
    assert isinstance(old, Linear)
    new = Linear(old.n_in, old.n_out, bias=old.bias)
    for name, array in old.parameters().items():
        new.parameters()[name][:] = array
    layers[value - 1] = new
    return with_layers(case, layers)


def hidden(case: Case, value: int) -> Case:
    """Widen every hidden layer to at least `value` units; add one, if there is none."""
    layers = layers_of(case)
    linear = [layer for layer in layers if isinstance(layer, Linear)]
    kinds = [layer for layer in layers[: last_linear(layers)] if isinstance(layer, (ReLU, Sigmoid, Tanh))]
    kind = type(kinds[0]) if kinds else Tanh
    end = last_linear(layers)
    widths = [max(layer.n_out, value) for layer in linear[:-1]] or [value]
    sizes = [linear[0].n_in, *widths]
    new: list[Layer] = []
    for n_in, n_out in itertools.pairwise(sizes):
        new += [fresh(n_in, n_out, kind()), kind()]
    new += [Linear(sizes[-1], linear[-1].n_out), *layers[end + 1 :]]
    return with_layers(case, new, case.seed)


def split(case: Case, value: str) -> Case:
    """Given "disjoint": drop the validation and test rows that are in training too."""
    seen = {row.tobytes() for row in np.ascontiguousarray(case.train.X)}
    new: dict[str, Split | None] = {}
    for name, part in splits(case).items():
        if name == "train":
            continue
        keep = np.array([row.tobytes() not in seen for row in np.ascontiguousarray(part.X)], dtype=bool)
        new[name] = Split(part.X[keep], part.y[keep]) if keep.any() else None
    return case.but(**new)


def balance(case: Case, value: bool) -> Case:
    """Repeat the rows of small classes until all classes are equally frequent, and judge by the balanced accuracy."""
    y = labels_of(case.train.y)
    counts = np.bincount(y)
    rng = np.random.default_rng(case.seed)
    rows = np.concatenate([rng.choice(np.flatnonzero(y == c), counts.max() - counts[c]) for c in range(len(counts))])
    order = rng.permutation(np.concatenate([np.arange(len(y)), rows.astype(np.int64)]))
    train = Split(case.train.X[order], case.train.y[order])
    return case.but(train=train, metric="balanced_accuracy")


def train_on(case: Case, value: str) -> Case:
    """Given "val": train on the first half of the validation examples, and validate on the second."""
    if case.val is None:
        return case
    half = len(case.val) // 2
    X, y = case.val.X, case.val.y
    return case.but(train=Split(X[:half], y[:half]), val=Split(X[half:], y[half:]))


def setting(name: str) -> Change:
    """The change of one attribute of the case or of its settings."""
    return lambda case, value: case.but(**{name: value})


CHANGES: dict[str, Change] = {
    "init": init,
    "last_layer": last_layer,
    "activation": activation,
    "output": output,
    "outputs": outputs,
    "scale": scale,
    "inputs": inputs,
    "labels": labels,
    "rate": rate,
    "optimizer": optimizer,
    "loss": loss,
    "dropout": dropout,
    "drop_layer": drop_layer,
    "replace_layer": replace_layer,
    "hidden": hidden,
    "split": split,
    "balance": balance,
    "train_on": train_on,
    **{name: setting(name) for name in ("order", "epochs", "batch_size", "metric")},
}
