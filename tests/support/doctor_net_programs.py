"""Faulty programs with clearprop's nets, each of a kind that people ask about in public, and the fixes that are right for it.

They follow the kinds of those questions (a softmax over one unit, prices as targets, pixels up to 255, ...), not the doctor's
rules; `benchmarks.doctor_programs` counts in how many of them the doctor names an accepted fix first.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import datasets

import clearprop as cp
from clearprop.arrays import Array
from clearprop.doctor import Diagnosis

Pair = tuple[Array, Array]
BLOBS = {"n_informative": 5, "n_redundant": 0, "class_sep": 1.2}


@dataclass(frozen=True)
class Program:
    """A faulty program.

    Attributes
    ----------
    accepted : tuple of str
        Findings whose remedy makes it work, as an expert would answer.
    net : callable
        () -> Net.
    data : callable
        () -> (X, y).
    settings : dict
        As for `cp.diagnose`.
    """

    accepted: tuple[str, ...]
    net: Callable[[], cp.Net]
    data: Callable[[], Pair]
    settings: dict[str, Any]

    def right(self, found: Diagnosis) -> bool:
        """Whether an accepted fix is named first."""
        return bool(found.findings) and found.findings[0].slug in self.accepted

    def diagnose(self) -> Diagnosis:
        """What the doctor says."""
        X, y = self.data()
        return cp.diagnose(
            self.net(), (X.astype(np.float32), y if y.dtype.kind == "i" else y.astype(np.float32)), **self.settings
        )


def program(accepted: str, net: Callable[[], cp.Net], data: Callable[[], Pair], **settings: Any) -> Program:
    """A program; `accepted` lists slugs."""
    return Program(tuple(accepted.split()), net, data, settings)


# ---------------------------------------------------------------- data


def two_classes(n: int = 600, d: int = 8) -> Pair:
    X, y = datasets.make_classification(n, d, **BLOBS, random_state=1)
    return X, y.astype(np.int64)


def column(pair: Pair) -> Pair:
    """Targets as a column of numbers."""
    return pair[0], pair[1].astype(np.float64)[:, None]


def one_hot(pair: Pair) -> Pair:
    return pair[0], np.eye(int(pair[1].max()) + 1)[pair[1]]


def three_classes(n: int = 600) -> Pair:
    X, y = datasets.make_classification(n, 8, n_classes=3, **BLOBS, random_state=2)
    return X, y.astype(np.int64)


def digits() -> Pair:
    X, y = datasets.load_digits(return_X_y=True)
    return X[:800], y[:800].astype(np.int64)


def pixels() -> Pair:
    """Digits with pixels from 0 to 255, as image files have them."""
    X, y = digits()
    return X * 255 / 16, y


def xor(times: int = 1) -> Pair:
    X = np.tile([[0, 0], [0, 1], [1, 0], [1, 1]], (times, 1)).astype(np.float64)
    return X, (X[:, :1] != X[:, 1:]).astype(np.float64)


def prices(n: int = 500) -> Pair:
    """Houses: rooms, area and age in their own units, and prices in money."""
    rng = np.random.default_rng(3)
    rooms, area, age = rng.integers(1, 8, n), rng.uniform(30, 250, n), rng.uniform(0, 100, n)
    price = 2000 * area + 15000 * rooms - 800 * age + 20000 + rng.normal(0, 9000, n)
    return np.column_stack([rooms, area, age]), price[:, None]


def linear_numbers(n: int = 400, d: int = 6) -> Pair:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(n, d))
    y = X @ rng.normal(size=(d, 1))
    return X, y / y.std()


def standard(pair: Pair) -> Pair:
    X = pair[0]
    return (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-9), pair[1]


def sine(n: int = 500, low: float = -3, high: float = 3) -> Pair:
    x = np.random.default_rng(5).uniform(low, high, (n, 1))
    return x, np.sin(x)


def power(k: int, reach: float = 100.0) -> Pair:
    x = np.linspace(-reach, reach, 400)[:, None]
    return x, x**k


def rare(n: int = 800) -> Pair:
    rng = np.random.default_rng(6)
    y = (rng.random(n) < 0.04).astype(np.int64)
    return rng.normal(size=(n, 4)) + 0.9 * y[:, None], y


def threshold() -> Pair:
    """Whether a number below 100,000 is above its half."""
    x = np.random.default_rng(7).integers(0, 100_000, (600, 1)).astype(np.float64)
    return x, (x >= 50_000).astype(np.float64)


def rings() -> Pair:
    X, y = datasets.make_circles(400, noise=0.08, factor=0.4, random_state=0)
    return X, y.astype(np.int64)


def noisy(rows: slice) -> Pair:
    """Rows of two classes that are hard to tell apart, three in ten of them with the wrong label."""
    X, y = datasets.make_classification(260, 20, flip_y=0.3, random_state=3)
    return X[rows].astype(np.float32), y[rows].astype(np.int64)


def in_order(pair: Pair) -> Pair:
    rows = np.argsort(pair[1].reshape(-1), kind="stable")
    return pair[0][rows], pair[1][rows]


# ---------------------------------------------------------------- nets


def stack(*layers: cp.Layer) -> Callable[[], cp.Net]:
    return lambda: cp.Net(*copy.deepcopy(layers), seed=0)


def net(sizes: list[int], hidden: str = "relu", output: str = "linear", **rest: Any) -> Callable[[], cp.Net]:
    return lambda: cp.mlp(sizes, hidden=hidden, output=output, seed=0, **rest)


def linear(n_in: int, n_out: int, spread: float) -> cp.Linear:
    return cp.Linear(n_in, n_out, init=cp.Normal(spread))


ADAM, SGD = cp.optim.Adam, cp.SGD
UNSCALED = "inputs-unscaled label-encoding"
STEPS = "rate-too-low too-few-epochs"

PROGRAMS: dict[str, Program] = {
    # the last layer, the loss and the targets
    "softmax over one unit": program(
        "one-unit-softmax output-mismatch", net([8, 16, 1], output="softmax"), lambda: column(two_classes()),
        loss="bce", optimizer=ADAM(0.01), epochs=15),
    "softmax over one unit, a regression": program(
        "one-unit-softmax output-mismatch", net([6, 16, 1], output="softmax"), linear_numbers,
        loss="mse", optimizer=ADAM(0.01), epochs=15),
    "softmax twice": program(
        "double-softmax", net([64, 32, 10], output="softmax"), lambda: standard(digits()), optimizer=SGD(0.1), epochs=15),
    "sigmoid for numbers beyond 1": program(
        "output-mismatch label-encoding", net([3, 16, 1], output="sigmoid"), lambda: standard(prices()),
        loss="mse", optimizer=ADAM(0.01), epochs=15),
    "tanh for a parabola": program(
        "output-mismatch", net([1, 20, 1], "tanh", "tanh"), lambda: (power(2, 2.0)[0], power(2, 2.0)[1]),
        loss="mse", optimizer=ADAM(0.01), epochs=20),
    "ReLU behind a regression": program(
        "output-mismatch", net([6, 16, 1], output="relu"), linear_numbers, loss="mse", optimizer=ADAM(0.01), epochs=20),
    "ReLU for yes and no": program(
        "output-mismatch", net([8, 16, 1], output="relu"), lambda: column(two_classes()),
        loss="mse", optimizer=SGD(0.01), epochs=10, metric="accuracy"),
    "ReLU before a cross-entropy": program(
        "output-mismatch", net([64, 32, 10], output="relu"), lambda: standard(digits()), optimizer=SGD(0.05), epochs=10),
    "ReLU before binary cross-entropy": program(
        "output-mismatch inputs-unscaled", net([1, 3, 5, 1], output="relu"), threshold,
        loss="bce", optimizer=ADAM(0.001), batch_size=5, epochs=3),
    "tanh before binary cross-entropy": program(
        "output-mismatch", net([8, 16, 1], "tanh", "tanh"), lambda: column(two_classes()),
        loss="bce", optimizer=SGD(0.1), epochs=10),
    "sigmoids under a likelihood": program(
        "output-mismatch", net([8, 24, 3], output="sigmoid"), three_classes, loss="nll", optimizer=ADAM(0.01), epochs=10),
    "raw scores under binary cross-entropy": program(
        "output-mismatch", net([8, 16, 1]), lambda: column(two_classes()), loss="bce", optimizer=ADAM(0.01), epochs=10),
    "sigmoid twice": program(
        "output-mismatch", net([8, 16, 1], output="sigmoid"), lambda: column(two_classes()),
        loss="binary_cross_entropy_with_logits", optimizer=ADAM(0.01), epochs=10),
    "squared error of classes": program(
        "output-mismatch", net([8, 24, 3], output="softmax"), lambda: one_hot(three_classes()),
        loss="mse", optimizer=SGD(0.1), epochs=10, metric="accuracy"),
    "labels -1 and 1": program(
        "label-encoding output-mismatch", net([8, 16, 1], output="sigmoid"),
        lambda: (two_classes()[0], 2.0 * two_classes()[1][:, None] - 1), loss="bce", optimizer=ADAM(0.01), epochs=10),
    "labels from 1": program(
        "label-encoding", net([8, 16, 3]), lambda: (three_classes()[0], three_classes()[1] + 1),
        optimizer=ADAM(0.01), epochs=10),
    "an output too few": program(
        "label-encoding output-mismatch", net([8, 16, 2]), three_classes, optimizer=ADAM(0.01), epochs=10),
    "one class only": program(
        "label-encoding", net([8, 16, 1], output="sigmoid"), lambda: (two_classes()[0], np.ones((600, 1))),
        loss="bce", optimizer=ADAM(0.01), epochs=10),
    "accuracy of a regression": program(
        "wrong-metric", net([6, 16, 1]), linear_numbers, loss="mse", optimizer=ADAM(0.01), epochs=20, metric="accuracy"),
    # data as it comes
    "pixels up to 255, SGD": program(
        "inputs-unscaled diverging", net([64, 32, 10]), pixels, optimizer=SGD(0.05), epochs=10),
    "pixels up to 255, sigmoids": program(
        "inputs-unscaled saturated-units", net([64, 30, 10], "sigmoid"), pixels, optimizer=SGD(0.1), epochs=10),
    "prices as they are": program(UNSCALED, net([3, 16, 16, 1]), prices, loss="mse", optimizer=ADAM(0.001), epochs=20),
    "prices, NaN at once": program(UNSCALED + " diverging", net([3, 1]), prices, loss="mse", optimizer=SGD(0.01), epochs=20),
    "prices as targets": program(
        "label-encoding", net([3, 16, 1]), lambda: standard(prices()), loss="mse", optimizer=ADAM(0.001), epochs=20),
    "a fourth power": program(
        UNSCALED, net([1, 50, 50, 1], "sigmoid"), lambda: power(4), loss="mse", optimizer=ADAM(0.01), epochs=20),
    "a line through thousands": program(
        UNSCALED + " diverging", net([1, 1]), lambda: (np.arange(200.0)[:, None] * 10, np.arange(200.0)[:, None] * 30 + 7),
        loss="mse", optimizer=SGD(0.01), epochs=30),
    "a sine over a long stretch": program(
        "inputs-unscaled saturated-units", net([1, 30, 30, 1], "tanh"), lambda: sine(500, 0, 60),
        loss="mse", optimizer=ADAM(0.005), epochs=30),
    "a column in milligrams": program(
        "inputs-unscaled", net([8, 16, 2]), lambda: (two_classes()[0] * np.array([1e4, 1, 1, 1, 1, 1, 1, 1]), two_classes()[1]),
        optimizer=SGD(0.01), epochs=10),
    "a missing value": program(
        "inputs-nan", net([8, 16, 2]), lambda: (np.where(two_classes()[0] > 3.5, np.nan, two_classes()[0]), two_classes()[1]),
        optimizer=ADAM(0.01), epochs=10),
    "classes one after the other": program(
        "sorted-rows", net([64, 32, 10]), lambda: in_order(standard(digits())),
        optimizer=SGD(0.1), batch_size=20, epochs=10, order="sequential"),
    "one in twenty-five": program("imbalance", net([4, 8, 2]), rare, optimizer=SGD(0.05), epochs=10, metric="accuracy"),
    # weights, layers, regularisation
    "all weights zero": program(
        "constant-initialisation", net([8, 16, 2], init="zeros"), two_classes, optimizer=SGD(0.1), epochs=10),
    "all weights one": program(
        "constant-initialisation", stack(
            cp.Linear(8, 16, init=cp.Normal(0.0, 1.0)), cp.Tanh(), cp.Linear(16, 2, init=cp.Normal(0.0, 1.0))),
        two_classes, optimizer=SGD(0.1), epochs=10),
    "unit-normal weights, wide": program(
        "initial-scale saturated-units initial-loss", stack(
            linear(64, 100, 1.0), cp.Sigmoid(), linear(100, 50, 1.0), cp.Sigmoid(), linear(50, 10, 1.0)),
        lambda: standard(digits()), optimizer=SGD(0.1), epochs=10),
    "weights of a thousandth": program(
        "initial-scale vanishing-gradients", stack(
            linear(8, 16, 1e-3), cp.ReLU(), linear(16, 16, 1e-3), cp.ReLU(), linear(16, 2, 1e-3)),
        two_classes, optimizer=SGD(0.05), epochs=10),
    "a last layer that is sure": program(
        "initial-loss initial-scale", stack(cp.Linear(8, 16), cp.ReLU(), linear(16, 3, 30.0)), three_classes,
        optimizer=SGD(0.1), epochs=6),
    "biases of minus ten": program(
        "dead-relus", stack(cp.Linear(8, 16, bias_init=cp.Normal(0.1, -10.0)), cp.ReLU(), cp.Linear(16, 2)), two_classes,
        optimizer=SGD(0.1), epochs=10),
    "eight layers of sigmoids": program(
        "vanishing-gradients initial-scale", net([8, *[16] * 8, 2], "sigmoid"), two_classes, optimizer=SGD(0.1), epochs=10),
    "no activation at all": program(
        "no-nonlinearity", net([2, 16, 16, 2], "linear"),
        lambda: (xor(100)[0] + np.random.default_rng(8).normal(0, 0.1, (400, 2)), xor(100)[1][:, 0].astype(np.int64)),
        optimizer=ADAM(0.01), epochs=20),
    "no hidden layer for circles": program(
        "underfitting", net([2, 2]), rings,
        optimizer=ADAM(0.05), epochs=20),
    "two units for circles": program(
        "underfitting", net([2, 2, 2], "tanh"), rings,
        optimizer=ADAM(0.05), epochs=40),
    "a weight decay of one": program(
        "strong-regularisation", net([8, 16, 2]), two_classes, optimizer=SGD(0.1, weight_decay=1.0), epochs=10),
    "dropout of nine in ten": program(
        "strong-regularisation", stack(
            cp.Linear(64, 32), cp.ReLU(), cp.Dropout(0.95), cp.Linear(32, 32), cp.ReLU(), cp.Dropout(0.95), cp.Linear(32, 10)),
        lambda: standard(digits()), optimizer=SGD(0.05), epochs=10),
    # steps
    "a rate of ten": program("diverging oscillating", net([8, 16, 2]), two_classes, optimizer=SGD(10.0), epochs=10),
    "Adam at one": program("diverging oscillating dead-relus", net([64, 32, 10]), lambda: standard(digits()),
                           optimizer=ADAM(1.0), epochs=10),
    "momentum of 0.99 at 0.5": program(
        "diverging oscillating", net([8, 16, 2], "tanh"), two_classes, optimizer=SGD(0.5, momentum=0.99), epochs=10),
    "a regression at one": program(
        "diverging nonfinite-loss", net([6, 32, 1]), linear_numbers, loss="mse", optimizer=SGD(1.0), epochs=10),
    "Adam at 1e-6": program("rate-too-low", net([8, 16, 2]), two_classes, optimizer=ADAM(1e-6), epochs=20),
    "SGD at 1e-5": program("rate-too-low", net([64, 32, 10]), lambda: standard(digits()), optimizer=SGD(1e-5), epochs=20),
    "a sum over the batch": program(
        "summed-gradient diverging", net([64, 32, 10]), lambda: standard(digits()),
        loss=cp.CrossEntropy("sum"), optimizer=SGD(0.1), batch_size=64, epochs=10),
    "XOR in five epochs": program(
        STEPS + " output-mismatch", net([2, 4, 1], "tanh", "sigmoid"), xor,
        loss="bce", optimizer=SGD(0.1), batch_size=4, epochs=50),
    "XOR with ReLUs and squares": program(
        STEPS + " output-mismatch no-nonlinearity dead-relus", stack(
            cp.Linear(2, 2), cp.Linear(2, 2), cp.ReLU(), cp.Linear(2, 1), cp.ReLU()), lambda: xor(250),
        loss="mse", optimizer=SGD(0.01), epochs=5),
    "the whole set in one batch": program(
        STEPS, net([64, 32, 10]), lambda: standard(digits()), optimizer=SGD(0.1), batch_size=None, epochs=5),
    "sixty examples by heart": program(
        "overfitting", net([20, 64, 64, 2]), lambda: noisy(slice(0, 60)), optimizer=ADAM(0.01), epochs=80, batch_size=8,
        validation=noisy(slice(60, 260))),
}  # fmt: skip
