"""`radboud-digits`: is a digit below five? Eight small networks by hand, every printed figure to its last digit."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from clearprop.data.dataset import Split
from clearprop.recipes import radboud_evidence as evidence
from clearprop.recipes.comparison import identical, identical_tables, measured
from clearprop.recipes.exhibits import Picture, Table
from clearprop.recipes.radboud_digits_runs import LAYERS, RUNS, digits_split, printed_rows, train_run
from clearprop.recipes.radboud_digits_tables import COLUMNS, LAST_ROWS, TABLES
from clearprop.recipes.recipe import Recipe, Result
from clearprop.training import History


class RadboudDigits(Recipe):
    """All eight runs, beside the printed tables; and what the write-up could not explain."""

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
        """Train the eight, compare, explain."""
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
        conditions.say("looking for explanations")
        evidence.explain_all(result.exhibits, train, test, result.engine, histories)
        result.exhibits.pictures.append(Picture("curves", "Training (blue) and test loss (orange)", curves(histories), (9, 9)))

    def table(self, name: str, train: Split, test: Split, engine: str) -> tuple[list[dict[str, float]], list[list[str]]]:
        """One run: its rows as numbers, and as they are printed."""
        history, losses, net = train_run(RUNS[name], train, test, engine)
        printed = printed_rows(history, losses, int(net.n_out or 1))
        return as_numbers(history, losses, int(net.n_out or 1)), printed


def as_numbers(history: History, losses: list[float], n_out: int) -> list[dict[str, float]]:
    """The same figures, unrounded; the test loss under the name by which curves know it."""
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
    """A published table, or the last row of one; where neither is at hand, what is obtained stands alone."""
    what, last = f"{name}, {len(rows)} epochs", " / ".join(rows[-1][1:])
    if name in TABLES:
        result.comparisons.append(identical_tables(what, TABLES[name], rows, COLUMNS))
        result.comparisons.append(identical(f"{name}, last row", " / ".join(TABLES[name][-1][1:]), last))
    elif name in LAST_ROWS:
        result.comparisons.append(identical(f"{name}, last row", " / ".join(LAST_ROWS[name]), last))
    else:
        result.comparisons.append(measured(f"{name}, last row", "", last, "its printed table is not at hand to compare with"))


def curves(histories: dict[str, list[dict[str, float]]]) -> Any:
    """One panel for each run."""

    def draw(figure: Any) -> None:
        from clearprop import plots
        from clearprop.plots import style

        for ax, (name, rows) in zip(figure.subplots(4, 2).flat, histories.items(), strict=True):
            plots.learning_curves(rows, ax)
            style.headline(ax, name)
            ax.title.set_position((0.0, 1.0))
            if ax.get_legend() is not None:
                ax.get_legend().remove()

    return draw
