"""`radboud-digits`: is a digit below five? Eight small networks by hand, every printed figure to its last digit."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from clearprop.data.dataset import Split
from clearprop.recipes import radboud_digits_evidence as evidence
from clearprop.recipes.drawings import curves_of, draw_runs
from clearprop.recipes.exhibits import Picture, Table
from clearprop.recipes.published import identical_tables
from clearprop.recipes.radboud_digits_runs import LAYERS, RUNS, digits_split, printed_rows, train_run
from clearprop.recipes.recipe import Recipe, Result
from clearprop.training import History

COLUMNS = ["epoch", "train_loss", "train_accuracy", "test_loss"]

TABLES: dict[str, list[list[str]]] = {
    name: [row.split() for row in rows]
    for name, rows in json.loads(Path(__file__).with_name("radboud_digits_tables.json").read_text(encoding="utf-8")).items()
}
"""The first twenty rows of every run as they are printed: text, to the last digit."""


class RadboudDigits(Recipe):
    """All eight runs beside the printed tables, and explanations of what the write-up leaves open."""

    name = "radboud-digits"
    title = "Digits below five: eight small networks by hand"
    source = "Radboud University, NWI-IMC070 Deep Learning, assignment 1 (2023)"
    configuration: ClassVar[dict[str, Any]] = {
        "data": "scikit-learn's digits (1797 x 64), label 1 for digits 0-4, minus the global mean, over the global standard "
        "deviation; permutation from default_rng(12345): 898 train, 899 test",
        "initialisation": "uniform(-a, a), a = sqrt(6 / (n_in n_out)), default_rng(12345); biases zero",
        "training": "minibatches in order, remainder dropped, gradient summed, float64",
        "runs": {name: asdict(run) | {"layers": LAYERS[run.layers]} for name, run in RUNS.items()},
    }
    duration = "20 seconds"

    def perform(self, result: Result) -> None:
        """Train all eight, compare, explain."""
        conditions = result.conditions
        result.engine = conditions.engine or "batch"
        train, test = digits_split()
        histories: dict[str, list[dict[str, float]]] = {}
        for name in RUNS:
            conditions.say(f"{name}: {RUNS[name].epochs} epochs")
            rows, history = self.table(name, train, test, result.engine)
            histories[name] = rows
            compare(result, name, history)
            result.exhibits.tables.append(Table(f"{name}, every epoch", COLUMNS, history, name=name, long=True))
        conditions.say("explanations")
        evidence.explain_all(result.exhibits, train, test, result.engine, histories)
        result.exhibits.pictures.append(
            Picture(
                "curves",
                "Loss and accuracy; validation is the test set",
                draw_runs,
                (11, 22),
                rows={name: curves_of(rows) for name, rows in histories.items()},
            )
        )

    def table(self, name: str, train: Split, test: Split, engine: str) -> tuple[list[dict[str, float]], list[list[str]]]:
        """Rows of one run: as numbers, and as they are printed."""
        history, losses, net = train_run(RUNS[name], train, test, engine)
        printed = printed_rows(history, losses, int(net.n_out or 1))
        return as_numbers(history, losses, int(net.n_out or 1)), printed


def as_numbers(history: History, losses: list[float], n_out: int) -> list[dict[str, float]]:
    """The figures unrounded, with the test loss as `val_loss`, the column that `learning_curves` draws."""
    return [
        {
            "epoch": row["epoch"],
            "train_loss": row["train_loss"] / n_out,
            "train_accuracy": row["train_accuracy"],
            "val_loss": loss,
        }
        for row, loss in zip(history, losses, strict=True)
    ]


def compare(result: Result, name: str, rows: list[list[str]]) -> None:
    """Compare with the published table, which stops after twenty epochs."""
    published = TABLES[name]
    what = f"{name}, epochs 0 to {len(published) - 1}" + (f" of {len(rows)}" if len(rows) > len(published) else "")
    found = [row[1:] for row in rows[: len(published)]]  # without the number of the epoch
    result.comparisons.append(identical_tables(what, [row[1:] for row in published], found, COLUMNS[1:]))
