"""The runs on circles: one cell of the grid with one seed, in float64, on whatever engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.batches import draw_order
from clearprop.data.dataset import Split
from clearprop.engines import ENGINES
from clearprop.nn import CrossEntropy, Linear, NegativeLogLikelihood, Net, Normal, Softmax, Tanh
from clearprop.optim import SGD
from clearprop.recipes.training import quiet_fit
from clearprop.training import History, evaluate

EPOCHS = 150
BATCHES = [1, 10, 50, 100, 200]
RATES = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0]
CODE, TEXT = 1 / np.sqrt(0.3), 0.3
SPREADS = {"code": CODE, "text": TEXT}
"""Standard deviation of the first weights: the code divides by the root of 0.3, the text says 0.3."""


def make_net(init: str, rng: np.random.Generator | int) -> Net:
    """2-10-2 with tanh; normal weights, zero biases."""
    normal = Normal(SPREADS[init])
    return Net(Linear(2, 10, init=normal), Tanh(), Linear(10, 2, init=normal), seed=rng, dtype="float64")


def circles_trial(
    shared: tuple[Split, Split], seed: int, engine: str, batch: int, lr: float, init: str, epochs: int = EPOCHS
) -> dict[str, Any]:
    """Train once; loss and accuracy on both sets with the parameters at the end, NaN where the run diverged."""
    train, test = shared
    rng = np.random.default_rng(seed)
    net, loss, worker = make_net(init, rng), CrossEntropy(), ENGINES.make(engine)
    # Nobody looks at the epochs, and every batch size divides the 200 points, so that all epochs can be handed over as one
    # long epoch: the steps are the same, and the interpreter is needed once and not 150 times.
    order = np.concatenate([draw_order(rng, len(train), batch) for _ in range(epochs)])
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        worker.train_epoch(net, loss, SGD(lr), train.X, train.y, order, batch)
    row: dict[str, Any] = {"diverged": not np.isfinite(net.theta).all()}
    for name, split in (("train", train), ("test", test)):
        found = {"loss": float("nan"), "accuracy": float("nan")} if row["diverged"] else evaluate(net, split, loss)
        row |= {f"{name}_{key}": value for key, value in found.items()}
    return row


class UnshiftedSoftmax(Softmax):
    """The write-ups' softmax: exp(z) / sum exp(z) as it stands in the formula, which is inf / inf for large scores."""

    def forward(self, x: Array, training: bool = False) -> tuple[Array, Array]:
        """p; saves p. Overflow is the point."""
        with np.errstate(over="ignore", invalid="ignore"):
            e = np.exp(x)
            p = e / e.sum(axis=1, keepdims=True)
        return p, p


def unshifted_run(train: Split, seed: int, batch: int, lr: float) -> History:
    """One run as the write-ups' code computes it: float32, probabilities from the bare formula, no guard."""
    rng = np.random.default_rng(seed)
    first, tanh, second = (layer.copy() for layer in make_net("code", rng).layers)
    net = Net(first, tanh, second, UnshiftedSoftmax(), seed=None, dtype="float32")
    return quiet_fit(
        net, train, loss=NegativeLogLikelihood(), optimizer=SGD(lr), batch_size=batch, epochs=EPOCHS, seed=rng, engine="batch"
    )
