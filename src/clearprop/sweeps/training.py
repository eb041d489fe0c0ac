"""The trial of a sweep over a data source: one run of `clearprop train`, reduced to a row."""

from __future__ import annotations

import time
from dataclasses import fields, replace
from typing import Any

import numpy as np

from clearprop.data.dataset import Dataset, Split
from clearprop.engines import ENGINES, Engine
from clearprop.errors import OptionError
from clearprop.registry import count, unknown_name
from clearprop.sweeps.trial import Row
from clearprop.training import History, evaluate, fit
from clearprop.training.settings import Plan, Settings, plan, settings_for

KNOWN = [f.name for f in fields(Settings) if f.name != "seed"]


def train_trial(data: Dataset, seed: int, every_epoch: bool = False, examples: int | None = None, **given: Any) -> list[Row]:
    """Train once, and measure on every split.

    Parameters
    ----------
    data : Dataset
    seed : int
        For the first parameters, the order of the examples and, with `examples`, which ones are used.
    every_epoch : bool
        Whether to return the history, and not one row.
    examples : int, optional
        Train on so many examples, drawn at random, and not on all.
    **given
        Settings of `clearprop.training.settings.Settings`; the others are chosen for the data.

    Returns
    -------
    list of dict
        `train_loss`, `train_accuracy`, and so on for `val` and `test`, measured after training on the parameters that it
        left; `epochs_done`, `best_epoch`, `stopped`, `seconds`. If the loss became NaN or infinite, the losses are NaN, the
        accuracies those of the last finite parameters.

    Examples
    --------
    >>> import clearprop as cp
    >>> rows = train_trial(cp.data.load("circles"), seed=1, lr=0.1, optimizer="sgd", epochs=2)
    >>> rows[0]["epochs_done"], rows[0]["stopped"]
    (2, None)
    """
    if examples is not None:
        data = fewer(data, examples, seed)
    settings = settings_for(data, **given, seed=seed)
    planned = plan(settings, data)
    data, early = planned.data, planned.early_stopping
    # Validation after every epoch costs as much as it is worth only where somebody looks at it.
    watched = data if every_epoch or early is not None else data.train
    engine = single_threaded(settings.engine, planned)
    began = time.perf_counter()
    history = fit(
        planned.net, watched, loss=planned.loss, optimizer=planned.optimizer, batch_size=settings.batch,
        epochs=settings.epochs, seed=seed, engine=engine, order=settings.order, remainder=settings.remainder,
        callbacks=[] if early is None else [early],
    )  # fmt: skip
    seconds = time.perf_counter() - began
    if (history.stopped or "").startswith("interrupted"):
        raise KeyboardInterrupt  # which `fit` takes for a wish to keep what was learned; here it is a wish to end the sweep
    if every_epoch:
        return epoch_rows(history)
    penalty = planned.optimizer.penalty(planned.net.theta)
    row: Row = {}
    with np.errstate(all="ignore"):
        for name, split in data.splits.items():
            figures = evaluate(planned.net, split, planned.loss, engine, penalty)
            row |= {f"{name}_{key}": value for key, value in figures.items()}
    if history.nonfinite is not None:
        row |= {name: float("nan") for name in row if name.endswith("_loss")}
    if data.task == "regression":
        row = {name: value for name, value in row.items() if not name.endswith("_accuracy")}
    ending = {"epochs_done": len(history), "best_epoch": history.best_epoch, "stopped": history.stopped}
    return [{**row, **ending, "seconds": seconds}]


def single_threaded(name: str | None, planned: Plan) -> Engine:
    """The engine of a trial, in one thread: workers fill the machine already, and the bits depend on no number of threads.

    Without a name, the compiled one if it can train the net, and otherwise the reference.
    """
    if name is None:
        compiled = ENGINES.make({"type": "compiled", "threads": 1}) if "compiled" in ENGINES else ENGINES.make("batch")
        reason = compiled.supports(planned.net, planned.loss, planned.optimizer)
        return ENGINES.make("batch") if reason is not None else compiled
    return ENGINES.make({"type": name, "threads": 1} if "threads" in ENGINES.find(name).defaults() else name)


def epoch_rows(history: History) -> list[Row]:
    """The history with its ending; where training diverged, the epoch in which it did is a row of NaN."""
    rows = [dict(row) for row in history]
    if history.nonfinite is not None:
        rows.append({"epoch": len(rows) + 1, "train_loss": float("nan")})
    return [{**row, "stopped": history.stopped} for row in rows]


def fewer(data: Dataset, examples: int, seed: int) -> Dataset:
    """The data set with so many of its training examples, drawn at random."""
    n = len(data.train)
    examples = count("examples", examples)
    if examples > n:
        raise OptionError(f"examples must be at most the {n} training examples of {data.name}, not {examples}.")
    rows = np.sort(np.random.default_rng(np.random.SeedSequence([seed, 1])).permutation(n)[:examples])
    return replace(data, splits=data.splits | {"train": Split(data.train.X[rows], data.train.y[rows])})


def check_settings(data: Dataset, given: Row) -> None:
    """Raise whatever these settings would raise in a trial, now, and not after an hour."""
    for name in given:
        if name not in (*KNOWN, "examples"):
            raise OptionError(unknown_name("setting", name, [*KNOWN, "examples"]))
    given = dict(given)
    examples = given.pop("examples", None)
    if examples is not None:
        data = fewer(data, examples, 0)
    plan(settings_for(data, **given), data)
