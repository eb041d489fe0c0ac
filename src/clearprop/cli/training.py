"""One training run from the command line: train, then measure on every split."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.cli.console import plain
from clearprop.cli.progress import Progress
from clearprop.data import Dataset
from clearprop.data.dataset import Split
from clearprop.errors import NonFiniteWarning
from clearprop.export.model import Model
from clearprop.metrics import classification_metrics, regression_metrics
from clearprop.nn.loss import classes_of
from clearprop.training import Callback, Checkpoint, History, evaluate, fit
from clearprop.training.settings import Plan, Settings


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a run.

    Attributes
    ----------
    config : dict
        The contents of config.json.
    settings : Settings
    data : Dataset
        What figures are drawn from, as far as it is needed for that.
    model : Model
    history : History
    seconds : float
        Of training.
    metrics : dict of str to dict
        For each split, `examples`, `loss`, and the figures of `clearprop.metrics`, which are in the units of the raw target.
    """

    config: dict[str, Any]
    settings: Settings
    data: Dataset
    model: Model
    history: History
    seconds: float
    metrics: dict[str, dict[str, Any]]

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return (self.history.stopped or "").startswith("interrupted")

    def to_json(self) -> dict[str, Any]:
        """The one JSON object of `--json`."""
        history = self.history
        result: dict[str, Any] = plain(
            {
                "configuration": self.config,
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
        )
        return result


def carry_out(
    plan: Plan,
    settings: Settings,
    config: dict[str, Any],
    progress: Progress,
    checkpoint: Checkpoint | None = None,
    resume: Path | None = None,
) -> Outcome:
    """Train as planned, and measure."""
    callbacks: list[Callback] = [progress]
    callbacks += [extra for extra in (plan.early_stopping, checkpoint) if extra is not None]
    began = time.perf_counter()
    with warnings.catch_warnings(), progress.live():
        warnings.simplefilter("ignore", NonFiniteWarning)  # it is in the history, and printed from there
        history = fit(
            plan.net,
            plan.data,
            loss=plan.loss,
            optimizer=plan.optimizer,
            batch_size=settings.batch,
            epochs=settings.epochs,
            seed=settings.seed,
            engine=settings.engine,
            order=settings.order,
            remainder=settings.remainder,
            callbacks=callbacks,
            resume=resume,
        )
    seconds = time.perf_counter() - began
    model = Model.of(plan.net, plan.loss, plan.data)
    penalty = plan.optimizer.penalty(plan.net.theta)
    with np.errstate(all="ignore"):  # the last finite parameters may still give infinite outputs
        metrics = {name: measure(model, split, settings.engine or "batch", penalty) for name, split in plan.data.splits.items()}
    return Outcome(config, settings, to_be_shown(plan.data), model, history, seconds, metrics)


def to_be_shown(data: Dataset) -> Dataset:
    """The data that figures are drawn from: all in the plane, else the last split alone, so that memory is free again."""
    last = list(data.splits.values())[-1]
    return data if data.n_in == 2 else replace(data, splits={"train": last})


def measure(model: Model, split: Split, engine: str, penalty: float) -> dict[str, Any]:
    """The figures of one split."""
    loss = evaluate(model.net, split, model.loss, engine, penalty)["loss"]
    figures: dict[str, Any]
    if model.task == "classification":
        figures = classification_metrics(classes_of(split.y), model.predict(split.X), len(model.classes))
    else:
        y_hat = model.predict(split.X)
        finite = bool(np.isfinite(y_hat).all())
        figures = (
            regression_metrics(true_values(model, split), y_hat) if finite else dict.fromkeys(("r2", "rmse", "mae"), np.nan)
        )
    return {"examples": len(split), "loss": loss, **figures}


def true_values(model: Model, split: Split) -> Array:
    """The targets of a regression (N, n_y), in their own units."""
    return np.asarray(split.y if model.encoder is None else model.encoder.decode_target(split.y), dtype=np.float64)
