"""`vu-batches`: the assignment of 2023. Losses of single batches, and readings of the run that ended at 14.28 %."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from clearprop.arrays import Array
from clearprop.data import load
from clearprop.data.dataset import Dataset, Split
from clearprop.engines import ENGINES
from clearprop.nn import CrossEntropy, Layer, Linear, Loss, NegativeLogLikelihood, Net, Normal, Sigmoid, Softmax
from clearprop.optim import SGD
from clearprop.recipes.course_data import course_mnist
from clearprop.recipes.drawings import curves_of, draw_losses
from clearprop.recipes.exhibits import Picture, Table
from clearprop.recipes.published import HIGH, LOW, measured, shown
from clearprop.recipes.recipe import Recipe, Result, quiet_fit
from clearprop.recipes.vu_mnist import first_examples, make_mnist_net, train_mnist

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BATCH, RATE, UPDATES = 100, 0.03, 10
SEEDS = 40
SMALL = "N(0, 0.1^2)"
ACCURACY = 0.1428
CONSTANT = 0.1135  # share of the commonest digit among the 10 000 test images: the best that ignoring the input can do
BATCH_LOSSES = (2.3145, 2.3197, 2.3316, 2.3552)
SINGLE_LOSSES = "13.43, 13.32, 9.82, 9.74"
LAST_LOSS = 7.64e-5
RATES = [0.001, 0.003, 0.01, 0.03]
LONG = 1000


class DiagonalSoftmax(Softmax):
    """Softmax with the published mistake: its derivative taken element by element, without the off-diagonal terms."""

    def backward(self, saved: Array, dy: Array) -> Array:
        """dx = dy y (1 - y), where the Jacobian is y_i (d_ij - y_j)."""
        return dy * saved * (1 - saved)


class BatchSoftmax(Softmax):
    """Softmax shifted by the largest score of the whole batch, as published: rows far below it underflow."""

    def forward(self, x: Array, training: bool = False) -> tuple[Array, Array]:
        """p; saves p."""
        e = np.exp(x - x.max())
        with np.errstate(invalid="ignore"):
            p = e / e.sum(axis=1, keepdims=True)
        return p, p


@dataclass(frozen=True)
class BatchReading:
    """One way to read the run that ended at 14.28 %.

    Attributes
    ----------
    what : str
    init : str
        Initialiser of the weights, a key of `INITS`.
    epochs : int or None
        Whole passes over the training set; None for `UPDATES` single random batches.
    last : callable or None
        Class of a softmax that is a layer of its own, before the negative log-likelihood; None for the fused cross-entropy.
    raw : bool
        Whether the pixels run from 0 to 255.
    mixed : bool
        Whether the labels are shuffled without their images.
    """

    what: str
    init: str
    epochs: int | None = None
    last: Callable[[], Layer] | None = None
    raw: bool = False
    mixed: bool = False


READINGS = [
    BatchReading("an epoch is one batch, N(0, 0.1^2), pixels / 255", SMALL),
    BatchReading("the same, softmax derivative element by element", SMALL, last=DiagonalSoftmax),
    BatchReading("an epoch is one batch, N(0, 1), pixels / 255", "N(0, 1)"),
    BatchReading("an epoch is one batch, N(0, 0.01^2), pixels / 255", "N(0, 0.01^2)"),
    BatchReading("10 whole epochs, N(0, 1), pixels / 255", "N(0, 1)", epochs=10),
    BatchReading("the same on pixels 0 to 255", "N(0, 1)", epochs=10, raw=True),
    BatchReading("10 whole epochs, N(0, 0.1^2), softmax derivative element by element", SMALL, epochs=10, last=DiagonalSoftmax),
    BatchReading(
        "10 whole epochs, N(0, 1), softmax shifted by the largest score of the batch", "N(0, 1)", epochs=10, last=BatchSoftmax
    ),
    BatchReading("10 whole epochs, Xavier, labels shuffled without their images", "Xavier", epochs=10, mixed=True),
]


class VuBatches(Recipe):
    """The losses of single batches, and every reading of the failed run with its interval; no cause is claimed."""

    name = "vu-batches"
    title = "MNIST batch by batch, and the run that ended at 14.28 % (2023)"
    source = "Vrije Universiteit Amsterdam, Deep Learning, assignment 1, questions 4 to 7 (2023)"
    configuration: ClassVar[dict[str, Any]] = {
        "data": "synth; MNIST, 55 000 / 5 000 and 60 000 / 10 000, pixels / 255 as it says",
        "net": "784-300-10, sigmoid, softmax; weights not stated",
        "question 4": "one random example an epoch, lr 0.01, 100 epochs",
        "questions 5 and 6": f"batch {BATCH}, loss of the batch at epoch 100; rate not given",
        "question 7": f"rates {RATES} with {LONG} epochs; lr {RATE}, batch {BATCH}, 10 epochs",
        "readings": [reading.what for reading in READINGS],
    }
    needs = ("mnist",)
    duration = "a minute"

    def perform(self, result: Result) -> None:
        """All questions in the order of the write-up."""
        conditions = result.conditions
        result.engine = conditions.fast_engine()
        data = course_mnist(conditions.data_dir, val=0)
        raw = course_mnist(conditions.data_dir, val=0, scale="none")
        if conditions.quick:
            data, raw = (first_examples(each, 6000, 1000) for each in (data, raw))
        seeds = conditions.n_seeds(SEEDS, quick=4)
        single_examples(result, seeds)
        losses_by_batch(result, data, seeds)
        overfitting(result, data)
        rates(result, data)
        readings(result, data, raw, seeds)


@dataclass(frozen=True)
class Walk:
    """Steps on random batches.

    Attributes
    ----------
    data : Split
    lr : float
    batch_size : int
    updates : int
    engine : str
    """

    data: Split
    lr: float
    batch_size: int
    updates: int
    engine: str

    def take(self, net: Net, loss: Loss, rng: np.random.Generator) -> list[float]:
        """The loss of each batch before its step, as the write-up prints it."""
        order, optimizer = rng.integers(len(self.data), size=self.updates * self.batch_size), SGD(self.lr)
        engine = ENGINES.make(self.engine)
        if engine.supports(net, loss, optimizer) is not None:
            engine = ENGINES.make("batch")
        X, y = self.data
        return [float(value) for value in engine.train_epoch(net, loss, optimizer, X, y, order, self.batch_size).losses]


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, 5th and 95th percentile."""
    low, middle, high = np.nanpercentile(np.array(values), [LOW, 50, HIGH])
    return float(middle), float(low), float(high)


