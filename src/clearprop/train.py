"""Training: the loop, and around it what makes it safe to leave alone."""

from __future__ import annotations

import logging
import math
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.arrays import Array, describe
from clearprop.callbacks import Callback
from clearprop.checkpoint import Checkpoint, resume_run
from clearprop.data.batches import draw_order
from clearprop.data.dataset import Dataset, Split
from clearprop.engines import ENGINES, Engine, Steps
from clearprop.errors import DataError, NonFiniteWarning, UnsupportedError
from clearprop.history import History, Row
from clearprop.nn import LOSSES, Loss, Net
from clearprop.nonfinite import first_bad_step, recover
from clearprop.optim import OPTIMIZERS, Optimizer
from clearprop.registry import choose, count
from clearprop.run import Run
from clearprop.snapshot import Snapshot


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
    order: str = "shuffle",
    remainder: str = "keep",
    validation: Split | tuple[Array, Array] | None = None,
    callbacks: Sequence[Callback] = (),
    train_metrics: str = "running",
    on_nonfinite: str = "stop",
    resume: str | Path | None = None,
) -> History:
    """Train `net`, in place.

    Parameters
    ----------
    net : Net
    data : Dataset, Split, or pair (X, y)
        X (N, n_x); y integer classes (N,), one-hot rows or real targets (N, n_y), as the loss takes them.
    loss, optimizer : object or name
        An optimizer starts afresh: whatever it remembers of an earlier run is cleared.
    engine : object or name, optional
        By default "compiled", or "batch", with a line that says so, where that cannot train the net.
    batch_size : int or None
        Examples per step: 1 for online descent; None for all of them at once, batch descent.
    epochs : int
        Passes over the data; with `resume`, those already done count.
    seed : int or numpy.random.Generator
        From which the order of the examples is drawn.
    order : {"shuffle", "sequential", "replacement"}
        A fresh permutation of the examples every epoch; as they are; or each drawn at random with replacement.
    remainder : {"keep", "drop"}
        What happens to the last batch of an epoch, if it is short.
    validation : Split or pair (X, y), optional
        Measured after every epoch, but not learned from; by default the data set's own validation split.
    callbacks : sequence of Callback
        `EarlyStopping`, `Checkpoint`, or your own.
    train_metrics : {"running", "after"}
        Training loss and accuracy as means over the steps of the epoch, at no cost; or measured on all training data once
        it is over, like the validation figures.
    on_nonfinite : {"stop", "continue"}
        Whether a NaN or infinite loss ends the training. If so, the net gets its last finite parameters back, a
        `NonFiniteWarning` says in which epoch, step and layer the number appeared, and `history.nonfinite` keeps that.
    resume : path, optional
        A file written by `Checkpoint`, from which to go on.

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
    epochs = count("epochs", epochs)
    choose("train_metrics", train_metrics, ("running", "after"))
    choose("on_nonfinite", on_nonfinite, ("stop", "continue"))
    loss, optimizer = LOSSES.make(loss), OPTIMIZERS.make(optimizer)
    run = start(net, data, validation, loss, optimizer, choose_engine(engine, net, loss, optimizer))
    run.epochs, run.rng = epochs, np.random.default_rng(seed)
    run.callbacks = sorted(callbacks, key=lambda callback: isinstance(callback, Checkpoint))  # they keep the others' state
    size = len(run.train) if batch_size is None else min(count("batch_size", batch_size), len(run.train))
    for callback in run.callbacks:
        callback.on_fit_start(run)
    if resume is not None:
        resume_run(run, resume)

    with suppress(KeyboardInterrupt), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        while not run.finished:
            began = time.perf_counter()
            before = Snapshot.of(run)
            rows = draw_order(run.rng, len(run.train), size, order, remainder, run.engine.permutation)
            steps = run.engine.train_epoch(run.net, run.loss, run.optimizer, run.train.X, run.train.y, rows, size)
            bad = first_bad_step(steps, run.net)
            if bad is not None and on_nonfinite == "stop":
                stop_nonfinite(run, recover(run, before, rows, size, bad))
                break
            row = {"epoch": run.epoch + 1, **measure(run, steps, len(rows), size, train_metrics)}
            run.history.rows.append({**row, "seconds": time.perf_counter() - began})
            for callback in run.callbacks:
                callback.on_epoch_end(run)
    if not run.finished:
        run.stop(f"interrupted in epoch {run.epoch + 1}")
    for callback in run.callbacks:
        callback.on_fit_end(run)
    return run.history


def choose_engine(given: Engine | str | None, net: Net, loss: Loss, optimizer: Optimizer) -> Engine:
    """The engine that was asked for; without any, the compiled one if it can train the net, else the reference."""
    if given is not None:
        return ENGINES.make(given)
    compiled = ENGINES.make("compiled")
    reason = compiled.supports(net, loss, optimizer)
    if reason is None:
        return compiled
    logging.getLogger("clearprop").warning("Training on the engine 'batch'; 'compiled' cannot: %s", reason)
    return ENGINES.make("batch")


def start(
    net: Net,
    data: Dataset | Split | tuple[Array, Array],
    validation: Split | tuple[Array, Array] | None,
    loss: Loss,
    optimizer: Optimizer,
    engine: Engine,
) -> Run:
    """The run before its first epoch: data in the net's dtype, the optimizer at step 0, the engine able to do it."""
    train, held_out = (data.train, data.val) if isinstance(data, Dataset) else (data, None)
    val = held_out if validation is None else validation
    reason = engine.supports(net, loss, optimizer)
    if reason is not None:
        able = ENGINES.able(net, loss, optimizer)
        raise UnsupportedError(f"The engine {engine!r} cannot train this: {reason} Engines that can: {', '.join(able)}.")
    optimizer.reset()
    return Run(net, loss, optimizer, engine, as_split(train, net), None if val is None else as_split(val, net))


