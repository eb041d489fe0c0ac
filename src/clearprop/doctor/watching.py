"""Watching: train a copy of the net as the settings say, with a monitor beside it."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.doctor.case import Case, frozen_parts
from clearprop.doctor.chart import Chart
from clearprop.doctor.monitor import Level, Monitor
from clearprop.engines import Batch, Steps
from clearprop.errors import ClearpropError, NonFiniteWarning
from clearprop.nn import Loss, Net
from clearprop.optim import Optimizer
from clearprop.training import Callback, History, Run
from clearprop.training.evaluation import as_split
from clearprop.training.loop import carry_out

DENSE = 60  # first steps that are looked at one by one
WORK = 4e10  # multiplications that a re-run may take; of a longer run only the first epochs are watched


class Observed(Batch):
    """The reference engine, with a monitor that looks at the net after each of the first steps."""

    def __init__(self, monitor: Monitor) -> None:
        self.monitor, self.done, self.epoch = monitor, 0, 0
        self.norms: list[float] = []

    def config(self) -> dict[str, Any]:
        """Its name alone; a monitor is no configuration."""
        return {"type": "Observed"}

    def train_epoch(
        self, net: Net, loss: Loss, optimizer: Optimizer, X: Array, y: Array, order: Array, batch_size: int
    ) -> Steps:
        """The steps of one epoch; the length of each gradient is kept."""
        return self._watched(net, loss, optimizer, X, y, None, order, batch_size)

    def train_weighted(
        self, net: Net, loss: Loss, optimizer: Optimizer, X: Array, y: Array, weights: Array, order: Array, batch_size: int
    ) -> Steps:
        """The same with a weight for each example."""
        return self._watched(net, loss, optimizer, X, y, weights, order, batch_size)

    def _watched(
        self, net: Net, loss: Loss, optimizer: Optimizer, X: Array, y: Array, w: Array | None, order: Array, batch_size: int
    ) -> Steps:
        losses, n_correct = [], []
        self.norms = []
        frozen = frozen_parts(net)
        for step, start in enumerate(range(0, len(order), batch_size), 1):
            rows = order[start : start + batch_size]
            if w is None:
                one = super().train_epoch(net, loss, optimizer, X, y, rows, batch_size)
            else:
                one = super().train_weighted(net, loss, optimizer, X, y, w, rows, batch_size)
            for part, values in frozen:
                net.theta[part] = values
            losses.append(one.losses[0])
            n_correct.append(one.n_correct[0])
            if self.done < DENSE:
                self.monitor.chart.add("steps", [{"epoch": self.epoch + 1, "step": step, "loss": float(one.losses[0])}])
            self.norms.append(float(np.sqrt(np.dot(net.grad, net.grad))) / (1 if loss.reduction == "mean" else batch_size))
            if self.done < DENSE and self.monitor.level == "full":
                self.monitor.look(net, self.epoch + 1, step, end=False)
            self.done += 1
        self.epoch += 1
        return Steps(np.array(losses, dtype=np.float64), np.array(n_correct, dtype=np.float64))


class Recorder(Callback):
    """Looks at the net when an epoch is over."""

    def __init__(self, monitor: Monitor, engine: Observed) -> None:
        self.monitor, self.engine = monitor, engine

    def config(self) -> dict[str, Any]:
        """Its name alone."""
        return {"type": "Recorder"}

    def on_fit_start(self, run: Run) -> None:
        """Look at the untrained net."""
        self.monitor.look(run.net, 0, 0, end=True)

    def on_epoch_end(self, run: Run) -> None:
        """Look, and keep the longest and the median gradient."""
        self.monitor.look(run.net, run.epoch, run.settings.steps(len(run.train)), end=True)
        norms = np.array(self.engine.norms)
        worst = int(np.nanargmax(norms)) if np.isfinite(norms).any() else 0
        row = {"epoch": run.epoch, "largest": float(norms[worst]), "median": float(np.median(norms)), "step": worst + 1}
        self.monitor.chart.add("lengths", [row])


def watch(case: Case, level: Level = "full", epochs: int | None = None) -> Chart:
    """The chart of a case: train a copy, and measure. NaNs are written down, and raise no warning.

    A case that clearprop refuses to train (targets that do not fit the loss, say) has a row under "failure".
    """
    monitor = Monitor(case, level)
    chart = monitor.chart
    try:
        if chart.one("inputs").get("bad"):
            chart.add("failure", [{"kind": "DataError", "words": "the inputs are not finite"}])
            return chart
        history = train_copy(case, monitor, epochs or affordable(case))
        if history.nonfinite is not None:
            chart.add("nonfinite", [dict(history.nonfinite)])
        chart.add("losses", [{"epoch": row["epoch"], "train_loss": row["train_loss"]} for row in history.rows])
    except (ClearpropError, ValueError, IndexError, TypeError) as error:
        chart.add("failure", [{"kind": type(error).__name__, "words": str(error)}])
    return chart


def train_copy(case: Case, monitor: Monitor, epochs: int) -> History:
    """Train a copy of the net with the settings of the case, on the same batches, up to the first non-finite number."""
    net, engine = case.net.copy(), Observed(monitor)
    settings = replace(case.fresh_settings(), epochs=epochs, on_nonfinite="stop")
    run = Run(
        net, case.loss, case.fresh_optimizer(), engine, settings, as_split(case.train, net),
        callbacks=[Recorder(monitor, engine)],
    )  # fmt: skip
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", NonFiniteWarning)
        carry_out(run)
    return run.history


def affordable(case: Case) -> int:
    """Epochs of the run that are watched: all of them, if that is not too much work."""
    an_epoch = 6.0 * len(case.train) * max(case.net.theta.size, 1000)
    return int(min(case.settings.epochs, max(3, WORK / an_epoch)))
