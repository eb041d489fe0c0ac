"""`vu-studies`: the assignment of 2024. Training against validation, initialisations, learning rates, the final run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from clearprop.data.dataset import Dataset, Split
from clearprop.recipes.course_data import course_mnist
from clearprop.recipes.drawings import curves_of, draw_losses_on_one_scale, draw_runs, weights_picture
from clearprop.recipes.exhibits import Picture, Table
from clearprop.recipes.published import measured, shown
from clearprop.recipes.recipe import Recipe, Result
from clearprop.recipes.vu_mnist import INITS, STATED, first_examples, mnist_epochs, train_mnist

RATES = [0.0001, 0.001, 0.003, 0.01, 0.03]
STUDY_EPOCHS = 5
SEEDS = 5
FINAL: dict[str, Any] = {"lr": 0.03, "batch_size": 64, "epochs": 10}
PUBLISHED = 0.91
SCALED = "Xavier"


class VuStudies(Recipe):
    """The four studies with the stated N(0, 1) weights, and beside them with weights that suit the size of the layers."""

    name = "vu-studies"
    title = "MNIST: four studies, and 91 % (2024)"
    source = "Vrije Universiteit Amsterdam, Deep Learning, assignment 1, question 7 (2024)"
    configuration: ClassVar[dict[str, Any]] = {
        "data": "MNIST, pixels / 255; 55 000 / 5 000 for the studies, 60 000 / 10 000 for the final run",
        "net": "784-300-10, sigmoid, softmax, N(0, 1) weights, zero biases",
        "studies": f"lr 0.03, batch 64, {STUDY_EPOCHS} epochs; initialisations and learning rates over {SEEDS} seeds",
        "learning rates": RATES,
        "initialisations": list(INITS),
        "final": FINAL | {"weights": [STATED, SCALED]},
    }
    needs = ("mnist",)
    duration = "a minute"

    def perform(self, result: Result) -> None:
        """All studies in the order of the write-up."""
        conditions = result.conditions
        result.engine = conditions.fast_engine()
        data = course_mnist(conditions.data_dir)
        canonical = course_mnist(conditions.data_dir, val=0)
        raw = course_mnist(conditions.data_dir, val=0, scale="none")
        epochs, final_epochs = STUDY_EPOCHS, FINAL["epochs"]
        if conditions.quick:
            data, canonical, raw = (first_examples(each, 6000, 1000) for each in (data, canonical, raw))
            epochs, final_epochs = 2, 1
        seeds = conditions.n_seeds(SEEDS, quick=2)
        train_against_validation(result, data, epochs)
        initialisations(result, data, epochs, seeds)
        learning_rates(result, data, epochs, seeds)
        final_run(result, canonical, raw, final_epochs)


def train_against_validation(result: Result, data: Dataset, epochs: int) -> None:
    """The loss on both sets; the training loss as a mean over the epoch, and measured after it: one run, two ways to look."""
    result.conditions.say(f"training against validation, {epochs} epochs")
    during, after = (
        train_mnist(data, STATED, 0.03, 64, epochs, result.engine, train_metrics=when)[1] for when in ("running", "after")
    )
    rows = [
        [row["epoch"], row["train_loss"], later["train_loss"], row["val_loss"]]
        for row, later in zip(during, after, strict=True)
    ]
    columns = ["epoch", "train loss, mean over the epoch", "train loss, after the epoch", "val. loss"]
    result.exhibits.tables.append(Table("Training against validation", columns, rows, name="train-val"))
    below = sum(row[3] < row[1] for row in rows)
    gap, left = rows[0][1] - rows[0][3], rows[0][2] - rows[0][3]
    swapped = train_mnist(first_held_out(data), STATED, 0.03, 64, epochs, result.engine, train_metrics="after")[1]
    other = swapped[0]["train_loss"] - swapped[0]["val_loss"]
    result.comparisons.append(
        shown("validation lies below training", "yes", f"in {below} of {len(rows)} epochs", below > len(rows) / 2,
              "the training loss is a mean over the epoch, most of it measured before the last steps",
              not result.conditions.quick)
    )  # fmt: skip
    result.exhibits.explain(
        "Why is the validation loss below the training loss?",
        f"It lies below the mean over the epoch in {below} of {len(rows)} epochs. The mean holds the losses of weights that "
        "were worse than those that are validated: measured after the epoch, as the validation loss is, the distance in "
        f"epoch 1 is {left:.3f} instead of {gap:.3f}, in the same run, with the same weights. What is left belongs to the "
        f"images: with the first {len(data.val):,} of the file held out instead of the last it is {other:.3f}.",
    )

    runs = {title: curves_of(history) for title, history in zip(columns[1:3], (during, after), strict=True)}
    title = "Training against validation, with both training losses"
    result.exhibits.pictures.append(Picture("train-val", title, draw_losses_on_one_scale, (11, 3.8), rows=runs))


def first_held_out(data: Dataset) -> Dataset:
    """As many images held out, from the beginning of the file instead of its end."""
    n = len(data.val)
    X, y = (np.concatenate(parts) for parts in zip(data.train, data.val, strict=True))
    return replace(data, splits={"train": Split(X[n:], y[n:]), "val": Split(X[:n], y[:n])})


def spread_rows(rows: list[dict[str, Any]], column: str, epoch: int) -> list[list[Any]]:
    """For each value of a setting: mean and standard deviation of loss and accuracy on the validation set after an epoch."""
    found: list[list[Any]] = []
    for value in dict.fromkeys(row[column] for row in rows):
        figures: list[Any] = [value]
        for name in ("val_loss", "val_accuracy"):
            values = np.array([row[f"{name}_{epoch}"] for row in rows if row[column] == value])
            figures += [float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else None]
        found.append(figures)
    return found


def initialisations(result: Result, data: Dataset, epochs: int, seeds: int) -> None:
    """Mean and spread over the seeds, for each initialiser of the weights; and the spread of the stated one by epoch."""
    result.conditions.say(f"{len(INITS)} initialisations x {seeds} seeds")
    grid: dict[str, list[Any]] = {"init": list(INITS), "lr": [0.03], "batch_size": [64], "epochs": [epochs]}
    rows = result.conditions.sweep(mnist_epochs, grid, seeds, data, result.engine)
    table = spread_rows(rows, "init", epochs)
    columns = ["weights", "val. loss", "+-", "val. acc.", "+-"]
    result.exhibits.tables.append(Table(f"Initialisations after {epochs} epochs", columns, table, name="initialisations"))
    stated = [row for row in rows if row["init"] == STATED]
    spreads = [relative_spread([row[f"val_loss_{epoch}"] for row in stated]) for epoch in range(1, epochs + 1)]
    result.exhibits.tables.append(
        Table(f"{STATED}: spread of the validation loss over {seeds} starts, as a share of its mean",
              ["epoch", "spread"], [[epoch, spread] for epoch, spread in enumerate(spreads, 1)], name="spread")
    )  # fmt: skip
    grows = spreads[-1] > spreads[0]
    result.comparisons.append(
        measured("spread over initialisations", "grows with the epochs",
                 f"{100 * spreads[0]:.1f} % to {100 * spreads[-1]:.1f} % of the loss",
                 f"{'the same' if grows else 'otherwise'} here, over {seeds} starts")
    )  # fmt: skip
    best, widest = max(table, key=lambda row: row[3]), max(table, key=lambda row: row[4] or 0)
    wide = next(row for row in table if row[0] == STATED)
    result.exhibits.explain(
        "Which first weights?",
        f"Best after {epochs} epochs: {best[0]}, {best[3]:.4f}. With N(0, 1), z of a hidden unit has a spread of about 9 on "
        f"these images; its sigmoid is saturated, and so is the softmax: validation accuracy {wide[3]:.4f}. The seeds "
        f"differ most with {widest[0]}. Zeros leave all hidden units alike.",
    )


def relative_spread(values: list[float]) -> float:
    """Standard deviation as a share of the mean; NaN for a single value."""
    found = np.array(values)
    return float(found.std(ddof=1) / found.mean()) if len(found) > 1 else float("nan")


def learning_rates(result: Result, data: Dataset, epochs: int, seeds: int) -> None:
    """Mean and spread over the seeds for the five rates, with the stated weights."""
    result.conditions.say(f"{len(RATES)} learning rates x {seeds} seeds")
    grid: dict[str, list[Any]] = {"init": [STATED], "lr": RATES, "batch_size": [64], "epochs": [epochs]}
    rows = result.conditions.sweep(mnist_epochs, grid, seeds, data, result.engine)
    table = spread_rows(rows, "lr", epochs)
    columns = ["lr", "val. loss", "+-", "val. acc.", "+-"]
    result.exhibits.tables.append(Table(f"Learning rates after {epochs} epochs", columns, table, name="learning-rates"))
    best = max(table, key=lambda row: row[3])
    slow = min(row[f"train_loss_{epoch}"] for row in rows if row["lr"] == RATES[0] for epoch in range(1, epochs + 1))
    fast = max(row["train_loss_1"] for row in rows if row["lr"] == RATES[-1])
    result.comparisons += [
        measured("best of the five learning rates", "0.03", f"{best[0]:g}", "the same" if best[0] == 0.03 else "another"),
        shown(f"{RATES[0]:g} never reaches what 0.03 has after its first epoch", "training loss",
              f"{slow:.3f} at best, against {fast:.3f}", slow > fast, f"over {epochs} epochs and {seeds} starts",
              not result.conditions.quick),
    ]  # fmt: skip


def final_run(result: Result, canonical: Dataset, raw: Dataset, epochs: int) -> None:
    """The best setting on the canonical split: with the stated weights, with scaled ones, and on raw pixels."""
    runs: dict[str, tuple[Dataset, str]] = {
        STATED: (canonical, STATED),
        SCALED: (canonical, SCALED),
        f"{STATED}, pixels 0 to 255": (raw, STATED),
    }
    accuracies, nets, histories = {}, {}, {}
    for name, (data, init) in runs.items():
        result.conditions.say(f"final run, {name}")
        nets[name], histories[name] = train_mnist(data, init, FINAL["lr"], FINAL["batch_size"], epochs, result.engine)
        accuracies[name] = histories[name][-1]["val_accuracy"]
        note = "the weights that it states" if init == STATED and data is canonical else "not its text"
        note = "what its code does: it computes scaled pixels and trains on the others" if data is raw else note
        what = f"final: lr 0.03, batch 64, {epochs} epochs, {name}: validation accuracy"
        result.comparisons.append(measured(what, f"{PUBLISHED:g}" if init == STATED else "", f"{accuracies[name]:.4f}", note))
    low, high = accuracies[STATED], accuracies[SCALED]
    result.comparisons.append(
        shown("91 % lies between the two initialisations", f"{PUBLISHED:g}", f"{low:.4f} and {high:.4f}",
              low < PUBLISHED < high, "the stated weights give less; weights that suit the layers give more",
              not result.conditions.quick)
    )  # fmt: skip
    result.exhibits.explain(
        "91 %: with which weights?",
        f"The text states N(0, 1). With those we get {low:.4f} after {epochs} epochs, with Xavier's {high:.4f}, and on raw "
        f"pixels, on which its code trains although it computes scaled ones, {accuracies[f'{STATED}, pixels 0 to 255']:.4f}. "
        "None of these is 0.91, and no seed is given; nothing more is claimed.",
    )
    result.exhibits.explain("What is wrong in its code, and what finds it?", MISTAKES)
    result.exhibits.pictures += [
        Picture(
            "final",
            "The final run: loss and accuracy by first weights",
            draw_runs,
            (11, 7),
            rows={name: curves_of(history) for name, history in histories.items()},
        ),
        weights_picture(nets[SCALED].layers[0].parameters()["W"], "First-layer weights of the final run: 24 of 300 units"),
    ]


MISTAKES = """
It trains on pixels from 0 to 255 after computing the scaled ones (`clearprop data` prints the range; the doctor's
finding inputs-unscaled). Its shuffle indexes with `arange`, which changes nothing: images and labels stay together, but every
epoch has the same batches. In print, `b1 = alpha * db1` and `w2 = alpha * dW2` have lost their minus and the old value, and
`b2` is returned for `b1` (`clearprop check` calls the step wrong, and the parameter never stepped). In its scalar version
dh[i] = d[i] (w2[0][i] + w2[1][i]) sums over the wrong axis (`clearprop run vu-scalar` shows by how much).
"""
