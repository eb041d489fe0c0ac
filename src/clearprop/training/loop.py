"""The training loop, with validation, callbacks and recovery from non-finite numbers."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.arguments import checked, names_checked
from clearprop.arrays import Array, describe, pair_of
from clearprop.data.batches import Order, Remainder, draw_order
from clearprop.data.dataset import Dataset, Split
from clearprop.engines import ENGINES, Engine, Steps
from clearprop.engines.compilations import Stopwatch
from clearprop.errors import DoubleSoftmaxWarning, NonFiniteWarning, OptionError, UnsupportedError
from clearprop.nn import LOSSES, CrossEntropy, Loss, Net, Softmax
from clearprop.optim import OPTIMIZERS, Optimizer
from clearprop.registry import switch
from clearprop.training.checkpoint import Checkpoint, resume_run
from clearprop.training.evaluation import as_split, figures
from clearprop.training.fit_settings import FitSettings, OnNonFinite, TrainMetrics
from clearprop.training.history import History, Row
from clearprop.training.nonfinite import first_bad_step, recover
from clearprop.training.run import Callback, Run
from clearprop.training.several_epochs import train_several_epochs
from clearprop.training.snapshot import Snapshot

LOG = logging.getLogger("clearprop")


@names_checked
def fit(
    net: Net,
    data: Dataset | Split | tuple[Array, Array],
    *,
    loss: Loss | str = "cross_entropy",
    optimizer: Optimizer | str = "sgd",
    batch_size: int | None = 32,
    epochs: int = 10,
    seed: int | np.random.Generator = 0,
    engine: Engine | str | None = None,
    order: Order = "shuffle",
    remainder: Remainder = "keep",
    validation: Split | tuple[Array, Array] | None = None,
    callbacks: Callback | Sequence[Callback] = (),
    train_metrics: TrainMetrics = "running",
    on_nonfinite: OnNonFinite = "stop",
    resume: str | Path | None = None,
    sample_weight: Array | None = None,
    keep_steps: bool = False,
) -> History:
    """Train `net`, in place.

    Parameters
    ----------
    net : Net
    data : Dataset, Split, or pair (X, y)
        X (N, n_x); y integer classes (N,), one-hot rows or real targets (N, n_y), as the loss takes them.
    loss, optimizer : object or name
        An optimizer starts afresh: its state from an earlier run is cleared.
    engine : object or name, optional
        By default "compiled", or "batch", with a line that says so, where that cannot train the net or is not installed.
    batch_size : int or None
        Examples per step: 1 for online descent; None for all of them at once, batch descent.
    epochs : int
        Passes over the data; with `resume`, those already done count.
    seed : int or numpy.random.Generator
        Seed for the order of the examples.
    order : {"shuffle", "sequential", "replacement"}
        A fresh permutation of the examples every epoch; as they are; or each drawn at random with replacement.
    remainder : {"keep", "drop"}
        Treatment of the last batch of an epoch, if it is short.
    validation : Split or pair (X, y), optional
        Measured after every epoch, but not learned from; by default the data set's own validation split.
    callbacks : Callback or sequence of Callback
        `EarlyStopping`, `Checkpoint`, or your own.
    train_metrics : {"running", "after"}
        Training loss and accuracy as means over the steps of the epoch, at no cost; or measured on all training data once
        it is over, like the validation figures.
    on_nonfinite : {"stop", "continue"}
        Whether a NaN or infinite loss ends the training. If so, the net gets its last finite parameters back, a
        `NonFiniteWarning` says in which epoch, step and layer the number appeared, and `history.nonfinite` keeps that.
    resume : path, optional
        A file written by `Checkpoint`, from which to go on.
    sample_weight : array (N,), optional
        Weight of each training example, zero or more. The weights are scaled to a mean of 1 over all of them, and enter
        both value and gradient of the loss: that of a batch is (sum of w_i l_i) / B, so that with one batch of all examples,
        an example of twice the weight is one that is there twice. Accuracies count every example once. The engines
        "compiled" and "batch" take weights.
    keep_steps : bool
        Whether `history.steps` keeps the loss of each batch, not only of each epoch.

    Returns
    -------
    History
        Also after Ctrl-C, which ends training and leaves what was learned so far in the net.

    Raises
    ------
    UnsupportedError
        If the engine cannot train this net with this loss and optimizer.
    ShapeError
        If the data do not fit the net, or the targets the loss.

    Examples
    --------
    >>> import clearprop as cp
    >>> data = cp.data.load("circles", seed=0)
    >>> net = cp.mlp([2, 10, 2], hidden="tanh", seed=0)
    >>> fit(net, data, optimizer=cp.SGD(lr=0.1), batch_size=10, epochs=3, seed=0)["epoch"]
    [1, 2, 3]
    """
    run = begin_run(
        net, data, loss=loss, optimizer=optimizer, batch_size=batch_size, epochs=epochs, seed=seed, engine=engine, order=order,
        remainder=remainder, validation=validation, callbacks=callbacks, train_metrics=train_metrics, on_nonfinite=on_nonfinite,
        sample_weight=sample_weight, keep_steps=keep_steps,
    )  # fmt: skip
    carry_out(run, resume)
    return run.history


@checked
def begin_run(
    net: Net,
    data: Dataset | Split | tuple[Array, Array],
    *,
    loss: Loss | str = "cross_entropy",
    optimizer: Optimizer | str = "sgd",
    engine: Engine | str | None = None,
    validation: Split | tuple[Array, Array] | None = None,
    callbacks: Callback | Sequence[Callback] = (),
    sample_weight: Array | None = None,
    keep_steps: bool = False,
    **settings: Any,
) -> Run:
    """The run that `fit` carries out, before its first epoch."""
    loss, optimizer = LOSSES.make(loss), OPTIMIZERS.make(optimizer)
    train, val = splits_of(data, validation)
    if sample_weight is not None:
        X, y = train if isinstance(train, Split) else pair_of("data", train)
        train = Split(X, y, sample_weight)
    chosen = choose_engine(engine, net, loss, optimizer)
    if not chosen.weighs and isinstance(train, Split) and train.weights is not None:
        raise UnsupportedError(f"The engine {chosen!r} takes no sample weights; use 'compiled' or 'batch'.")
    run = Run(
        net, loss, optimizer, chosen, FitSettings(**settings),
        as_split(train, net), None if val is None else as_split(val, net), in_order(callbacks),
        switch("keep_steps", keep_steps),
    )  # fmt: skip
    warn_of_double_softmax(net, loss)
    optimizer.reset()
    optimizer.biases = net.biases()
    return run


def carry_out(run: Run, resume: str | Path | None = None) -> None:
    """Train until the last epoch, an early stop, a non-finite loss, or Ctrl-C."""
    for callback in run.callbacks:
        callback.on_fit_start(run)
    if resume is not None:
        resume_run(run, resume)
    with suppress(KeyboardInterrupt):
        go_on(run)
    end_run(run)


def go_on(run: Run) -> None:
    """Epoch after epoch, until the run is finished."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        run.engine.prepare(run.net, run.loss, run.optimizer, run.settings.size(len(run.train)))
        while not run.finished:
            if not train_several_epochs(run):
                train_and_tell(run)


