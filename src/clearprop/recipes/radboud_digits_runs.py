"""The eight runs on digits: their data, nets and settings, and the training of one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Split
from clearprop.nn import BinaryCrossEntropy, He, Initialiser, Layer, Linear, Net, ReLU, Sigmoid, Xavier, Zeros
from clearprop.nn.loss import Reduction
from clearprop.optim import SGD
from clearprop.recipes.recipe import quiet_fit
from clearprop.training import Callback, History, Run

SEED = 12345
LAYERS: dict[str, list[int | str]] = {
    "two-layer": [64, 32, "relu", 1, "sigmoid"],
    "one-layer": [64, 32, "sigmoid"],
    "two-linear": [64, 32, "linear", 32, "sigmoid"],
    "deep": [64, 64, "relu", 64, "relu", 32, "relu", 1, "sigmoid"],
}
ACTIVATIONS: dict[str, Callable[[], Layer]] = {"relu": ReLU, "sigmoid": Sigmoid}


class ProductXavier(Initialiser):
    """Uniform between -a and a, a = sqrt(6 / (n_in n_out)): Xavier's rule with a product where it has a sum.

    The published mistake: for 64 inputs and 32 outputs the weights come out 4.6 times too small.
    """

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], n_in: int, n_out: int) -> Array:
        limit = np.sqrt(6 / (n_in * n_out))
        return rng.uniform(-limit, limit, shape)


INITS: dict[str, Callable[[], Initialiser]] = {
    "product_xavier": ProductXavier,
    "xavier": Xavier,
    "he": He,
    "zeros": Zeros,
}


@dataclass(frozen=True)
class DigitsRun:
    """The setting of one run.

    Attributes
    ----------
    layers : str
        A key of `LAYERS`.
    epochs : int
    lr : float
    batch_size : int
    init : str
        A key of `INITS`; the published one has the product of a layer's two sizes where Xavier's rule has their sum.
    reduction : {"sum", "mean"}
        The published gradient is summed over the minibatch.
    """

    layers: str
    epochs: int
    lr: float
    batch_size: int
    init: str = "product_xavier"
    reduction: Reduction = "sum"

    def but(self, **changes: object) -> DigitsRun:
        """The same run with some settings changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


RUNS = {
    "two-layer": DigitsRun("two-layer", 20, 0.01, 15),
    "two-layer-400": DigitsRun("two-layer", 400, 0.01, 15),
    "lr-0.03": DigitsRun("two-layer", 20, 0.03, 15),
    "lr-0.05": DigitsRun("two-layer", 20, 0.05, 15),
    "minibatch-40": DigitsRun("two-layer", 200, 0.03, 40),
    "one-layer": DigitsRun("one-layer", 20, 0.01, 20),
    "two-linear": DigitsRun("two-linear", 30, 0.001, 20),
    "deep": DigitsRun("deep", 50, 0.001, 20),
}


def digits_split() -> tuple[Split, Split]:
    """scikit-learn's digits: 898 for training and 899 for testing, label 1 for the digits 0 to 4.

    The mean and the standard deviation are those of all pixels of all images, test images included, as in the assignment.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    X = (digits.data - digits.data.mean()) / digits.data.std()
    y = (digits.target < 5).astype(np.float64)[:, np.newaxis]
    rows = np.random.default_rng(SEED).permutation(len(X))
    train, test = rows[:898], rows[898:]
    return Split(X[train], y[train]), Split(X[test], y[test])


def make_net(layers: str, init: str = "product_xavier") -> Net:
    """The net before training: weights from a fresh generator, layer after layer; biases zero; float64."""
    parts: list[Layer] = []
    n_in = 0
    for part in LAYERS[layers]:
        if isinstance(part, int):
            if n_in:
                parts.append(Linear(n_in, part, init=INITS[init]()))
            n_in = part
        elif part in ACTIVATIONS:
            parts.append(ACTIVATIONS[part]())
    return Net(*parts, seed=SEED, dtype="float64")


def raw_loss(reduction: Reduction) -> BinaryCrossEntropy:
    """The assignment's loss: the bare formula, with one label broadcast against all outputs."""
    return BinaryCrossEntropy(reduction, broadcast=True, raw=True)


class TestLoss(Callback):
    """After every epoch, the mean test loss over whole minibatches in order, the remainder dropped as in training.

    Parameters
    ----------
    test : Split
    batch_size : int
    """

    __test__ = False  # not a test class for pytest

    def __init__(self, test: Split, batch_size: int) -> None:
        self.test, self.batch_size = test, batch_size
        self.values: list[float] = []

    def on_epoch_end(self, run: Run) -> None:
        """Measure, and keep."""
        self.values.append(minibatch_loss(run.net, self.test, self.batch_size))


def minibatch_loss(net: Net, split: Split, batch_size: int) -> float:
    """The mean of the losses of whole minibatches."""
    loss = raw_loss("mean")
    with np.errstate(all="ignore"):
        starts = range(0, len(split) - batch_size + 1, batch_size)
        return float(np.mean([loss(net(split.X[i : i + batch_size]), split.y[i : i + batch_size]) for i in starts]))


def train_run(
    setting: DigitsRun, train: Split, test: Split, engine: str, on_nonfinite: str = "continue", net: Net | None = None
) -> tuple[History, list[float], Net]:
    """Train one run; returns the history, the test loss of every epoch, and the net."""
    net = make_net(setting.layers, setting.init) if net is None else net
    watch = TestLoss(test, setting.batch_size)
    history = quiet_fit(
        net, train, loss=raw_loss(setting.reduction), optimizer=SGD(setting.lr), batch_size=setting.batch_size,
        epochs=setting.epochs, engine=engine, order="sequential", remainder="drop", callbacks=[watch],
        on_nonfinite=on_nonfinite,
    )  # fmt: skip
    return history, watch.values, net


def printed_rows(history: History, test_losses: list[float], n_out: int, reduction: str = "sum") -> list[list[str]]:
    """The table as the assignment prints it: epochs from 0, four decimals, the loss per output and example."""
    share = n_out if reduction == "sum" else 1  # the loss of an example in the history is summed over its outputs
    return [
        [str(row["epoch"] - 1), f"{row['train_loss'] / share:.4f}", f"{row['train_accuracy']:.4f}", f"{test:.4f}"]
        for row, test in zip(history, test_losses, strict=True)
    ]


def layer_spreads(net: Net, X: Array) -> list[float]:
    """Standard deviation of the output of every Linear layer, over all examples and units."""
    spreads, a = [], X
    for layer in net.layers:
        a = layer(a)
        if isinstance(layer, Linear):
            spreads.append(float(a.std()))
    return spreads
