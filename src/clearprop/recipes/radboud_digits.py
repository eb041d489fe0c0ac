"""`radboud-digits`: is a digit below five? Eight small networks by hand, every printed figure to its last digit."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from clearprop.data.dataset import Split
from clearprop.recipes import radboud_digits_evidence as evidence
from clearprop.recipes.exhibits import Picture, Table
from clearprop.recipes.published import identical, identical_tables, measured
from clearprop.recipes.radboud_digits_runs import LAYERS, RUNS, digits_split, printed_rows, train_run
from clearprop.recipes.recipe import Recipe, Result
from clearprop.training import History

COLUMNS = ["epoch", "train_loss", "train_accuracy", "test_loss"]

TWO_LAYER = """
0 0.4412 0.7944 0.3620
1 0.2769 0.8938 0.2592
2 0.2095 0.9209 0.1919
3 0.1596 0.9458 0.1563
4 0.1246 0.9537 0.1385
5 0.1001 0.9706 0.1242
6 0.0836 0.9774 0.1144
7 0.0705 0.9797 0.1048
8 0.0603 0.9853 0.0966
9 0.0516 0.9876 0.0930
10 0.0443 0.9887 0.0879
11 0.0385 0.9898 0.0840
12 0.0333 0.9944 0.0816
13 0.0286 0.9955 0.0798
14 0.0253 0.9955 0.0778
15 0.0220 0.9966 0.0766
16 0.0193 0.9966 0.0760
17 0.0172 0.9977 0.0743
18 0.0150 0.9989 0.0737
19 0.0135 1.0000 0.0740
"""

LR_005 = """
0 0.6731 0.6633 0.5722
1 0.3794 0.8588 0.3008
2 0.2480 0.9006 0.2269
3 0.2206 0.9119 0.2387
4 0.1658 0.9379 0.1636
5 0.1336 0.9480 0.1153
6 0.1002 0.9661 0.1133
7 0.0921 0.9684 0.1182
8 0.1630 0.9458 0.1444
9 0.0856 0.9672 0.1009
10 0.0706 0.9695 0.1147
11 0.0595 0.9763 0.1104
12 0.0509 0.9808 0.1056
13 0.0382 0.9842 0.1507
14 nan 0.5955 nan
15 nan 0.4870 nan
16 nan 0.4870 nan
17 nan 0.4870 nan
18 nan 0.4870 nan
19 nan 0.4870 nan
"""

ONE_LAYER = """
0 0.4672 0.7790 0.3603
1 0.3407 0.8692 0.3285
2 0.3133 0.8836 0.3140
3 0.2994 0.8866 0.3057
4 0.2908 0.8894 0.3004
5 0.2849 0.8917 0.2967
6 0.2807 0.8912 0.2942
7 0.2776 0.8932 0.2923
8 0.2751 0.8935 0.2910
9 0.2732 0.8927 0.2900
10 0.2716 0.8920 0.2893
11 0.2704 0.8923 0.2887
12 0.2693 0.8934 0.2884
13 0.2684 0.8939 0.2881
14 0.2676 0.8922 0.2879
15 0.2669 0.8915 0.2879
16 0.2663 0.8929 0.2878
17 0.2658 0.8938 0.2879
18 0.2653 0.8940 0.2879
19 0.2649 0.8952 0.2880
"""


def parse(table: str) -> list[list[str]]:
    """Rows of texts from a printed table.

    Examples
    --------
    >>> parse(TWO_LAYER)[0]
    ['0', '0.4412', '0.7944', '0.3620']
    """
    return [line.split() for line in table.strip().splitlines()]


TABLES = {"two-layer": parse(TWO_LAYER), "lr-0.05": parse(LR_005), "one-layer": parse(ONE_LAYER)}
"""Whole tables as they are printed: text, to the last digit."""

LAST_ROWS = {"minibatch-40": ["0.6953", "0.5034", "0.6974"]}
"""Last rows of runs whose whole table is not available."""


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
        result.exhibits.pictures.append(Picture("curves", "Training (blue) and test loss (orange)", curves(histories), (9, 9)))

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
    """Compare with the published table, or with its last row; where neither is available, claim nothing."""
    what, last = f"{name}, {len(rows)} epochs", " / ".join(rows[-1][1:])
    if name in TABLES:
        result.comparisons.append(identical_tables(what, TABLES[name], rows, COLUMNS))
        result.comparisons.append(identical(f"{name}, last row", " / ".join(TABLES[name][-1][1:]), last))
    elif name in LAST_ROWS:
        result.comparisons.append(identical(f"{name}, last row", " / ".join(LAST_ROWS[name]), last))
    else:
        result.comparisons.append(measured(f"{name}, last row", "", last, "its printed table is not available for comparison"))


def curves(histories: dict[str, list[dict[str, float]]]) -> Any:
    """Function that draws a panel for each run."""

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
