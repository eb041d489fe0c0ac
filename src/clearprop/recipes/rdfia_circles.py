"""`rdfia-circles`: two rings, five batch sizes, six learning rates, two initialisations, forty seeds."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from clearprop.data.dataset import Split
from clearprop.engines import ENGINES
from clearprop.nn import CrossEntropy
from clearprop.recipes.course_data import CIRCLES, course_circles
from clearprop.recipes.exhibits import Table
from clearprop.recipes.published import HIGH, LOW, measured, shown, within
from clearprop.recipes.rdfia_circles_nan import first_nonfinite
from clearprop.recipes.rdfia_circles_pictures import add_pictures
from clearprop.recipes.rdfia_circles_runs import (
    BATCHES,
    CODE,
    COLUMNS,
    DIVERGING,
    EPOCHS,
    PUBLISHED,
    RATES,
    SECONDS,
    SPREADS,
    cell,
    circles_trial,
    make_circles_net,
    train_all,
)
from clearprop.recipes.recipe import Conditions, Recipe, Result, Row

if TYPE_CHECKING:
    pass

NAN_SEEDS = 11
BATCHES_TRIED = 200  # random batches whose gradients are compared with the whole one
CHANCE = 0.02  # a claim about all figures fails if chance alone would put as many of them outside less often than this


class RdfiaCircles(Recipe):
    """The grid over many seeds; each published figure beside the interval that must contain it."""

    name = "rdfia-circles"
    title = "Circles: batch sizes and learning rates"
    source = "Sorbonne University, RDFIA practical 1-b (2023, 2024)"
    configuration: ClassVar[dict[str, Any]] = {
        "data": "the course's circles.npz: 200 + 200 points, 2 classes",
        "net": "2-10-2, tanh, softmax cross-entropy, mean gradient",
        "initialisation": {"code": f"N(0, {CODE:.3f}^2), the figures' own", "text": "N(0, 0.3^2)", "biases": "as the weights"},
        "epochs": EPOCHS,
        "batch sizes": BATCHES,
        "learning rates": RATES,
        "seeds": 40,
    }
    needs = (CIRCLES,)
    duration = "a minute"

    def perform(self, result: Result) -> None:
        """The 5 x 6 grid over the seeds, for both initialisations."""
        conditions = result.conditions
        result.engine = conditions.fast_engine()
        data = course_circles(conditions.data_dir)
        circles_trial(data, 0, result.engine, 200, 0.1, "code", 1)  # compile before anything is timed
        rows: list[Row] = []
        seeds = conditions.n_seeds(40)
        for init in SPREADS:
            conditions.say(f"{len(BATCHES) * len(RATES)} settings x {seeds} seeds, initialisation of the {init}")
            rows += run_grid(data, init, seeds, result.engine, conditions)
        compare(result, rows, seeds)
        divergence(result, data, rows)
        explain(result, rows, seeds)
        gradient_noise(result, data[0])
        timing(result, data)
        result.exhibits.tables += [grid_table(rows, init, column) for init in SPREADS for column in COLUMNS]
        add_pictures(result, data, rows)


def run_grid(data: tuple[Split, Split], init: str, seeds: int, engine: str, conditions: Conditions) -> list[Row]:
    """All cells and seeds for one initialisation; in a quick run, only the cells with published figures."""
    grids: list[tuple[list[int], list[float]]] = [(BATCHES, RATES)]
    if conditions.quick:
        grids = [([batch_size], [lr]) for batch_size, lr in [*list(PUBLISHED)[1:], DIVERGING]]
    found: list[Row] = []
    for batches, rates in grids:
        # The names of the settings are part of what the seeds of the trials are drawn from: "batch" stays.
        found += conditions.sweep(circles_trial, {"init": [init], "batch": batches, "lr": rates}, seeds, data, engine)
    return found


def compare(result: Result, rows: list[Row], seeds: int) -> None:
    """Every published figure against the interval; those of the code's initialisation are judged together."""
    judged = seeds >= 20  # a handful of runs has no 5th percentile
    places: dict[str, list[str]] = {}
    for init in SPREADS:
        for (batch_size, lr), figures in PUBLISHED.items():
            found = cell(rows, init, batch_size, lr)
            for column, published in figures.items() if found else ():
                accuracy = column.endswith("accuracy")
                values = [row[column] * (100 if accuracy else 1) for row in found]
                name = f"batch {batch_size}, lr {lr:g}, {COLUMNS[column]}"
                form = "{:.1f} %" if accuracy else "{:.3f}"
                if init == "text":
                    result.comparisons.append(within(f"{name}, init of the text", published, values, form, False))
                    continue
                one = within(name, published, values, form, False, "")
                result.comparisons.append(one)
                side = "above" if published > np.nanmedian(values) else "below"
                for key in (one.verdict.partition(" the ")[0], f"{column} {side}"):
                    places.setdefault(key, []).append(name)
    judge_together(result, places, judged)