def end_run(run: Run) -> None:
    """Say so if the run was interrupted; tell the callbacks that it is over."""
    if not run.finished:
        run.stop(f"interrupted in epoch {run.epoch + 1}")
    for callback in run.callbacks:
        callback.on_fit_end(run)


def train_and_tell(run: Run) -> None:
    """One epoch, its row in the history, and the callbacks; a number that was not finite has stopped the run instead."""
    watch = Stopwatch()
    row = train_one_epoch(run)
    if row is not None:
        run.history.rows.append({**row, "seconds": watch.seconds()})
        for callback in run.callbacks:
            callback.on_epoch_end(run)


def train_one_epoch(run: Run) -> Row | None:
    """One pass over the data, and its figures; None if a number was not finite, which has ended the run."""
    settings, n = run.settings, len(run.train)
    size, before = settings.size(n), Snapshot.of(run)
    rows = draw_order(run.rng, n, size, settings.order, settings.remainder, run.engine.permutation)
    steps = run.train_in(rows, size)
    bad = first_bad_step(steps, run.net)
    if run.keep_steps:
        run.history.steps.extend(steps.losses[: None if bad is None else bad + 1].tolist())
    if bad is not None and settings.on_nonfinite == "stop":
        stop_nonfinite(run, recover(run, before, rows, size, bad))
        return None
    return {"epoch": run.epoch + 1, **epoch_figures(run, steps, len(rows))}