def single_examples(result: Result, seeds: int) -> None:
    """Question 4: one random example an epoch on the synthetic points, from small and from standard weights."""
    result.conditions.say(f"question 4: 100 single examples, {seeds} seeds")
    walk = Walk(load("synth", dtype="float64").train, 0.01, 1, 100, result.engine)
    rows: list[list[Any]] = []
    for std in (0.01, 1.0):
        losses = []
        for seed in range(seeds):
            rng, normal = np.random.default_rng(seed), Normal(std)
            net = Net(Linear(2, 3, init=normal), Sigmoid(), Linear(3, 2, init=normal), seed=rng, dtype="float64")
            losses += walk.take(net, CrossEntropy(), rng)[-4:]
        rows.append([f"N(0, {std:g}^2)", *interval(losses), max(losses)])
    columns = ["weights", "median", "5 %", "95 %", "largest"]
    title = "Question 4: loss of single examples, epochs 97 to 100"
    result.exhibits.tables.append(Table(title, columns, rows, name="single-examples"))
    largest = max(row[4] for row in rows)
    result.comparisons.append(
        measured("question 4: losses of single examples", SINGLE_LOSSES, f"{largest:.3f} at most",
                 "no mean cross-entropy of one example: see below")
    )  # fmt: skip
    result.exhibits.explain(
        f"Question 4 prints the losses {SINGLE_LOSSES}: of what?",
        "Not of one example, by cross-entropy: from standard or small weights, a hundred steps of 0.01 leave the loss of an "
        f"example below {largest:.2f} over {seeds} seeds. A loss of 13 is a probability of e^-13 for the right class, and the "
        "final parameters that are printed there give 0.544 or 0.869 for any point in the unit square. The figures may be "
        "sums; the write-up does not say over what.",
    )