def judge_together(result: Result, places: dict[str, list[str]], judged: bool) -> None:
    """A claim on all figures at once: no more of them lie outside their intervals than one in ten each allows.

    An interval that holds nine of ten runs leaves out one in ten by its definition, so that of eleven figures one lies outside
    more often than not. The claim fails at a number that chance alone reaches in less than 2 % of cases, were they independent.
    """
    outside, edge = places.get("OUTSIDE", []), places.get("on the edge of", [])
    total = sum(len(figures) for figures in PUBLISHED.values())
    most = next(k for k in range(total) if tail(total, k + 1) < CHANCE)
    ours = f"{total - len(outside)} of {total}" + (f", {len(edge)} of them on an edge" if edge else "")
    result.comparisons.append(
        shown("published figures within their intervals", f"{total}", ours, len(outside) <= most,
              f"each interval leaves out one run in ten; up to {most} of {total} outside are chance", judged)
    )  # fmt: skip
    lower, upper = (len(places.get(f"train_loss {side}", [])) for side in ("below", "above"))
    result.exhibits.explain(
        "Which published figures lie on an edge or outside, and on which side?",
        f"Outside: {'; '.join(outside) or 'none'}. On an edge: {'; '.join(edge) or 'none'}. Of the four training losses, "
        f"{lower} lie below the median of our runs and {upper} above it: "
        + ("one run with a good start would explain that, as all four may share its seed." if lower * upper == 0
           else "they scatter about it."),
    )  # fmt: skip


def tail(n: int, k: int, p: float = 1 - (HIGH - LOW) / 100) -> float:
    """Probability that at least k of n independent figures lie outside, each with probability p.

    Examples
    --------
    >>> round(tail(2, 2), 10)
    0.01
    """
    return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))


def divergence(result: Result, data: tuple[Split, Split], rows: list[Row]) -> None:
    """Batch 1 at rate 5, in the write-up's own arithmetic and with a stable loss."""
    batch_size, lr = DIVERGING
    births = {
        shifted: [first_nonfinite(make_circles_net("code", s), data[0], lr, EPOCHS, s, shifted) for s in range(NAN_SEEDS)]
        for shifted in (False, True)
    }
    born = [birth for kind in births.values() for birth in kind if birth is not None]
    in_loss = [birth for birth in born if birth.where == "loss"]
    ours = f"NaN in {len(born)} of {2 * NAN_SEEDS} runs, first in the loss in {len(in_loss)}"
    because = "log(0) in its own loss, with finite scores and parameters"
    shows = len(in_loss) == 2 * NAN_SEEDS
    result.comparisons.append(shown(f"batch {batch_size}, lr {lr:g}", "diverges, NaN", ours, shows, because))
    found = cell(rows, "code", batch_size, lr)
    losses = [row["train_loss"] for row in found if not row["diverged"]]
    if not in_loss or not losses:
        return
    scores = [birth.score for birth in in_loss]
    plain, stable = ([birth for birth in kind if birth is not None] for kind in births.values())
    result.exhibits.explain(
        "Why does batch 1 at learning rate 5 end in NaN?",
        "Every step moves the scores by tens. In the write-up's own arithmetic, float32 and -sum y log(y_hat), the first "
        f"number that is not finite is born in epoch {in_loss[0].epoch}, step {in_loss[0].step} (seed 0): the smaller "
        f"probability is exactly 0, and y log 0 is 0 times minus infinity. Over {NAN_SEEDS} seeds the largest score of that "
        f"step lies between {min(scores):.0f} and {max(scores):.0f}, below the 88.7 at which exp overflows in float32, and no "
        f"parameter is lost: the loss alone is. Subtracting the largest score first does not help ({len(stable)} of "
        f"{NAN_SEEDS} runs with it, {len(plain)} of {NAN_SEEDS} without), since the quotient underflows all the same. A loss "
        "that is computed from the scores, log(sum exp(z)) - z_y, as clearprop's CrossEntropy does, stays finite in "
        f"{len(losses)} of {len(found)} runs; but the run fails none the less: the training loss at the end has the median "
        f"{np.median(losses):.1f} and reaches {max(losses):.1f}, where uniform guessing gives {math.log(2):.3f}.",
    )


