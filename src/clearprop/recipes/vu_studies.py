"""`vu-studies`: training against validation, initialisations, learning rates, the final run; and one that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from clearprop.data.dataset import Dataset
from clearprop.recipes.comparison import measured, reached
from clearprop.recipes.course_data import course_mnist
from clearprop.recipes.exhibits import Picture, Table
from clearprop.recipes.recipe import Recipe, Result
from clearprop.recipes.training import fast_engine, seeds_for, sweep
from clearprop.recipes.vu_failure import reproduce_failure
from clearprop.recipes.vu_mnist_runs import INITS, first, mnist_trial, train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATES = [0.0001, 0.001, 0.003, 0.01, 0.03]
STUDY_EPOCHS = 5
SEEDS = 3
FINAL: dict[str, Any] = {"lr": 0.03, "batch": 64, "epochs": 10}
PUBLISHED = 0.91
BEST = "Xavier"


class VuStudies(Recipe):
    """The four studies, and the failed run repaired by one change at a time."""

    name = "vu-studies"
    title = "MNIST: four studies, and a run that failed"
    source = "Vrije Universiteit Amsterdam, Deep Learning, assignment 1, question 7 (2023, 2024)"
    configuration: ClassVar[dict[str, Any]] = {
        "data": "MNIST, pixels / 255; 55 000 / 5 000 for the studies, 60 000 / 10 000 for the final run",
        "net": "784-300-10, sigmoid, softmax",
        "studies": f"lr 0.03, batch 64, {STUDY_EPOCHS} epochs; initialisations and learning rates over {SEEDS} seeds",
        "learning rates": RATES,
        "initialisations": list(INITS),
        "final": FINAL | {"weights": BEST},
        "failed": "lr 0.03, batch 100, 10 epochs, pixels 0-255, N(0, 1) weights",
    }
    needs = ("mnist",)
    duration = "4 minutes"

    def perform(self, result: Result) -> None:
        """All studies in the order of the write-up."""
        conditions = result.conditions
        result.engine = fast_engine(conditions)
        data = course_mnist(conditions.data_dir)
        canonical = course_mnist(conditions.data_dir, val=0)
        raw = course_mnist(conditions.data_dir, scale="none")
        epochs, final_epochs = STUDY_EPOCHS, FINAL["epochs"]
        if conditions.quick:
            data, canonical, raw = first(data, 6000, 1000), first(canonical, 6000, 1000), first(raw, 6000, 1000)
            epochs, final_epochs = 1, 1
        seeds = seeds_for(conditions, SEEDS, quick=2)
        train_against_validation(result, data, epochs)
        initialisations(result, data, epochs, seeds)
        learning_rates(result, data, epochs, seeds)
        final_run(result, canonical, final_epochs)
        reproduce_failure(result, data, raw, final_epochs)


def train_against_validation(result: Result, data: Dataset, epochs: int) -> None:
    """Loss on both sets over five epochs."""
    result.conditions.say(f"training against validation, {epochs} epochs")
    _, history = train(data, BEST, 0.03, 64, epochs, result.engine)
    rows = [[row["epoch"], row["train_loss"], row["val_loss"], row["train_accuracy"], row["val_accuracy"]] for row in history]
    columns = ["epoch", "train loss", "val. loss", "train acc.", "val. acc."]
    result.exhibits.tables.append(Table("Training against validation", columns, rows, name="train-val"))
    ahead = [row["epoch"] for row in history if row["val_loss"] < row["train_loss"]]
    result.exhibits.explain(
        "Why is the validation loss below the training loss?",
        f"It is so in {len(ahead)} of {len(history)} epochs. The training figure is the mean over the epoch, while the weights "
        "still improve; the validation figure belongs to its end. So early, nothing is overfitted yet.",
    )

    def draw(figure: Figure) -> None:
        from clearprop import plots

        plots.learning_curves(history, figure.subplots())

    result.exhibits.pictures.append(Picture("train-val", "Training against validation", draw))


def spread_rows(rows: list[dict[str, Any]], column: str) -> list[list[Any]]:
    """For each value of a setting: mean and standard deviation of loss and accuracy on the validation set."""
    found: list[list[Any]] = []
    for value in dict.fromkeys(row[column] for row in rows):
        figures: list[Any] = [value]
        for name in ("val_loss", "val_accuracy"):
            values = np.array([row[name] for row in rows if row[column] == value])
            figures += [float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else None]
        found.append(figures)
    return found


def initialisations(result: Result, data: Dataset, epochs: int, seeds: int) -> None:
    """Mean and spread over the seeds, for each way to draw the first weights."""
    result.conditions.say(f"{len(INITS)} initialisations x {seeds} seeds")
    grid: dict[str, list[Any]] = {"init": list(INITS), "lr": [0.03], "batch": [64], "epochs": [epochs]}
    rows = sweep(mnist_trial, grid, seeds, data, result.engine, result.conditions)
    table = spread_rows(rows, "init")
    columns = ["weights", "val. loss", "+-", "val. acc.", "+-"]
    result.exhibits.tables.append(Table(f"Initialisations after {epochs} epochs", columns, table, name="initialisations"))
    best, widest = max(table, key=lambda row: row[3]), max(table, key=lambda row: row[4] or 0)
    wide = next(row for row in table if row[0] == "N(0, 1)")
    result.exhibits.explain(
        "Which first weights?",
        f"Best after {epochs} epochs: {best[0]}, {best[3]:.4f}. With N(0, 1), z of a hidden unit has a spread of about 9 on "
        f"these images; its sigmoid is saturated, and so is the softmax: validation accuracy {wide[3]:.4f}. The seeds "
        "differ most "
        f"with {widest[0]}. Zeros leave all hidden units alike.",
    )


def learning_rates(result: Result, data: Dataset, epochs: int, seeds: int) -> None:
    """Mean and spread over the seeds, for the five rates."""
    result.conditions.say(f"{len(RATES)} learning rates x {seeds} seeds")
    grid: dict[str, list[Any]] = {"init": [BEST], "lr": RATES, "batch": [64], "epochs": [epochs]}
    table = spread_rows(sweep(mnist_trial, grid, seeds, data, result.engine, result.conditions), "lr")
    columns = ["lr", "val. loss", "+-", "val. acc.", "+-"]
    result.exhibits.tables.append(Table(f"Learning rates after {epochs} epochs", columns, table, name="learning-rates"))
    best = max(table, key=lambda row: row[3])
    result.comparisons.append(
        measured("best of the five learning rates", "0.03", f"{best[0]:g}", "the same" if best[0] == 0.03 else "another")
    )


def final_run(result: Result, canonical: Dataset, epochs: int) -> None:
    """The best setting on the canonical split, with scaled weights and with N(0, 1)."""
    for init in (BEST, "N(0, 1)"):
        result.conditions.say(f"final run, {init}")
        net, history = train(canonical, init, FINAL["lr"], FINAL["batch"], epochs, result.engine)
        value = history[-1]["val_accuracy"]
        what = f"final: lr 0.03, batch 64, {epochs} epochs, {init}: validation accuracy"
        if init == BEST:
            W = net.layers[0].parameters()["W"]
            result.comparisons.append(reached(what, PUBLISHED, value, "{:.4f}", not result.conditions.quick))
        else:
            result.comparisons.append(
                measured(what, "", f"{value:.4f}", "for comparison: the weights of the earlier questions")
            )

    def draw(figure: Figure) -> None:
        from clearprop.plots import first_layer

        first_layer(W, (28, 28), figure)

    result.exhibits.pictures.append(Picture("weights", "First-layer weights of the final run: 40 of 300 units", draw, (8, 4.6)))
