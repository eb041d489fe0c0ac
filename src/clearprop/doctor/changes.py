"""Changes: what a remedy does to a problem, by name, so that a remedy is data and can be carried out by code.

>>> from clearprop.doctor.specimens import sound
>>> import numpy as np
>>> problem = sound(np.random.default_rng(0))
>>> change(problem, {"epochs": 3}).epochs
3
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Split
from clearprop.doctor.problem import Problem, holds_labels, labels_of
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

Change = Callable[[Problem, Any], Problem]


def change(problem: Problem, changes: dict[str, Any]) -> Problem:
    """The problem with all `changes` made, in their order."""
    for name, value in changes.items():
        if name not in CHANGES:
            raise UnknownNameError(unknown_name("change", name, list(CHANGES)))
        problem = CHANGES[name](problem, value)
    return problem


def with_layers(problem: Problem, layers: list[Layer], seed: int | None = None) -> Problem:
    """The problem with another net; `seed` draws its weights afresh, None keeps those that the layers have."""
    for layer in layers:
        layer.in_net = False
    net = Net(*layers, seed=None, dtype=problem.net.dtype)
    return problem.but(net=net if seed is None else net.initialise(seed))


def layers_of(problem: Problem) -> list[Layer]:
    """Independent copies of the layers; one that appears twice still does."""
    return list(problem.net.copy().layers)


def fresh(n_in: int, n_out: int, following: Layer | None) -> Linear:
    """A Linear with the initialiser that suits what follows it."""
    return Linear(n_in, n_out, init=He() if isinstance(following, ReLU) else Xavier())


def init(problem: Problem, value: Any) -> Problem:
    """Draw all weights again: "default" for He's or Xavier's rule and zero biases."""
    layers = layers_of(problem)
    for i, layer in enumerate(layers):
        if isinstance(layer, Linear):
            layers[i] = fresh(layer.n_in, layer.n_out, layers[i + 1] if i + 1 < len(layers) else None)
    return with_layers(problem, layers, problem.seed)


def last_layer(problem: Problem, value: Any) -> Problem:
    """Draw the weights of the last Linear again, zero its bias, and leave the others."""
    layers = layers_of(problem)
    at = last_linear(layers)
    layer = layers[at]
    assert isinstance(layer, Linear)
    layers[at] = Linear(layer.n_in, layer.n_out).initialise(problem.seed)
    return with_layers(problem, layers)


def last_linear(layers: list[Layer]) -> int:
    """Position of the last Linear."""
    return max(i for i, layer in enumerate(layers) if isinstance(layer, Linear))


def activation(problem: Problem, value: str) -> Problem:
    """Give every hidden layer this activation (and put one where there is none), with weights drawn to suit it."""
    layers = layers_of(problem)
    end = last_linear(layers)
    new: list[Layer] = []
    for i, layer in enumerate(layers):
        if i < end and isinstance(layer, (ReLU, Sigmoid, Tanh)):
            continue
        new.append(layer)
        if i < end and isinstance(layer, Linear):
            made = make_activation(value)
            new += [] if made is None else [made]
    return init(with_layers(problem, new), "default")


def output(problem: Problem, value: Any) -> Problem:
    """The output, the loss and the form of the targets that suit the task: logits and their cross-entropy, or numbers."""
    layers = layers_of(problem)
    end = last_linear(layers)
    layers = layers[: end + 1]
    last = layers[end]
    assert isinstance(last, Linear)
    if not holds_labels(problem.train.y):
        return with_layers(problem.but(loss=MeanSquaredError()), layers)
    n = int(labels_of(problem.train.y).max()) + 1
    if n == 2 and last.n_out == 1:
        problem = with_targets(problem, lambda y, classes: classes[:, None].astype(problem.net.dtype))
        return with_layers(problem.but(loss=BinaryCrossEntropyWithLogits()), layers)
    if last.n_out != n:
        layers[end] = Linear(last.n_in, n).initialise(problem.seed)
    problem = with_targets(problem, lambda y, classes: classes)
    return with_layers(problem.but(loss=CrossEntropy()), layers)


def outputs(problem: Problem, value: int) -> Problem:
    """As many units in the last Linear as the targets have columns, drawn afresh, and no broadcasting."""
    layers = layers_of(problem)
    end = last_linear(layers)
    last = layers[end]
    assert isinstance(last, Linear)
    layers[end] = Linear(last.n_in, value, init=last.init).initialise(problem.seed)
    config = problem.loss.config() | {"broadcast": False}
    return with_layers(problem.but(loss=LOSSES.make(config)), layers)


def with_targets(problem: Problem, convert: Callable[[Array, Array], Array]) -> Problem:
    """The problem with other targets: `convert` gets those of a split, and their classes numbered from 0."""
    known = np.unique(np.concatenate([keys(split.y) for split in splits(problem).values()]))
    new = {}
    for name, split in splits(problem).items():
        classes = np.searchsorted(known, keys(split.y))
        new[name] = Split(split.X, convert(split.y, classes))
    return problem.but(**new)


def keys(y: Array) -> Array:
    """What tells the classes apart: integers, or the column that is 1."""
    return y if y.ndim == 1 else (y.argmax(axis=1) if y.shape[1] > 1 else y[:, 0])


def splits(problem: Problem) -> dict[str, Split]:
    """The splits that there are."""
    named = {"train": problem.train, "val": problem.val, "test": problem.test}
    return {name: split for name, split in named.items() if split is not None}


def on_inputs(problem: Problem, f: Callable[[Array], Array]) -> Problem:
    """The problem with every split's X replaced by f(X)."""
    return problem.but(**{name: Split(f(split.X), split.y) for name, split in splits(problem).items()})