def gradient_noise(result: Result, train: Split) -> None:
    """Distance of the gradient of a batch from that of all examples, at the start and after training."""
    ((trained, _),) = train_all((train, train), result.engine, [(10, 0.1)], EPOCHS)
    nets = {"at the start": make_circles_net("code", 0), "after training": trained}
    engine, loss, rng = ENGINES.make("batch"), CrossEntropy(), np.random.default_rng(0)
    rows: list[list[Any]] = []
    for batch_size in BATCHES[:-1]:
        line: list[Any] = [batch_size]
        for net in nets.values():
            _, whole = engine.loss_and_grad(net, loss, *train)
            off = []
            for _ in range(BATCHES_TRIED):
                rows_of_batch = rng.choice(len(train), batch_size, replace=False)
                _, grad = engine.loss_and_grad(net, loss, train.X[rows_of_batch], train.y[rows_of_batch])
                off.append(float(np.linalg.norm(grad - whole) / np.linalg.norm(whole)))
            line.append(float(np.sqrt(np.mean(np.square(off)))))
        rows.append(line)
    title = "Distance of a batch's gradient from the whole one, in lengths of the latter (root mean square)"
    result.exhibits.tables.append(Table(title, ["batch", *nets], rows, name="gradient-noise"))
    start, end = ([row[k] for row in rows] for k in (1, 2))
    result.exhibits.explain(
        "What does a batch that is too small do?",
        f"Its gradient is mostly noise. At the start the gradient of one example lies {start[0]:.1f} times the length of the "
        f"whole gradient away from it, that of 10 examples {start[1]:.2f}, of 100 {start[3]:.2f}: it falls with the root of "
        "the batch size, as the deviation of a mean does. After training the whole gradient is short, and the noise is "
        f"{end[0]:.1f}, {end[1]:.1f} and {end[3]:.1f} times its length: the smaller the batch, the smaller must the learning "
        "rate be for the parameters to come to rest.",
    )


def timing(result: Result, data: tuple[Split, Split]) -> None:
    """Seconds of one run with its curves: loss and accuracy on both sets after every epoch."""
    rows = []
    for batch_size, published in SECONDS.items():
        times = []
        for _ in range(2):
            began = time.perf_counter()
            train_all(data, result.engine, [(batch_size, 0.1)], EPOCHS)
            times.append(time.perf_counter() - began)
        ours = min(times)
        rows.append([batch_size, published, ours, published / ours])
        result.comparisons.append(
            measured(f"seconds of a run, batch {batch_size}", f"{published:g} s", f"{ours:.3g} s", f"x {published / ours:,.0f}")
        )
    result.exhibits.tables.append(
        Table("Seconds of one run of 150 epochs", ["batch", "published", "obtained", "times as fast"], rows, name="seconds")
    )


def grid_table(rows: list[Row], init: str, column: str) -> Table:
    """Medians over the seeds, batch sizes down, learning rates across; accuracies in per cent."""
    lines: list[list[Any]] = []
    for batch_size in BATCHES:
        line: list[Any] = [batch_size]
        for lr in RATES:
            found = cell(rows, init, batch_size, lr)
            values = [row[column] for row in found]
            diverged = sum(row["diverged"] for row in found)
            if not found:
                line.append(None)
            elif 2 * diverged > len(found):
                line.append("NaN")
            else:
                line.append(float(np.nanmedian(values)) * (100 if "accuracy" in column else 1))
        lines.append(line)
    unit = ", %" if "accuracy" in column else ""
    title = f"{COLUMNS[column]}{unit}: medians over the seeds, initialisation of the {init}"
    return Table(title, ["batch \\ lr", *map(str, RATES)], lines, name=f"{init}-{column}")


def explain(result: Result, rows: list[Row], seeds: int) -> None:
    """Explain the two initialisations, and batch size against learning rate."""
    figures = {}
    for init in SPREADS:
        found = cell(rows, init, 100, 1.0)
        figures[init] = [float(np.median([row[column] for row in found])) for column in list(COLUMNS)[:3]]
    code, text = figures["code"], figures["text"]
    result.exhibits.explain(
        "The text says N(0, 0.3^2), the code divides by the root of 0.3: which of them gave the figures?",
        f"At batch 100 and rate 1 the medians over {seeds} seeds are {100 * code[0]:.1f} / {100 * code[1]:.1f} / {code[2]:.3f} "
        f"(training and test accuracy in per cent, training loss) with the code's standard deviation of {CODE:.2f}, and "
        f"{100 * text[0]:.1f} / {100 * text[1]:.1f} / {text[2]:.3f} with the text's 0.3; published are 97.5 / 93.5 / 0.093. "
        "The figures are those of the code: from 0.3 the units start almost linear, and 150 epochs are too few to catch up.",
    )
    same = [cell(rows, "code", batch_size, lr) for batch_size, lr in PUBLISHED]
    medians = [float(np.median([row["train_loss"] for row in found])) for found in same if found]
    result.exhibits.explain(
        "Batch size against learning rate",
        "The published settings lie on the diagonal on which the learning rate grows with the batch, and their losses agree "
        f"(medians {', '.join(f'{value:.3f}' for value in medians)}): with a mean gradient, a tenth of the steps, each ten "
        "times as long, goes equally far. Off the diagonal a run is too slow (lower left of the tables) or unstable (upper "
        "right).",
    )
