"""`vu-mnist`: 784-300-10 on MNIST, first one example at a time, then in batches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from clearprop.arrays import FloatName
from clearprop.data.batches import draw_order
from clearprop.data.dataset import Dataset, Split
from clearprop.engines import ENGINES
from clearprop.engines.compilations import Stopwatch
from clearprop.nn import CrossEntropy, LeCun, Linear, Net, Normal, Sigmoid, Xavier, Zeros
from clearprop.nn.initialisers import Initialiser
from clearprop.optim import SGD
from clearprop.recipes.course_data import course_mnist
from clearprop.recipes.drawings import curves_of, draw_losses, weights_picture
from clearprop.recipes.exhibits import Picture, Table
from clearprop.recipes.published import measured, shown
from clearprop.recipes.recipe import Recipe, Result, quiet_fit
from clearprop.training import History
from clearprop.training.fit_settings import TrainMetrics

STATED = "N(0, 1)"  # the weights that the write-ups state
RUNS: dict[str, dict[str, Any]] = {
    "C4, accumulated over 64": {"lr": 0.01, "batch_size": 64, "epochs": 15},
    "C5, batch 64": {"lr": 0.02, "batch_size": 64, "epochs": 50},
    "C5, batch 100": {"lr": 0.02, "batch_size": 100, "epochs": 50},
}
EXAMPLES, QUICK_EXAMPLES = 12_800, 320  # trained one by one on the engine `sample`
INITS: dict[str, Initialiser] = {
    "N(0, 1)": Normal(1.0),
    "N(0, 0.1^2)": Normal(0.1),
    "N(0, 0.01^2)": Normal(0.01),
    "Xavier": Xavier(),
    "LeCun": LeCun("normal"),
    "zeros": Zeros(),
}
"""Initialisers of the weights; the experiment itself has the first, `vu-studies` compares all."""


class VuMnist(Recipe):
    """The summed gradients of single examples against the gradient of the batch; then runs of the published lengths."""

    name = "vu-mnist"
    title = "MNIST, example by example and batch by batch"
    source = "Vrije Universiteit Amsterdam, Deep Learning, assignment 1, questions 5 and 6 (2023, 2024)"
    configuration: ClassVar[dict[str, Any]] = {
        "data": "MNIST, 55 000 / 5 000 split, pixels / 255",
        "net": "784-300-10, sigmoid, softmax, N(0, 1) weights",
        "runs": RUNS,
        "one by one": f"the first {EXAMPLES} images on the engine sample, gradients accumulated over 64 and averaged, float64",
    }
    needs = ("mnist",)
    duration = "2 minutes"

    def perform(self, result: Result) -> None:
        """Compare one by one with batches, then train all runs."""
        conditions = result.conditions
        result.engine = conditions.fast_engine()
        data = course_mnist(conditions.data_dir)
        n = QUICK_EXAMPLES if conditions.quick else EXAMPLES
        conditions.say(f"{n:,} images one by one on sample, and again in batches")
        one_by_one(result, data, n)
        if conditions.quick:
            data = first_examples(data, 6000, 1000)
        histories: dict[str, History] = {}
        for name, run in RUNS.items():
            epochs = 1 if conditions.quick else run["epochs"]
            conditions.say(f"{name}: lr {run['lr']:g}, {epochs} epochs on {result.engine}")
            net, histories[name] = train_mnist(data, STATED, run["lr"], run["batch_size"], epochs, result.engine)
        report(result, histories, net)


def make_mnist_net(init: str, rng: np.random.Generator | int, dtype: FloatName = "float32") -> Net:
    """784-300-10 with sigmoid; the biases are zero."""
    weights = INITS[init]
    return Net(Linear(784, 300, init=weights), Sigmoid(), Linear(300, 10, init=weights), seed=rng, dtype=dtype)


def train_mnist(
    data: Dataset,
    init: str,
    lr: float,
    batch_size: int,
    epochs: int,
    engine: str,
    seed: int = 0,
    train_metrics: TrainMetrics = "running",
) -> tuple[Net, History]:
    """The net and the history of one run."""
    rng = np.random.default_rng(seed)
    net = make_mnist_net(init, rng)
    history = quiet_fit(
        net, data, loss=CrossEntropy(), optimizer=SGD(lr), batch_size=batch_size, epochs=epochs, seed=rng, engine=engine,
        train_metrics=train_metrics,
    )  # fmt: skip
    return net, history


def mnist_epochs(data: Dataset, seed: int, engine: str, init: str, lr: float, batch_size: int, epochs: int) -> dict[str, Any]:
    """The figures of every epoch, such as `val_loss_1`, NaN from where the run diverged; a trial of a sweep."""
    _, history = train_mnist(data, init, lr, batch_size, epochs, engine, seed)
    found: dict[str, Any] = {}
    for name in ("train_loss", "train_accuracy", "val_loss", "val_accuracy"):
        column = [float(row[name]) for row in history]
        found |= {f"{name}_{k + 1}": column[k] if k < len(column) else float("nan") for k in range(epochs)}
    return found


def first_examples(data: Dataset, n: int, n_val: int) -> Dataset:
    """The first examples of both splits, for a quick run."""
    splits = {name: Split(X[:k], y[:k]) for (name, (X, y)), k in zip(data.splits.items(), (n, n_val), strict=True)}
    return replace(data, splits=splits)


def one_by_one(result: Result, data: Dataset, n: int) -> None:
    """The same steps on `sample` and in batches: equal parameters, different times."""
    X, y = data.train.X[:n].astype(np.float64), data.train.y[:n]
    order = draw_order(np.random.default_rng(0), n, 64)
    nets, seconds = {}, {}
    engines = list(dict.fromkeys(("sample", "batch", result.engine)))
    for engine in engines:
        net = make_mnist_net(STATED, 0, "float64")
        worker = ENGINES.make(engine)
        watch = Stopwatch()
        worker.train_epoch(net, CrossEntropy(), SGD(0.01), X, y, order, 64)
        seconds[engine], nets[engine] = watch.seconds(), net
    for engine in engines[1:]:
        worst = float(np.abs(nets[engine].theta - nets["sample"].theta).max())
        what = f"{n:,} images one by one (sample) against {engine}: largest difference of a weight"
        result.comparisons.append(shown(what, "the same", f"{worst:.1e}", worst < 1e-10, "equal to 1e-10"))
    rows = [[engine, seconds[engine], n / seconds[engine]] for engine in engines]
    result.exhibits.tables.append(
        Table("Images a second, float64", ["engine", "seconds", "images a second"], rows, name="speed")
    )
    result.exhibits.explain(
        "What does the batch change, if every example's gradient is added up anyway?",
        f"Nothing but the time: after {len(order) // 64} steps no weight differs by more than 1e-10. One by one there are two "
        f"products of a matrix and a vector for each image, in batches one product of two matrices for 64: {rows[1][2]:,.0f} "
        f"images a second against {rows[0][2]:,.0f}" + (f", and {rows[2][2]:,.0f} compiled." if len(rows) > 2 else "."),
    )


def report(result: Result, histories: dict[str, History], net: Net) -> None:
    """Validation accuracies, curves, and the weights of the first layer."""
    rows = []
    for name, history in histories.items():
        last = history[-1]
        what = f"{name}, lr {RUNS[name]['lr']:g}, {len(history)} epochs: validation accuracy"
        note = "no figure is published for this run"
        result.comparisons.append(measured(what, "", f"{last['val_accuracy']:.4f}", note))
        seconds = sum(row["seconds"] for row in history)
        rows.append([name, last["train_loss"], last["train_accuracy"], last["val_loss"], last["val_accuracy"], seconds])
    columns = ["run", "train loss", "train acc.", "val. loss", "val. acc.", "seconds"]
    result.exhibits.tables.append(Table("At the end", columns, rows, name="runs"))

    runs = {name: curves_of(history) for name, history in histories.items()}
    title = "First-layer weights of 24 of 300 units: from N(0, 1) they hardly leave their noise"
    result.exhibits.pictures += [
        Picture("curves", "Loss by epoch", draw_losses, (14, 3.8), rows=runs),
        weights_picture(net.layers[0].parameters()["W"], title),
    ]