def scale(problem: Problem, value: str) -> Problem:
    """Given "standard": each column to mean 0 and standard deviation 1, with figures of the training split alone."""
    X = problem.train.X.astype(np.float64)
    mean, std = X.mean(axis=0), X.std(axis=0)
    std = np.where(std > 1e-12 * (np.abs(mean) + 1), std, 1.0)
    if value == "unit":
        mean, std = np.array(0.0), np.array(float(np.abs(X).max()) or 1.0)
    kind = problem.net.dtype
    return on_inputs(problem, lambda X: ((X - mean) / std).astype(kind))


def inputs(problem: Problem, value: str) -> Problem:
    """Given "fill": replace missing numbers by the column's mean; "drop": leave out constant columns."""
    X = problem.train.X.astype(np.float64)
    finite = np.isfinite(X)
    if value == "fill":
        count = np.maximum(finite.sum(axis=0), 1)
        mean = np.where(finite, X, 0).sum(axis=0) / count
        kind = problem.net.dtype
        return on_inputs(problem, lambda X: np.where(np.isfinite(X), X, mean).astype(kind))
    keep = X.std(axis=0) > 1e-12
    if not keep.any():
        return problem
    layers = layers_of(problem)
    at = next(i for i, layer in enumerate(layers) if isinstance(layer, Linear))
    first = layers[at]
    assert isinstance(first, Linear)
    thinner = Linear(int(keep.sum()), first.n_out, init=first.init, bias_init=first.bias_init)
    layers[at] = thinner.initialise(problem.seed)
    return with_layers(on_inputs(problem, lambda X: X[:, keep]), layers)


def labels(problem: Problem, value: str) -> Problem:
    """Given "renumber": classes 0, 1, ...; "standard": numbers of mean 0 and standard deviation 1."""
    if value == "renumber":

        def convert(y: Array, classes: Array) -> Array:
            return classes if y.ndim == 1 else classes[:, None].astype(problem.net.dtype)

        wide = problem.net.n_out or 1
        problem = with_targets(problem, convert)
        if problem.train.y.ndim == 1 and isinstance(problem.loss, CrossEntropy) and wide <= int(problem.train.y.max()):
            return output(problem, "suited")
        return problem
    y = problem.train.y.astype(np.float64)
    mean, std = y.mean(axis=0), np.maximum(y.std(axis=0), 1e-12)
    kind = problem.net.dtype
    new = {name: Split(s.X, ((s.y - mean) / std).astype(kind)) for name, s in splits(problem).items()}
    return problem.but(**new)


