"""Watching: train a copy of the net as the settings say, with a monitor beside it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.doctor.chart import Chart
from clearprop.doctor.monitor import Monitor
from clearprop.doctor.problem import Problem
from clearprop.engines import Batch, Steps
from clearprop.errors import ClearpropError, DoubleSoftmaxWarning, NonFiniteWarning
from clearprop.nn import Loss, Net
from clearprop.optim import Optimizer
from clearprop.training import Callback, Run, fit

DENSE = 60  # first steps that are looked at one by one
WORK = 4e10  # multiplications that a re-run may cost; a longer run is watched only for so long


class Observed(Batch):
    """The reference engine, with a monitor that looks at the net after each of the first steps."""

    def __init__(self, monitor: Monitor) -> None:
        self.monitor, self.done, self.epoch = monitor, 0, 0
        self.norms: list[float] = []
        self.losses: list[float] = []

    def config(self) -> dict[str, Any]:
        """Its name alone; a monitor is no configuration."""
        return {"type": "Observed"}

    def train_epoch(
        self, net: Net, loss: Loss, optimizer: Optimizer, X: Array, y: Array, order: Array, batch_size: int
    ) -> Steps:
        """The steps of one epoch, each of which takes down its gradient's length."""
        losses, hits = [], []
        self.norms = []
        for step, start in enumerate(range(0, len(order), batch_size), 1):
            one = super().train_epoch(net, loss, optimizer, X, y, order[start : start + batch_size], batch_size)
            losses.append(one.losses[0])
            hits.append(one.hits[0])
            self.norms.append(float(np.sqrt(np.dot(net.grad, net.grad))) / (1 if loss.reduction == "mean" else batch_size))
            if self.done < DENSE and self.monitor.level == "full":
                self.monitor.look(net, self.epoch + 1, step, end=False)
            self.done += 1
        self.epoch += 1
        return Steps(np.array(losses, dtype=np.float64), np.array(hits, dtype=np.float64))


class Recorder(Callback):
    """Looks at the net when an epoch is over."""

    def __init__(self, monitor: Monitor, engine: Observed | None = None) -> None:
        self.monitor, self.engine = monitor, engine

    def config(self) -> dict[str, Any]:
        """Its name alone."""
        return {"type": "Recorder"}

    def on_fit_start(self, run: Run) -> None:
        """Look at the untrained net."""
        self.monitor.look(run.net, 0, 0, end=True)

    def on_epoch_end(self, run: Run) -> None:
        """Look, and keep the longest and the median gradient."""
        step = -(-len(run.train) // self.monitor.problem.size)
        self.monitor.look(run.net, run.epoch, step, end=True)
        if self.engine is not None and self.engine.norms:
            norms = np.array(self.engine.norms)
            worst = int(np.nanargmax(norms)) if np.isfinite(norms).any() else 0
            row = {"epoch": run.epoch, "largest": float(norms[worst]), "median": float(np.median(norms)), "step": worst + 1}
            self.monitor.chart.add("lengths", [row])


def watch(problem: Problem, level: str = "full", epochs: int | None = None) -> Chart:
    """Train a copy, measure, and tell no one about NaNs but the chart.

    A mistake that clearprop refuses (targets that do not fit the loss, say) is written down under "failure".
    """
    monitor = Monitor(problem, level)
    try:
        if monitor.chart.one("inputs").get("bad"):
            monitor.chart.add("failure", [{"kind": "DataError", "words": "the inputs are not finite"}])
            return monitor.chart
        engine = Observed(monitor)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", NonFiniteWarning)
            warnings.simplefilter("ignore", DoubleSoftmaxWarning)
            history = fit(
                problem.net.copy(),
                problem.train,
                loss=problem.loss,
                optimizer=problem.fresh_optimizer(),
                batch_size=problem.batch_size,
                epochs=epochs or affordable(problem),
                seed=problem.seed,
                order=problem.order,
                remainder=problem.remainder,
                engine=engine,
                callbacks=[Recorder(monitor, engine)],
            )
        if history.nonfinite is not None:
            monitor.chart.add("nonfinite", [dict(history.nonfinite)])
        monitor.chart.add("losses", [{"epoch": row["epoch"], "train_loss": row["train_loss"]} for row in history.rows])
    except (ClearpropError, ValueError, IndexError) as error:
        monitor.chart.add("failure", [{"kind": type(error).__name__, "words": str(error)}])
    return monitor.chart


def affordable(problem: Problem) -> int:
    """Epochs of the run that are watched: all of them, if that is not too much work."""
    an_epoch = 6.0 * len(problem.train) * max(problem.net.theta.size, 1000)
    return int(min(problem.epochs, max(3, WORK / an_epoch)))