def losses_by_batch(result: Result, data: Dataset, seeds: int) -> None:
    """Questions 5 to 7: the loss of every batch against the time step; and of the hundredth batch, by rate."""
    result.conditions.say("questions 5 and 6: the loss of the hundredth batch, by rate")
    rows: list[list[Any]] = []
    curves: dict[str, list[float]] = {}
    for init in (SMALL, "N(0, 1)"):
        for lr in RATES:
            last = []
            for seed in range(min(seeds, 10)):
                rng = np.random.default_rng(seed)
                losses = Walk(data.train, lr, BATCH, 100, result.engine).take(small_net(init, rng), CrossEntropy(), rng)
                last.append(losses[-1])
                curves.setdefault(f"{init}, lr {lr:g}", losses)
            middle, low, high = interval(last)
            inside = sum(low <= value <= high for value in BATCH_LOSSES)
            rows.append([init, lr, middle, low, high, f"{inside} of {len(BATCH_LOSSES)}"])
    columns = ["weights", "lr", "median", "5 %", "95 %", "published inside"]
    title = "Loss of the hundredth random batch of 100"
    result.exhibits.tables.append(Table(title, columns, rows, name="hundredth-batch"))
    fitting = [f"{row[0]} at {row[1]:g}" for row in rows if row[5].startswith(str(len(BATCH_LOSSES)))]
    published = ", ".join(map(str, BATCH_LOSSES))
    result.comparisons.append(
        measured("questions 5 and 6: batch losses at epoch 100", published, "; ".join(fitting) or "no rate",
                 "rates whose interval holds all four, if an epoch is one batch")
    )  # fmt: skip
    result.exhibits.explain(
        "Questions 5 and 6: what do 2.31 to 2.36 at epoch 100 tell?",
        f"They lie a little above ln 10 = {math.log(10):.4f}, the loss of a uniform guess. A hundred whole epochs at any of "
        "these rates end far below. If an epoch is one random batch, as in its question 4, the hundredth batch has such a "
        f"loss with {' or '.join(fitting) or 'none of the settings tried'}. The rate is not given, and the four figures come "
        "from questions with different code: they are not one run.",
    )

    result.exhibits.pictures.append(
        Picture("batch-losses", "Loss of every batch against the time step", draw_batches, (11, 3.8), rows=curves)
    )


def draw_batches(figure: Figure, rows: Mapping[str, list[float]]) -> None:
    """The losses by rate, for small first weights and for standard ones."""
    from clearprop import plots

    for ax, init in zip(figure.subplots(1, 2), (SMALL, "N(0, 1)"), strict=True):
        chosen = {name.partition(", lr ")[2]: losses for name, losses in rows.items() if name.startswith(init)}
        plots.step_losses({f"lr {lr}": losses for lr, losses in chosen.items()}, ax)
        ax.set_title(init, loc="left", fontsize=10)


def small_net(init: str, rng: np.random.Generator, last: Callable[[], Layer] | None = None) -> Net:
    """784-300-10 with sigmoid and, where it is a layer of its own, a softmax."""
    net = make_mnist_net(init, rng)
    return net if last is None else Net(*(layer.copy() for layer in net.layers), last(), seed=None)


def overfitting(result: Result, data: Dataset) -> None:
    """Question 7: in which epoch the validation loss is lowest, with the rates that the write-up compares."""
    epochs = 2 if result.conditions.quick else 20
    result.conditions.say(f"question 7: over-fitting, {epochs} epochs")
    rows, histories = [], {}
    for init in ("Xavier", "N(0, 1)"):
        _, history = train_mnist(data, init, RATE, BATCH, epochs, result.engine)
        best = min(history, key=lambda row: row["val_loss"])
        histories[init] = history
        rows.append([init, best["epoch"], best["val_loss"], history[-1]["val_loss"], history[-1]["train_loss"]])
    columns = ["weights", "best epoch", "val. loss then", "val. loss at the end", "train loss at the end"]
    title = f"Validation loss over {epochs} epochs, lr {RATE}, batch {BATCH}"
    result.exhibits.tables.append(Table(title, columns, rows, name="overfitting"))
    found = "; ".join(f"{row[0]}: lowest in epoch {row[1]} of {epochs}" for row in rows)
    early = [row[0] for row in rows if row[1] <= 5]
    verdict = f"as published with {' and '.join(early)}" if early else "with whole epochs the loss still falls after epoch 5"
    result.comparisons.append(measured("over-fitting", "after 5 epochs", found, verdict))

    runs = {init: curves_of(history) for init, history in histories.items()}
    result.exhibits.pictures.append(Picture("overfitting", "Training and validation loss", draw_losses, (11, 3.8), rows=runs))


