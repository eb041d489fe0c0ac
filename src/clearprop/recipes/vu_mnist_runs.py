"""The runs on MNIST with 784-300-10, sigmoid and softmax: one function, that sweeps can call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from clearprop.data.dataset import Dataset, Split
from clearprop.nn import CrossEntropy, Linear, Net, Normal, Sigmoid, Xavier, Zeros
from clearprop.nn.initialisers import Initialiser, LeCun
from clearprop.optim import SGD
from clearprop.training import History, fit

INITS: dict[str, Initialiser] = {
    "N(0, 1)": Normal(1.0),
    "N(0, 0.1^2)": Normal(0.1),
    "N(0, 0.01^2)": Normal(0.01),
    "Xavier": Xavier(),
    "LeCun": LeCun("normal"),
    "zeros": Zeros(),
}


def make_net(init: str, rng: np.random.Generator | int, dtype: str = "float32") -> Net:
    """784-300-10 with sigmoid; the biases are zero."""
    weights = INITS[init]
    return Net(Linear(784, 300, init=weights), Sigmoid(), Linear(300, 10, init=weights), seed=rng, dtype=dtype)


def train(data: Dataset, init: str, lr: float, batch: int, epochs: int, engine: str, seed: int = 0) -> tuple[Net, History]:
    """One run."""
    rng = np.random.default_rng(seed)
    net = make_net(init, rng)
    history = fit(net, data, loss=CrossEntropy(), optimizer=SGD(lr), batch_size=batch, epochs=epochs, seed=rng, engine=engine)
    return net, history


def mnist_trial(data: Dataset, seed: int, engine: str, init: str, lr: float, batch: int, epochs: int) -> dict[str, Any]:
    """The figures of the last epoch; NaN where the run diverged."""
    _, history = train(data, init, lr, batch, epochs, engine, seed)
    columns = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
    lost = history.nonfinite is not None
    return {"diverged": lost, **{name: float("nan") if lost else float(history[-1][name]) for name in columns}}


def first(data: Dataset, n: int, n_val: int) -> Dataset:
    """The first examples of both parts, for a quick look."""
    train_part, val = (Split(part.X[:k], part.y[:k]) for part, k in ((data.train, n), (data.val, n_val)))
    return replace(data, splits={"train": train_part, "val": val})
