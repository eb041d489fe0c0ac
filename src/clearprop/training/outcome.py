"""The outcome of a run: train as set up, then measure on every split.

The command line, sweeps and reports all take this one path: settings -> setup -> `fit` -> outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Dataset, Split
from clearprop.engines import Engine
from clearprop.engines.compilations import Stopwatch
from clearprop.export.model import Model
from clearprop.metrics import classification_metrics, regression_metrics
from clearprop.nn.loss import classes_of
from clearprop.training.evaluation import as_split, figures
from clearprop.training.history import History, Row
from clearprop.training.loop import choose_engine, fit
from clearprop.training.run import Callback
from clearprop.training.settings import Settings
from clearprop.training.setup import Setup


@dataclass(frozen=True, eq=False)
class Outcome:
    """The model that a run produced, with its history and its figures.

    Attributes
    ----------
    settings : Settings
    data : Dataset
    model : Model
    history : History
    seconds : float
        Time that training took, without that of compiling.
    metrics : dict of str to dict
        For each split, `examples`, `loss` and either `accuracy` or, where asked for, all figures of `clearprop.metrics`, which
        are in the units of the raw target.
    """

    settings: Settings
    data: Dataset
    model: Model
    history: History
    seconds: float
    metrics: dict[str, Row]

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the run."""
        return (self.history.stopped or "").startswith("interrupted")

    def reduced(self) -> Outcome:
        """The same outcome with the data that figures are drawn from: all in the plane, else one split.

        The training examples may fill most of the memory.
        """
        data = self.data
        last = list(data.splits.values())[-1]
        return self if data.n_in == 2 else replace(self, data=replace(data, splits={"train": last}))

    def to_json(self) -> dict[str, Any]:
        """The run as JSON-able values, but for its configuration."""
        history = self.history
        return {
            "history": history.rows,
            "metrics": self.metrics,
            "seconds": self.seconds,
            "epochs": len(history),
            "best_epoch": history.best_epoch,
            "stopped": history.stopped,
            "nonfinite": history.nonfinite,
            "parameters": int(self.model.net.theta.size),
            "classes": list(self.data.classes),
        }


def train(
    setup: Setup,
    callbacks: Sequence[Callback] = (),
    *,
    engine: Engine | None = None,
    resume: str | Path | None = None,
    validate: bool = True,
    thorough: bool = True,
) -> Outcome:
    """Train as set up, and measure on every split with the parameters that training left.

    Parameters
    ----------
    setup : Setup
        Its net and its optimizer are changed.
    callbacks : sequence of Callback
        Beside early stopping.
    engine : Engine, optional
        In place of the one that the settings name.
    resume : path, optional
        A checkpoint from which to go on.
    validate : bool
        Whether to measure on the validation examples after every epoch; early stopping does in any case.
    thorough : bool
        Whether to measure all figures of `clearprop.metrics`, or the loss and the accuracy alone.

    Examples
    --------
    >>> import clearprop as cp
    >>> from clearprop.training.settings import settings_for
    >>> from clearprop.training.setup import set_up
    >>> data = cp.data.load("circles", seed=0)
    >>> outcome = train(set_up(settings_for(data, epochs=2, engine="batch"), data))
    >>> outcome.metrics["test"]["examples"], len(outcome.history)
    (300, 2)
    """
    engine = choose_engine(engine or setup.settings.engine, setup.net, setup.loss, setup.optimizer)
    watch = Stopwatch()
    history = fit(setup.net, engine=engine, resume=resume, **arguments(setup, callbacks, validate))
    return measured(setup, engine, history, watch.seconds(), thorough)


def arguments(setup: Setup, callbacks: Sequence[Callback] = (), validate: bool = True) -> dict[str, Any]:
    """The arguments of `fit` for a setup, but for the net and the engine."""
    early = [] if setup.early_stopping is None else [setup.early_stopping]
    return {
        "data": setup.data if validate or early else setup.data.train,
        "loss": setup.loss,
        "optimizer": setup.optimizer,
        "callbacks": [*callbacks, *early],
        **setup.settings.fit.keywords(),
    }


def measured(setup: Setup, engine: Engine, history: History, seconds: float, thorough: bool = True) -> Outcome:
    """The outcome of a setup that was trained, measured on every split."""
    settings, data, net, loss = setup.settings, setup.data, setup.net, setup.loss
    model, penalty = Model.of(net, loss, data), setup.optimizer.penalty(net.theta)
    metrics: dict[str, Row] = {}
    with np.errstate(all="ignore"):  # the last finite parameters may still give infinite outputs
        for name, split in data.splits.items():
            found = figures(net, as_split(split, net), loss, engine, penalty)
            further = further_figures(model, split) if thorough else {}
            kept = {"loss": found["loss"]} if data.task == "regression" else found
            metrics[name] = {"examples": len(split), **kept, **further}
    return Outcome(settings, data, model, history, seconds, metrics)


def further_figures(model: Model, split: Split) -> Row:
    """The figures of one split that `clearprop.metrics` knows."""
    if model.task == "classification":
        return classification_metrics(classes_of(split.y), model.predict(split.X), len(model.classes))
    y_hat = model.predict(split.X)
    if not np.isfinite(y_hat).all():
        return dict.fromkeys(("r2", "rmse", "mae"), np.nan)
    return regression_metrics(true_values(model, split), y_hat)


def true_values(model: Model, split: Split) -> Array:
    """The targets of a regression (N, n_y), in their own units."""
    return np.asarray(split.y if model.encoder is None else model.encoder.decode_target(split.y), dtype=np.float64)
