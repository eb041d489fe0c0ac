"""The published runs of Radboud's assignment (shared/EXPERIMENTS.md, A3), to the digit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import clearprop as cp
from clearprop.data.dataset import Split
from clearprop.doctor import Case
from clearprop.recipes.radboud_digits_runs import ProductXavier
from clearprop.training import FitSettings


def linear(n_in: int, n_out: int) -> cp.Linear:
    return cp.Linear(n_in, n_out, init=ProductXavier())


def two_layers() -> list[cp.Layer]:
    return [linear(64, 32), cp.ReLU(), linear(32, 1), cp.Sigmoid()]


def deep() -> list[cp.Layer]:
    return [linear(64, 64), cp.ReLU(), linear(64, 64), cp.ReLU(), linear(64, 32), cp.ReLU(), linear(32, 1), cp.Sigmoid()]


RUNS: dict[str, tuple[Callable[[], list[cp.Layer]], int, float, int]] = {
    "two-layer": (two_layers, 20, 0.01, 15),
    "lr-0.05": (two_layers, 20, 0.05, 15),
    "minibatch-40": (two_layers, 200, 0.03, 40),
    "one-layer": (lambda: [linear(64, 32), cp.Sigmoid()], 20, 0.01, 20),
    "two-linear": (lambda: [linear(64, 32), linear(32, 32), cp.Sigmoid()], 30, 0.001, 20),
    "deep": (deep, 50, 0.001, 20),
}


@pytest.fixture(scope="session")
def published() -> Callable[[str], Case]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    X, y = digits.data, (digits.target < 5).astype(float)[:, None]
    X = (X - X.mean()) / X.std()
    rows = np.random.default_rng(12345).permutation(1797)
    train, test = (Split(X[part], y[part]) for part in (rows[:898], rows[898:]))

    def case(name: str) -> Case:
        layers, epochs, lr, batch = RUNS[name]
        net = cp.Net(*layers(), seed=12345, dtype="float64")
        loss = cp.BinaryCrossEntropy("sum", broadcast=net.n_out > 1, raw=True)
        settings = FitSettings(batch, epochs, order="sequential", remainder="drop")
        return Case(net, train, loss, cp.SGD(lr), val=test, settings=settings)

    return case
