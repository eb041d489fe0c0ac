"""The runs on circles: their settings, the net, and the training of one run or of many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clearprop.data.dataset import Split
from clearprop.nn import CrossEntropy, Linear, Net, Normal, Tanh
from clearprop.optim import SGD
from clearprop.recipes.recipe import Row, quietly
from clearprop.training import History, evaluate, fit, fit_many

EPOCHS = 150
BATCHES = [1, 10, 50, 100, 200]
RATES = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0]
CODE, TEXT = 1 / np.sqrt(0.3), 0.3
SPREADS = {"code": CODE, "text": TEXT}
"""Standard deviation of the first weights: the code divides by the root of 0.3, the text says 0.3."""
PUBLISHED: dict[tuple[int, float], dict[str, float]] = {
    (1, 0.01): {"train_accuracy": 97.0, "test_accuracy": 93.5, "train_loss": 0.092},
    (10, 0.1): {"train_accuracy": 98.0, "test_accuracy": 93.0, "train_loss": 0.092},
    (50, 0.5): {"test_accuracy": 93.5, "train_loss": 0.092},
    (100, 1.0): {"train_accuracy": 97.5, "test_accuracy": 93.5, "train_loss": 0.093},
}
"""Accuracies in per cent, for batch size and learning rate; the run of batch 1 at rate 5 diverges."""
SECONDS = {1: 8.9, 10: 1.25, 50: 0.34, 100: 0.21, 200: 0.16}
"""Published seconds of one run, by batch size."""
DIVERGING = (1, 5.0)
COLUMNS = {"train_accuracy": "train acc.", "test_accuracy": "test acc.", "train_loss": "train loss", "test_loss": "test loss"}


def make_circles_net(init: str, rng: np.random.Generator | int) -> Net:
    """2-10-2 with tanh; weights and biases from one normal distribution, as the write-ups' `init_params` draws them."""
    normal = Normal(SPREADS[init])
    first, second = (Linear(n_in, n_out, init=normal, bias_init=normal) for n_in, n_out in ((2, 10), (10, 2)))
    return Net(first, Tanh(), second, seed=rng, dtype="float64")


def circles_trial(
    shared: tuple[Split, Split], seed: int, engine: str, batch: int, lr: float, init: str, epochs: int = EPOCHS
) -> dict[str, Any]:
    """Train once; loss and accuracy on both sets with the parameters at the end, NaN where the run diverged."""
    train, test = shared
    rng = np.random.default_rng(seed)
    net, loss = make_circles_net(init, rng), CrossEntropy()
    fit(
        net, train, loss=loss, optimizer=SGD(lr), batch_size=batch, epochs=epochs, seed=rng, engine=engine,
        on_nonfinite="continue",
    )  # fmt: skip
    row: dict[str, Any] = {"diverged": not np.isfinite(net.theta).all()}
    for name, split in (("train", train), ("test", test)):
        found = {"loss": float("nan"), "accuracy": float("nan")} if row["diverged"] else evaluate(net, split, loss)
        row |= {f"{name}_{key}": value for key, value in found.items()}
    return row


def train_all(
    data: tuple[Split, Split], engine: str, settings: Sequence[tuple[int, float]], epochs: int
) -> list[tuple[Net, History]]:
    """The net and the history of a run for each batch size and learning rate: seed 0, the code's initialisation."""
    rngs = [np.random.default_rng(0) for _ in settings]
    nets = [make_circles_net("code", rng) for rng in rngs]
    batches, rates = ([pair[k] for pair in settings] for k in (0, 1))
    with quietly():
        histories = fit_many(
            nets, data[0], loss=CrossEntropy(), optimizer=[SGD(lr) for lr in rates], batch_size=batches, epochs=epochs,
            seed=rngs, engine=engine, validation=data[1],
        )  # fmt: skip
    return list(zip(nets, histories, strict=True))


def cell(rows: list[Row], init: str, batch_size: int, lr: float) -> list[Row]:
    """The runs of one setting."""
    return [row for row in rows if (row["init"], row["batch"], row["lr"]) == (init, batch_size, lr)]
