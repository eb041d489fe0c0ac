"""`rdfia-ladder`: the same network by hand on tensors, with autograd, with nn, with optim; then MNIST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from clearprop.data.dataset import Dataset, Split
from clearprop.engines import ENGINES
from clearprop.errors import MissingExtraError
from clearprop.ladder import climb
from clearprop.nn import CrossEntropy, Net, mlp
from clearprop.optim import SGD
from clearprop.recipes.course_data import CIRCLES, course_circles, course_mnist
from clearprop.recipes.drawings import curves_of, draw_runs, weights_picture
from clearprop.recipes.exhibits import Picture, Table
from clearprop.recipes.published import measured, shown
from clearprop.recipes.rdfia_circles_runs import make_circles_net
from clearprop.recipes.recipe import Recipe, Result, quiet_fit
from clearprop.training import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RUNGS = {
    "batch": "NumPy, gradients by hand: the reference",
    "torch_manual": "tensors, gradients by hand",
    "torch_autograd": "tensors, torch.autograd",
    "torch_nn": "torch.nn layers and loss, torch.optim",
}
AGREE = 1e-10
EPOCHS, QUICK_EPOCHS = 50, 2
NETS: dict[str, list[int]] = {"784-100-10": [784, 100, 10], "784-10, no hidden layer": [784, 10]}
"""Nets of our own choice: the write-up prints neither a setting nor a figure for MNIST."""


class RdfiaLadder(Recipe):
    """Four ways to the same numbers, and "the learned concepts" on MNIST, for which nothing is printed."""

    name = "rdfia-ladder"
    title = "From gradients by hand to torch.optim, and MNIST"
    source = "Sorbonne University, RDFIA practical 1-b (2023, 2024)"
    configuration: ClassVar[dict[str, Any]] = {
        "circles": "2-10-2, tanh, batch 10, lr 0.1, 10 epochs, float64, the same start and batches on every rung",
        "mnist": "our own setting: 784-100-10 with tanh, and 784-10; batch 100, lr 0.03, 50 epochs; 60 000 and 10 000 images",
        "rungs": RUNGS,
    }
    needs = (CIRCLES, "mnist")
    duration = "2 minutes"

    def perform(self, result: Result) -> None:
        """The ladder on circles, then MNIST on the fastest engine."""
        conditions = result.conditions
        try:
            ENGINES.find("torch_nn")
        except MissingExtraError:
            raise MissingExtraError("rdfia-ladder needs PyTorch: pip install 'clearprop[torch]'.") from None
        result.engine = conditions.fast_engine()
        train, _ = course_circles(conditions.data_dir)
        conditions.say("circles on four rungs")
        climb_rungs(result, train)
        data = course_mnist(conditions.data_dir, val=0)
        epochs = QUICK_EPOCHS if conditions.quick else EPOCHS
        runs = {}
        for name, sizes in NETS.items():
            conditions.say(f"MNIST, {name}, {epochs} epochs on {result.engine}")
            runs[name] = train_mnist(data, sizes, result.engine, epochs)
        learned_concepts(result, runs)
        on_torch(result, data)


def climb_rungs(result: Result, train: Split) -> None:
    """The same ten epochs on every rung: equal to 1e-10."""
    rows = climb(
        make_circles_net("code", 0),
        train,
        loss=CrossEntropy(),
        optimizer=SGD(0.1),
        batch_size=10,
        epochs=10,
        engines=list(RUNGS),
    )
    for row in rows[1:]:
        what = f"{row['engine']} against batch, largest difference"
        difference = float(row["difference"])
        result.comparisons.append(shown(what, "the same", f"{difference:.1e}", difference <= AGREE, f"equal to {AGREE:g}"))
    table = [[row["engine"], RUNGS[row["engine"]], row["lines"], row["loss"], row["microseconds"]] for row in rows]
    columns = ["rung", "what it is", "lines", "final loss", "microseconds a step"]
    result.exhibits.tables.append(Table("The ladder on circles", columns, table, name="ladder"))

    times = [{key: row[key] for key in ("engine", "microseconds", "speed") if key in row} for row in rows]
    result.exhibits.pictures.append(Picture("ladder", "Time of one step, by rung", draw_ladder, (6.4, 3.0), rows=times))
    slow, hand = rows[-1], rows[0]
    result.exhibits.explain(
        "What does each rung of the ladder buy?",
        "Not other numbers: after the same batches the parameters agree to "
        f"{max(float(row['difference']) for row in rows):.0e}. autograd takes over the backward pass, nn the parameters and "
        "the loss, optim the update; each saves lines in which mistakes are made. On a network as small as this they cost "
        f"time: {slow['microseconds']:.0f} microseconds a step with nn and optim, {hand['microseconds']:.0f} by hand in NumPy.",
    )


def draw_ladder(figure: Figure, rows: list[dict[str, Any]]) -> None:
    """The time of one step on each rung."""
    from clearprop import plots

    plots.step_times(rows, figure.subplots())


def train_mnist(data: Dataset, sizes: list[int], engine: str, epochs: int) -> tuple[Net, History]:
    """The net and the history of one run from Xavier's weights."""
    net = mlp(sizes, hidden="tanh", seed=0)
    history = quiet_fit(
        net, data, loss=CrossEntropy(), optimizer=SGD(0.03), batch_size=100, epochs=epochs, seed=0, engine=engine
    )
    return net, history


