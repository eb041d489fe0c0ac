"""`vu-mnist`: 784-300-10 on MNIST, first one example at a time, then the whole batch at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from clearprop.data.batches import draw_order
from clearprop.data.dataset import Dataset
from clearprop.engines import ENGINES
from clearprop.nn import CrossEntropy, Net
from clearprop.optim import SGD
from clearprop.recipes.comparison import measured, reached, shown
from clearprop.recipes.course_data import course_mnist
from clearprop.recipes.exhibits import Picture, Table
from clearprop.recipes.recipe import Recipe, Result
from clearprop.recipes.training import fast_engine
from clearprop.recipes.vu_mnist_runs import first, make_net, train
from clearprop.training import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PUBLISHED = 0.91
RUNS: dict[str, dict[str, Any]] = {
    "C4, accumulated over 64": {"lr": 0.01, "batch": 64, "epochs": 15},
    "C5, batch 64": {"lr": 0.02, "batch": 64, "epochs": 50},
    "C5, batch 100": {"lr": 0.02, "batch": 100, "epochs": 50},
}
JUDGED = "C5, batch 64"
EXAMPLES, QUICK_EXAMPLES = 12_800, 320  # that go through the engine `sample`, one by one


class VuMnist(Recipe):
    """Gradients of single examples, added up, are the gradient of the batch; then the published lengths."""

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
        """One by one against at once; then all runs."""
        conditions = result.conditions
        result.engine = fast_engine(conditions)
        data = course_mnist(conditions.data_dir)
        n = QUICK_EXAMPLES if conditions.quick else EXAMPLES
        conditions.say(f"{n:,} images one by one on sample, and again in batches")
        one_by_one(result, data, n)
        if conditions.quick:
            data = first(data, 6000, 1000)
        histories: dict[str, History] = {}
        for name, run in RUNS.items():
            epochs = 1 if conditions.quick else run["epochs"]
            conditions.say(f"{name}: lr {run['lr']:g}, {epochs} epochs on {result.engine}")
            net, histories[name] = train(data, "N(0, 1)", run["lr"], run["batch"], epochs, result.engine)
        report(result, histories, net)


def one_by_one(result: Result, data: Dataset, n: int) -> None:
    """The same steps on `sample` and in batches: the same parameters, at another price."""
    X, y = data.train.X[:n].astype(np.float64), data.train.y[:n]
    order = draw_order(np.random.default_rng(0), n, 64)
    nets, seconds = {}, {}
    engines = list(dict.fromkeys(("sample", "batch", result.engine)))
    for engine in engines:
        net = make_net("N(0, 1)", 0, "float64")
        worker = ENGINES.make(engine)
        began = time.perf_counter()
        worker.train_epoch(net, CrossEntropy(), SGD(0.01), X, y, order, 64)
        seconds[engine], nets[engine] = time.perf_counter() - began, net
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
    judged = not result.conditions.quick
    rows = []
    for name, history in histories.items():
        last = history[-1]
        what = f"{name}, lr {RUNS[name]['lr']:g}, {len(history)} epochs: validation accuracy"
        if name == JUDGED:
            result.comparisons.append(reached(what, PUBLISHED, last["val_accuracy"], "{:.4f}", judged))
        else:
            note = "no figure is published for this run"
            result.comparisons.append(measured(what, "", f"{last['val_accuracy']:.4f}", note))
        seconds = sum(row["seconds"] for row in history)
        rows.append([name, last["train_loss"], last["train_accuracy"], last["val_loss"], last["val_accuracy"], seconds])
    columns = ["run", "train loss", "train acc.", "val. loss", "val. acc.", "seconds"]
    result.exhibits.tables.append(Table("At the end", columns, rows, name="runs"))

    def curves(figure: Figure) -> None:
        from clearprop import plots
        from clearprop.plots import style

        for ax, (name, history) in zip(figure.subplots(1, len(histories)), histories.items(), strict=True):
            plots.learning_curves(history, ax)
            ax.set_xlabel(f"epoch ({name})", fontsize=style.LABEL)

    def weights(figure: Figure) -> None:
        from clearprop.plots import first_layer

        first_layer(net.layers[0].parameters()["W"], (28, 28), figure)

    result.exhibits.pictures += [
        Picture("curves", "Loss by epoch", curves, (14, 3.8)),
        Picture(
            "weights", "First-layer weights of 40 of 300 units: from N(0, 1) they hardly leave their noise", weights, (8, 4.6)
        ),
    ]
