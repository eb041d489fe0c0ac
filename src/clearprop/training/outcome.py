"""The outcome of a run: train as set up, then measure on every split.

The command line, sweeps and reports all take this one path: settings -> setup -> `fit` -> outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Dataset, Split
from clearprop.data.task import is_uneven
from clearprop.engines import Engine
from clearprop.engines.compilations import Stopwatch
from clearprop.export.model import Model
from clearprop.metrics import average_precision, calibration_metrics, classification_metrics, regression_metrics
from clearprop.nn.loss import classes_of
from clearprop.training.evaluation import as_split, figures
from clearprop.training.history import History, Row
from clearprop.training.loop import choose_engine, fit
from clearprop.training.manifest import manifest_of
from clearprop.training.run import Callback
from clearprop.training.settings import Settings
from clearprop.training.settings_search import Searched, Told, search
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
    members : int
        Number of networks of which the model is the average.
    tried : list of dict
        After a search: the settings that were tried, best first.
    manifest : dict
        Conditions of the bits beside the configuration; see `training.manifest`.
    """

    settings: Settings
    data: Dataset
    model: Model
    history: History
    seconds: float
    metrics: dict[str, Row]
    members: int = 1
    tried: list[dict[str, Any]] = field(default_factory=list)
    manifest: dict[str, Any] = field(default_factory=dict)

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
            **({"search": {"networks": self.members, "tried": self.tried}} if self.tried else {}),
        }


def train(
    setup: Setup,
    callbacks: Sequence[Callback] = (),
    *,
    engine: Engine | None = None,
    resume: str | Path | None = None,
    validate: bool = True,
    thorough: bool = True,
    told: Told | None = None,
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
    told : callable, optional
        Of a search for settings: called as told(progress) again and again.

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
    if setup.settings.effort != "quick":
        return train_several(setup, thorough, told)
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
    metrics = split_figures(model, data, engine, penalty, thorough)
    manifest = manifest_of(engine, data, net) if thorough else {}
    return Outcome(settings, data, model, history, seconds, metrics, manifest=manifest)


def split_figures(model: Model, data: Dataset, engine: Engine, penalty: float, thorough: bool) -> dict[str, Row]:
    """The figures of each split."""
    net, metrics = model.net, {}
    with np.errstate(all="ignore"):  # the last finite parameters may still give infinite outputs
        for name, split in data.splits.items():
            found = figures(net, as_split(split, net), model.loss, engine, penalty)
            further = further_figures(model, split) if thorough else {}
            kept = {"loss": found["loss"]} if data.task == "regression" else found
            metrics[name] = {"examples": len(split), **kept, **further}
    return metrics


def train_several(setup: Setup, thorough: bool = True, told: Told | None = None) -> Outcome:
    """Search for good settings, and measure the average of the best networks.

    The figures of "train" are those of all rows that were learned from. Those of "val" come from the same rows, each predicted
    by the one network that has not seen it, so they are a little worse than the average would be.
    """
    watch = Stopwatch()
    found = search(setup, told)
    seconds = watch.seconds()
    data, loss = found.data, setup.loss
    model, engine = Model.of(found.net, loss, data), choose_engine(None, found.net, loss, setup.optimizer)
    metrics = split_figures(model, data, engine, 0.0, thorough)
    with np.errstate(all="ignore"):
        if "test" in metrics:
            metrics = {"train": metrics["train"], "val": held_out_figures(model, found, thorough), "test": metrics["test"]}
    manifest = manifest_of(engine, data, found.net) if thorough else {}
    return Outcome(found.settings, data, model, found.history, seconds, metrics, found.members, found.tried, manifest)


def held_out_figures(model: Model, found: Searched, thorough: bool) -> Row:
    """Figures of the rows that were held out in turn, from the networks that have not seen them."""
    rows, outputs = found.held_out
    y, loss = found.data.train.y[rows], model.loss
    value = float(loss.forward(outputs, y.astype(outputs.dtype) if y.dtype.kind == "f" else y)[0])
    row: Row = {"examples": len(rows), "loss": value / (1 if loss.reduction == "mean" else len(rows))}
    if model.task == "regression":
        encoder = model.encoder
        true, predicted = (y, outputs) if encoder is None else (encoder.decode_target(y), encoder.decode_target(outputs))
        return row | (regression_metrics(np.asarray(true, np.float64), np.asarray(predicted, np.float64)) if thorough else {})
    p = loss.probabilities(outputs)
    assert p is not None
    full = class_figures(classes_of(y), p)
    return row | (full if thorough else {"accuracy": full["accuracy"]})


def further_figures(model: Model, split: Split) -> Row:
    """The figures of one split that `clearprop.metrics` knows."""
    if model.task == "classification":
        p = model.probabilities(split.X)
        return class_figures(classes_of(split.y), p)
    y_hat = model.predict(split.X)
    if not np.isfinite(y_hat).all():
        return dict.fromkeys(("r2", "rmse", "mae"), np.nan)
    return regression_metrics(true_values(model, split), y_hat)


def class_figures(y: Array, p: Array) -> Row:
    """Figures of classes (N,) against probabilities (N, C); for two very uneven ones the average precision of the rarer too."""
    found = classification_metrics(y, p.argmax(axis=1), p.shape[1]) | calibration_metrics(y.astype(np.int64), p)
    counts = np.array(found["confusion"]).sum(axis=1)
    rare = int(counts.argmin())
    if p.shape[1] == 2 and counts[rare] > 0 and is_uneven(counts):
        found["average_precision"] = average_precision(y == rare, p[:, rare])
    return found


def true_values(model: Model, split: Split) -> Array:
    """The targets of a regression (N, n_y), in their own units."""
    return np.asarray(split.y if model.encoder is None else model.encoder.decode_target(split.y), dtype=np.float64)