def as_split(given: Split | tuple[Array, Array], net: Net) -> Split:
    """X, and y unless it holds integer classes (N,), in the dtype of the net.

    Nothing is copied that has it already, nor a file that is mapped into memory, which may be larger than that.
    """
    mapped = isinstance(given[0] if isinstance(given, tuple) else given.X, np.memmap)
    X, y = (np.asarray(array) for array in given)
    if len(X) == 0:
        raise DataError(f"There are no examples to train or measure on: X is {describe(X)}.")
    return Split(X if mapped else X.astype(net.dtype, copy=False), y if y.ndim == 1 else y.astype(net.dtype, copy=False))


def measure(run: Run, steps: Steps, n: int, batch_size: int, train_metrics: str) -> Row:
    """The figures of the epoch that has just ended, in which `n` examples were used."""
    penalty = run.optimizer.penalty(run.net.theta) / (1 if run.loss.reduction == "mean" else batch_size)
    if train_metrics == "after":
        train = figures(run.net, run.train, run.loss, run.engine, penalty)
    else:
        value, hits = steps.totals(run.loss, n, batch_size)
        train = {"loss": value / n + penalty, "accuracy": hits / n}
    val = {} if run.val is None else figures(run.net, run.val, run.loss, run.engine, penalty)
    found = {f"{split}_{name}": value for split, row in (("train", train), ("val", val)) for name, value in row.items()}
    found["lr"] = run.optimizer.rate(run.optimizer.t - 1)
    return {name: value for name, value in found.items() if not (name.endswith("accuracy") and math.isnan(value))}


def stop_nonfinite(run: Run, where: dict[str, Any]) -> None:
    """End the run, and say in the history and in a warning where the first non-finite number appeared."""
    reason = f"not finite in epoch {where['epoch']}, step {where['step']}, first in {where['place']}"
    run.history.nonfinite = where
    run.stop(reason)
    warnings.warn(
        f"Training stopped: {reason}. The net has its last finite parameters; try a smaller learning rate.",
        NonFiniteWarning,
        stacklevel=3,
    )


def evaluate(
    net: Net,
    data: Split | tuple[Array, Array],
    loss: Loss | str = "cross_entropy",
    engine: Engine | str = "batch",
    penalty: float = 0.0,
) -> Row:
    """Loss and accuracy of a net, without changing it.

    Parameters
    ----------
    net : Net
    data : Split or pair (X, y)
    loss : Loss or str
    engine : Engine or str
    penalty : float
        Added to the loss: the L2 term, in the figures of training.

    Returns
    -------
    dict
        `loss`, per example, and `accuracy`, which is NaN for a loss without classes.

    Examples
    --------
    >>> import clearprop as cp
    >>> net = cp.mlp([2, 2], init="zeros")
    >>> evaluate(net, (np.ones((4, 2)), np.array([0, 1, 0, 0])))
    {'loss': 0.6931471824645996, 'accuracy': 0.75}
    """
    return figures(net, as_split(data, net), LOSSES.make(loss), ENGINES.make(engine), penalty)


def figures(net: Net, split: Split, loss: Loss, engine: Engine, penalty: float) -> Row:
    """`evaluate` for data in the dtype of the net."""
    value, hits = engine.measure(net, loss, split.X, split.y)
    return {"loss": value / len(split) + penalty, "accuracy": hits / len(split)}
