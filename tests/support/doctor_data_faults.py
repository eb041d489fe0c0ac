"""Faults of the data, planted in sound cases."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Split
from clearprop.doctor.case import Case, holds_labels, labels_of
from clearprop.doctor.changes import fresh, layers_of, on_inputs, with_layers
from clearprop.nn import Linear, mlp
from support.doctor_specimens import finish, planted, sound


def inputs_nan(rng: np.random.Generator) -> Case:
    case = sound(rng)
    X = case.train.X.copy()
    for _ in range(int(rng.integers(1, 20))):
        X[rng.integers(len(X)), rng.integers(X.shape[1])] = rng.choice([np.nan, np.inf])
    return case.but(train=Split(X, case.train.y))


def inputs_constant(rng: np.random.Generator) -> Case:
    case = sound(rng)
    assert case.val is not None
    more = case.train.X.shape[1] + int(rng.integers(1, 10))
    values = rng.normal(size=more).astype(np.float32)

    def widened(split: Split) -> Split:
        return Split(np.hstack([split.X, np.tile(values, (len(split), 1))]), split.y)

    layers = layers_of(case)
    first = layers[0]
    assert isinstance(first, Linear)
    layers[0] = fresh(first.n_in + more, first.n_out, layers[1] if len(layers) > 1 else None)
    wide = with_layers(case, layers, case.seed)
    return wide.but(train=widened(case.train), val=widened(case.val))


def inputs_unscaled(rng: np.random.Generator) -> Case:
    def make(case: Case, k: int) -> Case:
        n = case.train.X.shape[1]
        way = rng.integers(3)
        factor = np.full(n, 10 ** rng.uniform(1.3, 3)) if way == 0 else 10 ** rng.uniform(-1, 3.5, n)
        if way == 2:
            factor = np.full(n, 10 ** rng.uniform(-3.5, -2))
        shift = rng.normal(size=n) * factor * (2.0 if way != 2 else 0.0)
        return on_inputs(case, lambda X: (X * factor + shift).astype(np.float32))

    return planted(rng, make, lambda good, bad, base: bad > 2 * good + 0.1 * base)


def label_encoding(rng: np.random.Generator) -> Case:
    way = rng.integers(3)
    if way == 0:
        case = sound(rng, kinds=("regression",))
        factor, shift = float(10 ** rng.uniform(2, 4)), float(10 ** rng.uniform(0, 4))
        return recoded(case, lambda y: y * np.float32(factor) + np.float32(shift))
    if way == 1:
        case = sound(rng, kinds=("rings", "waves", "teacher"), losses=("bce", "logits"))
        return recoded(case, lambda y: 2 * y - 1) if rng.random() < 0.5 else recoded(case, lambda y: y + 1)
    case = sound(rng, kinds=("blobs", "rings", "waves", "teacher"), losses=("cross_entropy", "nll"))
    return recoded(case, lambda y: y + 1)


def recoded(case: Case, f: Callable[[Array], Array]) -> Case:
    """The case with f applied to the targets of all splits."""
    assert case.val is not None
    return case.but(train=Split(case.train.X, f(case.train.y)), val=Split(case.val.X, f(case.val.y)))


def features_shuffled(rng: np.random.Generator) -> Case:
    case = sound(rng, kinds=("blobs", "rings", "waves"))
    X = case.train.X[rng.permutation(len(case.train))]
    return case.but(train=Split(X, case.train.y))


def split_overlap(rng: np.random.Generator) -> Case:
    case = sound(rng)
    assert case.val is not None
    k = int(rng.uniform(0.1, 0.9) * len(case.val))
    rows = rng.choice(len(case.train), k)
    X = np.concatenate([case.val.X[k:], case.train.X[rows]])
    return case.but(val=Split(X, np.concatenate([case.val.y[k:], case.train.y[rows]])))


def scaler_leak(rng: np.random.Generator) -> Case:
    case = sound(rng)
    assert case.val is not None
    X = np.concatenate([case.train.X, case.val.X]).astype(np.float64)
    mean, std = X.mean(axis=0), X.std(axis=0)
    scaled = [Split(((s.X - mean) / std).astype(np.float32), s.y) for s in (case.train, case.val)]
    return case.but(train=scaled[0], val=scaled[1])


def sorted_rows(rng: np.random.Generator) -> Case:
    case = sound(rng)
    y = case.train.y
    by = labels_of(y) if holds_labels(y) else y[:, 0]
    rows = np.argsort(by, kind="stable")
    smallest = int(np.bincount(by).min()) if holds_labels(y) else len(y)
    size = max(4, min(case.size, smallest // 3))
    return case.but(train=Split(case.train.X[rows], y[rows]), order="sequential", batch_size=size)


def imbalance(rng: np.random.Generator) -> Case:
    n, d = int(rng.integers(300, 600)), int(rng.integers(2, 8))
    share = float(rng.uniform(0.04, 0.1))
    y = (rng.random(n + 200) < share).astype(np.int64)
    shift = rng.normal(size=d)
    X = rng.normal(size=(n + 200, d)) + np.outer(y, shift / np.linalg.norm(shift)) * float(rng.uniform(1.0, 1.4))
    X = ((X - X[:n].mean(axis=0)) / X[:n].std(axis=0)).astype(np.float32)
    activation = str(rng.choice(["relu", "tanh"]))
    net = mlp([d, int(rng.integers(8, 16)), 2], hidden=activation, seed=int(rng.integers(1000)))
    case = finish(rng, net, Split(X[:n], y[:n]), Split(X[n:], y[n:]), "cross_entropy", str(rng.choice(["sgd", "momentum"])))
    return case.but(epochs=8, metric="accuracy")