def rate(problem: Problem, value: float) -> Problem:
    """The learning rate (and that of a schedule) times so much."""
    config = problem.optimizer.config()
    config["lr"] = scaled_rate(config["lr"], value)
    return problem.but(optimizer=OPTIMIZERS.make(config))


def scaled_rate(lr: Any, factor: float) -> Any:
    """A rate, or every rate in a schedule's configuration, times `factor`."""
    if isinstance(lr, dict):
        return {k: scaled_rate(v, factor) if k in ("lr", "max_lr", "first", "then") else v for k, v in lr.items()}
    return float(f"{lr * factor:.4g}") if lr and math.isfinite(lr) else lr


def optimizer(problem: Problem, value: dict[str, Any]) -> Problem:
    """Arguments of the optimizer."""
    return problem.but(optimizer=OPTIMIZERS.make(problem.optimizer.config() | value))


def loss(problem: Problem, value: dict[str, Any]) -> Problem:
    """Arguments of the loss."""
    return problem.but(loss=LOSSES.make(problem.loss.config() | value))


def dropout(problem: Problem, value: float) -> Problem:
    """The rate of all Dropout layers, which are clearprop's own thereafter; 0 takes them out."""
    layers = [Dropout(value) if layer.rng is not None else layer for layer in layers_of(problem)]
    kept = [layer for layer in layers if not (isinstance(layer, Dropout) and value == 0)]
    for layer in kept:
        if isinstance(layer, Dropout):
            layer.initialise(problem.seed)
    return with_layers(problem, kept)


def drop_layer(problem: Problem, value: int) -> Problem:
    """Leave out one layer (numbered from 1), which must give as many numbers as it gets."""
    return with_layers(problem, [layer for i, layer in enumerate(layers_of(problem), 1) if i != value])


def replace_layer(problem: Problem, value: int) -> Problem:
    """A Linear of clearprop's own, with the same weights, for a layer of the user's."""
    layers = layers_of(problem)
    old = layers[value - 1]
    assert isinstance(old, Linear)
    new = Linear(old.n_in, old.n_out)
    new.W[:], new.b[:] = old.W, old.b
    layers[value - 1] = new
    return with_layers(problem, layers)


def hidden(problem: Problem, value: int) -> Problem:
    """Hidden layers of at least so many units each; one, if there is none."""
    layers = layers_of(problem)
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
    return with_layers(problem, new, problem.seed)


def split(problem: Problem, value: str) -> Problem:
    """Given "disjoint": take out of validation and test the rows that are in training too."""
    seen = {row.tobytes() for row in np.ascontiguousarray(problem.train.X)}
    new: dict[str, Split | None] = {}
    for name, part in splits(problem).items():
        if name == "train":
            continue
        keep = np.array([row.tobytes() not in seen for row in np.ascontiguousarray(part.X)], dtype=bool)
        new[name] = Split(part.X[keep], part.y[keep]) if keep.any() else None
    return problem.but(**new)


def balance(problem: Problem, value: bool) -> Problem:
    """Repeat the rows of small classes until all classes are equally frequent, and judge by the balanced accuracy."""
    y = labels_of(problem.train.y)
    counts = np.bincount(y)
    rng = np.random.default_rng(problem.seed)
    rows = np.concatenate([rng.choice(np.flatnonzero(y == c), counts.max() - counts[c]) for c in range(len(counts))])
    order = rng.permutation(np.concatenate([np.arange(len(y)), rows.astype(np.int64)]))
    train = Split(problem.train.X[order], problem.train.y[order])
    return problem.but(train=train, metric="balanced_accuracy")


def train_on(problem: Problem, value: str) -> Problem:
    """Given "val": learn from the first half of the validation examples, and be judged by the second."""
    if problem.val is None:
        return problem
    half = len(problem.val) // 2
    X, y = problem.val.X, problem.val.y
    return problem.but(train=Split(X[:half], y[:half]), val=Split(X[half:], y[half:]))


def setting(name: str) -> Change:
    """The change of one attribute of the problem."""
    return lambda problem, value: replace(problem, **{name: value})


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