def rates(result: Result, data: Dataset) -> None:
    """Question 7: the rates with 1000 epochs, each of one batch; and what a loss of 7.64e-05 can be."""
    result.conditions.say(f"question 7: {len(RATES)} rates, {LONG} epochs of one batch")
    updates = 100 if result.conditions.quick else LONG
    rows: list[list[Any]] = []
    for lr in RATES:
        rng = np.random.default_rng(0)
        losses = Walk(data.train, lr, BATCH, updates, result.engine).take(small_net(SMALL, rng), CrossEntropy(), rng)
        rng = np.random.default_rng(0)
        singles = Walk(data.train, lr, 1, updates, result.engine).take(small_net("N(0, 1)", rng), CrossEntropy(), rng)[-100:]
        rows.append(
            [lr, float(np.mean(losses[-10:])), min(losses), min(singles), float(np.mean(np.array(singles) <= LAST_LOSS))]
        )
    columns = ["lr", "batch of 100: mean of the last 10", "lowest", "one example: lowest of the last 100", "share <= 7.64e-05"]
    result.exhibits.tables.append(Table(f"Losses after {updates} updates", columns, rows, name="rates"))
    lowest = {"a batch": rows[-1][2], "one example": rows[-1][3]}
    possible = [what for what, loss in lowest.items() if loss <= LAST_LOSS]
    result.comparisons.append(
        measured("lr 0.03, 1000 epochs: last loss", f"{LAST_LOSS:g}",
                 f"batch of 100: {rows[-1][1]:.2f}; one example: {rows[-1][3]:.1e}",
                 "possible as the loss of " + (" or ".join(possible) or "nothing tried"))
    )  # fmt: skip


def readings(result: Result, data: Dataset, raw: Dataset, seeds: int) -> None:
    """The table of readings: accuracy and the last batch loss of each, with their intervals."""
    rows: list[list[Any]] = []
    for reading in READINGS:
        result.conditions.say(f"14.28 %: {reading.what}")
        source = raw if reading.raw else data
        n = seeds if reading.epochs is None else 1 if reading.last else min(seeds, 2)
        runs = [run_reading(reading, source, seed, result.engine, result.conditions.quick) for seed in range(n)]
        accuracies, losses = (interval([run[k] for run in runs]) for k in (0, 1))
        covered = [accuracies[1] <= ACCURACY <= accuracies[2],
                   any(losses[1] <= value <= losses[2] for value in BATCH_LOSSES)]  # fmt: skip
        rows.append([reading.what, n, *accuracies, *losses, {2: "both", 1: "one", 0: "neither"}[sum(covered)]])
    columns = ["reading", "runs", "accuracy", "5 %", "95 %", "batch loss", "5 %", "95 %", "covers"]
    result.exhibits.tables.append(Table("Readings of the run that ended at 14.28 %", columns, rows, name="readings"))
    both = [row[0] for row in rows if row[-1] == "both"]
    judged = not result.conditions.quick
    first = rows[0]
    result.comparisons.append(
        shown("accuracy 0.1428: ten single batches, N(0, 0.1^2), pixels / 255", f"{ACCURACY:g}",
              f"median {first[2]:.3f}, [{first[3]:.3f}, {first[4]:.3f}]", first[3] <= ACCURACY <= first[4],
              f"within the 5-95 % interval over {first[1]} starts; no unique cause", judged)
    )  # fmt: skip
    deviations = (ACCURACY - CONSTANT) / math.sqrt(CONSTANT * (1 - CONSTANT) / 10_000)
    result.exhibits.explain(
        "The run that ended at 14.28 %: what was wrong?",
        f"It did not ignore its input: 1428 of 10 000 lies {deviations:.0f} standard deviations above the best constant "
        f"answer, {CONSTANT:g}. Of the {len(rows)} readings tried, {len(both)} cover both the accuracy and a batch loss "
        f"between 2.31 and 2.36: {'; '.join(both) or 'none'}. Ten updates from small weights have hardly begun to learn, "
        'which needs no fault at all: only an "epoch" that is one random batch, as in question 4. The whole epochs end '
        "elsewhere, with or without the faults that its code has. No cause can be proved from two figures, and none is "
        "claimed.",
    )


def run_reading(reading: BatchReading, data: Dataset, seed: int, engine: str, quick: bool) -> tuple[float, float]:
    """Accuracy on the held-out images at the end, and the loss of a last random batch."""
    rng = np.random.default_rng(seed)
    net = small_net(reading.init, rng, reading.last)
    loss: Loss = CrossEntropy() if reading.last is None else NegativeLogLikelihood()
    train = Split(data.train.X, rng.permutation(data.train.y)) if reading.mixed else data.train
    if reading.epochs is None:
        last = Walk(train, RATE, BATCH, UPDATES, engine).take(net, loss, rng)[-1]
    else:
        whole = replace(data, splits={"train": train})
        quiet_fit(
            net, whole, loss=loss, optimizer=SGD(RATE), batch_size=BATCH, epochs=1 if quick else reading.epochs, seed=rng,
            engine=engine if reading.last is None else "batch", on_nonfinite="continue",
        )  # fmt: skip
        rows = rng.choice(len(train), BATCH, replace=False)
        last = float(loss(net(train.X[rows]), train.y[rows]))
    X, y = data.val
    return float((net(X).argmax(axis=1) == y).mean()), last
