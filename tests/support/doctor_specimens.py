"""Specimens: sound training problems, drawn at random, in which faults are planted."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Split
from clearprop.doctor.case import Case
from clearprop.doctor.scoring import base_score, score
from clearprop.errors import NonFiniteWarning
from clearprop.nn import LOSSES, Net, mlp
from clearprop.optim import OPTIMIZERS
from clearprop.training import FitSettings, History, fit

KINDS = ("blobs", "rings", "teacher", "waves", "regression")
RATES = {"sgd": 0.1, "momentum": 0.02, "adam": 0.005, "rmsprop": 0.002, "adagrad": 0.05}


def draw_points(rng: np.random.Generator, kind: str, n: int) -> tuple[Array, Array]:
    """n inputs of a kind, and their targets: classes (n,), or numbers (n, 1)."""
    if kind == "rings":
        y = rng.integers(2, size=n)
        radius, angle = np.where(y == 1, 0.4, 1.1) + 0.12 * rng.normal(size=n), rng.uniform(0, 2 * np.pi, n)
        return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), y
    if kind == "waves":
        X = rng.uniform(-1.5, 1.5, (n, 2))
        return X, (X[:, 1] > 0.6 * np.sin(2.5 * X[:, 0])).astype(np.int64)
    if kind == "checks":
        X = rng.uniform(-1, 1, (n, 2))
        return X, (X[:, 0] * X[:, 1] > 0).astype(np.int64)
    d = int(rng.integers(4, 16))
    if kind == "blobs":
        classes = int(rng.integers(2, 6))
        centres = rng.normal(size=(classes, d)) * (2.6 if d < 8 else 1.8)
        y = np.concatenate([np.arange(classes), rng.integers(classes, size=n - classes)])
        return centres[y] + rng.normal(size=(n, d)), y
    X = rng.normal(size=(n, d))
    w, v = rng.normal(size=(d, 2)) / np.sqrt(d), rng.normal(size=2)
    z = X @ w
    f = z[:, 0] * v[0] + np.tanh(1.5 * z[:, 1]) * v[1]
    if kind == "regression":
        return X, (f + 0.05 * rng.normal(size=n))[:, None]
    return X, (f > np.median(f)).astype(np.int64)


def sound(
    rng: np.random.Generator,
    kinds: tuple[str, ...] = KINDS,
    activations: tuple[str, ...] = ("relu", "tanh", "sigmoid"),
    losses: tuple[str, ...] = ("cross_entropy", "bce", "logits", "nll"),
    optimizers: tuple[str, ...] = tuple(RATES),
    depth: tuple[int, int] = (1, 2),
    n: int | None = None,
) -> Case:
    """A case with nothing wrong: scaled inputs, fitting parts, weights of the right size, a rate that works.

    Parameters
    ----------
    kinds, activations, losses, optimizers : tuple of str
        From which one is drawn.
    depth : tuple of int
        Fewest and most hidden layers.
    n : int, optional
        Training examples; by default between 200 and 500.
    """
    kind = str(rng.choice(kinds))
    n = n or int(rng.integers(200, 500))
    X, y = draw_points(rng, kind, n + 200)
    mean, std = X[:n].mean(axis=0), X[:n].std(axis=0)
    X = ((X - mean) / std).astype(np.float32)
    if kind == "regression":
        y = ((y - y[:n].mean()) / y[:n].std()).astype(np.float32)
    activation = str(rng.choice(activations))
    layers = int(rng.integers(depth[0], depth[1] + 1))
    if activation == "sigmoid":
        layers = min(layers, 1)
    how = str(rng.choice(losses))
    loss, out, last, y = fitting(how, y)
    if kind != "blobs":
        layers = max(layers, 1)  # a straight line would not do
    widths = [int(rng.integers(12, 33)) for _ in range(layers)]
    net = mlp([X.shape[1], *widths, out], hidden=activation, output=last, seed=int(rng.integers(1000)))
    name = str(rng.choice(optimizers))
    if activation == "sigmoid" and name in ("sgd", "adagrad"):
        name = "adam" if "adam" in optimizers else name
    return finish(rng, net, Split(X[:n], y[:n]), Split(X[n:], y[n:]), loss, name, activation)


def fitting(how: str, y: Array) -> tuple[str, int, str, Array]:
    """Loss, number of outputs, last activation and form of the targets that go together."""
    if y.ndim == 2:
        return "mean_squared_error", 1, "linear", y
    if how in ("bce", "logits") and y.max() == 1:
        column = y[:, None].astype(np.float32)
        if how == "bce":
            return "binary_cross_entropy", 1, "sigmoid", column
        return "binary_cross_entropy_with_logits", 1, "linear", column
    classes = int(y.max()) + 1
    return ("negative_log_likelihood", classes, "softmax", y) if how == "nll" else ("cross_entropy", classes, "linear", y)


def finish(
    rng: np.random.Generator, net: Net, train: Split, val: Split, loss: str, name: str, activation: str = "relu"
) -> Case:
    """Optimizer, batches and epochs."""
    batch = int(rng.choice([8, 16, 32, 50]))
    config: dict[str, Any] = {"type": "sgd" if name == "momentum" else name, "lr": RATES[name] * float(rng.uniform(0.7, 1.4))}
    if name == "momentum":
        config["momentum"] = 0.9
    if name == "sgd" and activation != "relu" and loss != "mean_squared_error":
        config["lr"] *= 3
    if activation == "sigmoid":
        config["lr"] *= 2
    epochs = int(np.clip(600 * batch / len(train), 8, 150))
    settings = FitSettings(batch, epochs, int(rng.integers(1000)))
    return Case(net, train, LOSSES.make(loss), OPTIMIZERS.make(config), val=val, settings=settings)


def trained(case: Case) -> tuple[Net, History]:
    """A copy of the net, trained without any doctor, and its history."""
    net = case.net.copy()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", NonFiniteWarning)
        settings = case.fresh_settings().keywords()
        history = fit(net, case.train, loss=case.loss, optimizer=case.fresh_optimizer(), engine="batch", **settings)
    return net, history


def last_losses(case: Case, n: int = 6) -> list[float]:
    """The training losses of the last n epochs of a run; infinite if it does not stay finite."""
    history = trained(case)[1]
    return [float("inf")] if history.nonfinite else [float(value) for value in history["train_loss"][-n:]]


def outcome(case: Case) -> float:
    """The score of a run at its end; infinite if it does not stay finite."""
    net, history = trained(case)
    return float("inf") if history.nonfinite else score(case, net, case.train)[0]


def planted(
    rng: np.random.Generator,
    make: Callable[[Case, int], Case],
    shows: Callable[[float, float, float], bool],
    tries: int = 120,
    **kinds: Any,
) -> Case:
    """A sound case in which a fault was planted, so that it shows.

    Parameters
    ----------
    make : callable
        (sound case, attempt from 0) -> the faulty case.
    shows : callable
        (score of the sound run, score of the faulty run, score of the best constant) -> whether the fault does any harm.
    tries : int
        How many draws are made before the last is given as it is.
    """
    case = sound(rng, **kinds)
    for k in range(tries):
        faulty = make(case, k)
        good = outcome(case)
        if good < 0.6 * base_score(case) and shows(good, outcome(faulty), base_score(case)):
            return faulty
        if k % 6 == 5 or good >= 0.6 * base_score(case):
            case = sound(rng, **kinds)
    return faulty