def learned_concepts(result: Result, runs: dict[str, tuple[Net, History]]) -> None:
    """The figures of both nets, which nothing is claimed of, and what their first layers have learned."""
    epochs = len(next(iter(runs.values()))[1])
    rows = []
    for name, (_, history) in runs.items():
        train, test = (history[-1][column] for column in ("train_accuracy", "val_accuracy"))
        what = f"MNIST, {name}, {epochs} epochs: training / test accuracy"
        note = "the write-up prints neither a setting nor a figure"
        result.comparisons.append(measured(what, "", f"{100 * train:.2f} % / {100 * test:.2f} %", note))
        rows.append([name, train, test])
    columns = ["net", "train acc.", "test acc."]
    result.exhibits.tables.append(Table(f"MNIST after {epochs} epochs", columns, rows, name="mnist"))
    (_, deep, deep_test), (_, flat, flat_test) = rows
    result.exhibits.explain(
        "What are the learned concepts on MNIST?",
        f"The practical asks for the weights of the first layer as images. Without a hidden layer ({flat:.4f} / "
        f"{flat_test:.4f}) there is one image for each digit, a blurred template: bright where the digit has ink, dark where "
        f"others have it. With one ({deep:.4f} / {deep_test:.4f}) a unit is no digit any more, but a stroke or an edge that "
        "several digits share. Both settings are ours, since none is printed.",
    )

    curves = {name: curves_of(history) for name, (_, history) in runs.items()}
    result.exhibits.pictures.append(
        Picture("mnist", "Loss and accuracy; validation here is the test set", draw_runs, (11, 7), rows=curves)
    )
    titles = ("First-layer weights of 24 of the 100 hidden units", "Without a hidden layer: the weights of the ten digits")
    for number, ((net, _), title) in enumerate(zip(runs.values(), titles, strict=True)):
        W = net.layers[0].parameters()["W"]
        result.exhibits.pictures.append(weights_picture(W, title, f"weights-{number + 1}"))


def on_torch(result: Result, data: Dataset) -> None:
    """One epoch of MNIST on PyTorch's rungs and on the fast engine, from the same first weights."""
    few = Split(data.train.X[:6000], data.train.y[:6000])
    rows: list[list[Any]] = []
    for engine in [name for name in (*RUNGS, result.engine) if name != "torch_manual"]:
        if engine in [row[0] for row in rows]:
            continue
        fresh = mlp([784, 100, 10], hidden="tanh", seed=0)
        history = quiet_fit(fresh, few, optimizer=SGD(0.03), batch_size=100, epochs=1, seed=0, engine=engine)
        rows.append([engine, history[-1]["train_loss"], history[-1]["train_accuracy"], history[-1]["seconds"]])
    columns = ["engine", "train loss", "train accuracy", "seconds"]
    result.exhibits.tables.append(
        Table("One epoch of 6000 images from one start, float32", columns, rows, name="mnist-engines")
    )