def epoch_figures(run: Run, steps: Steps, n: int) -> Row:
    """Losses, accuracies and learning rate of the epoch that has just ended, in which `n` examples were used."""
    size = run.settings.size(len(run.train))
    penalty = run.optimizer.penalty(run.net.theta) / (1 if run.loss.reduction == "mean" else size)
    if run.settings.train_metrics == "after":
        train = figures(run.net, run.train, run.loss, run.engine, penalty)
    else:
        value, n_correct = steps.totals(run.loss, n, size)
        train = {"loss": value / n + penalty, "accuracy": n_correct / n}
    val = {} if run.val is None else figures(run.net, run.val, run.loss, run.engine, penalty)
    found = {f"{split}_{name}": value for split, row in (("train", train), ("val", val)) for name, value in row.items()}
    found["lr"] = run.optimizer.rate(run.optimizer.t - 1)
    return {name: value for name, value in found.items() if not (name.endswith("accuracy") and math.isnan(value))}


def choose_engine(given: Engine | str | None, net: Net, loss: Loss, optimizer: Optimizer) -> Engine:
    """The engine that was asked for; without any, the compiled one if it can train the net, else the reference.

    Raises
    ------
    UnsupportedError
        If it cannot train this net with this loss and optimizer.
    MissingExtraError
        If the engine that was asked for needs a package that is not installed.
    """
    engine, note = ENGINES.fastest(net, loss, optimizer) if given is None else (ENGINES.make(given), None)
    if note is not None:
        LOG.warning(note)
    reason = engine.supports(net, loss, optimizer)
    if reason is not None:
        able = ENGINES.able(net, loss, optimizer)
        raise UnsupportedError(f"The engine {engine!r} cannot train this: {reason} Engines that can: {', '.join(able)}.")
    return engine


def splits_of(
    data: Dataset | Split | tuple[Array, Array], validation: Split | tuple[Array, Array] | None
) -> tuple[Split | tuple[Array, Array], Split | tuple[Array, Array] | None]:
    """The training and the validation examples; the latter are the data set's own unless others are given."""
    train, held_out = (data.train, data.splits.get("val")) if isinstance(data, Dataset) else (data, None)
    return train, held_out if validation is None else validation


def in_order(callbacks: Callback | Sequence[Callback]) -> list[Callback]:
    """The callbacks, checkpoints last: they write down the state that the others have after the epoch."""
    given = [callbacks] if isinstance(callbacks, Callback) else list(callbacks)
    for callback in given:
        if not isinstance(callback, Callback):
            raise OptionError(f"callbacks takes objects such as EarlyStopping(), not {describe(callback)}.")
    return sorted(given, key=lambda callback: isinstance(callback, Checkpoint))


def warn_of_double_softmax(net: Net, loss: Loss) -> None:
    """Say so if a net ends in Softmax under a loss that applies one itself."""
    if isinstance(net.layers[-1], Softmax) and isinstance(loss, CrossEntropy):
        warnings.warn(
            "The net ends in Softmax, and CrossEntropy applies softmax itself: leave out the layer, or use"
            " NegativeLogLikelihood.",
            DoubleSoftmaxWarning,
            stacklevel=6,
        )


def stop_nonfinite(run: Run, where: dict[str, Any]) -> None:
    """End the run, and say in the history and in a warning where the first non-finite number appeared."""
    reason = f"not finite in epoch {where['epoch']}, step {where['step']}, first in {where['place']}"
    run.history.nonfinite = where
    run.stop(reason)
    warnings.warn(
        f"Training stopped: {reason}. The net has its last finite parameters; try a smaller learning rate.",
        NonFiniteWarning,
        stacklevel=8,
    )
