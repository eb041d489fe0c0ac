"""The doctor as a callback: it watches the run while that goes on, at the price of a look an epoch."""

from __future__ import annotations

from clearprop.doctor.diagnosis import Diagnosis, examine
from clearprop.doctor.monitor import Monitor
from clearprop.doctor.problem import Problem
from clearprop.doctor.quantities import OfMoment, quantities
from clearprop.nn import Net
from clearprop.optim import OPTIMIZERS
from clearprop.registry import choose
from clearprop.training import Callback, EarlyStopping, Run


class Doctor(Callback):
    """Watches a run, and says at its end what is wrong with it: `doctor.diagnosis`.

    At the cheap level that costs a forward and a backward pass of 512 examples an epoch. Only what looks wrong is then tried
    out on copies, which takes a few short runs; a healthy run is not repeated.

    Parameters
    ----------
    order, remainder, seed
        As given to `fit`, so that the copies see the same batches.
    metric : str
        The figure by which the run is judged.
    level : {"cheap", "full"}
        With "full", inputs are compared with targets too.

    Examples
    --------
    >>> import clearprop as cp
    >>> from clearprop.doctor.callback import Doctor
    >>> data, doctor = cp.data.load("circles", seed=0), Doctor()
    >>> net = cp.mlp([2, 10, 2], hidden="tanh")
    >>> history = cp.fit(net, data, optimizer=cp.SGD(0.3), batch_size=20, epochs=20, callbacks=[doctor])
    >>> doctor.diagnosis
    healthy
    """

    def __init__(
        self, order: str = "shuffle", remainder: str = "keep", seed: int = 0, metric: str = "", level: str = "cheap"
    ) -> None:
        self.order, self.remainder, self.seed, self.metric = order, remainder, seed, metric
        self.level = choose("level", level, ("cheap", "full"))
        self.diagnosis: Diagnosis | None = None
        self.monitor: Monitor | None = None
        self.first: Net | None = None

    def on_fit_start(self, run: Run) -> None:
        """Keep the untrained net, and look at it."""
        self.first = run.net.copy()
        self.monitor = Monitor(self.problem(run, self.first, None), self.level, still=False)
        self.monitor.look(run.net, 0, 0, end=True)

    def on_epoch_end(self, run: Run) -> None:
        """Look at the net."""
        assert self.monitor is not None
        self.monitor.look(run.net, run.epoch, run.optimizer.t // max(run.epoch, 1), end=True)

    def on_fit_end(self, run: Run) -> None:
        """Put together what was seen, and examine it."""
        assert self.monitor is not None
        assert self.first is not None
        steps = max(run.optimizer.t // max(run.epoch, 1), 1)
        problem = self.problem(run, self.first, -(-len(run.train) // steps))
        chart = Monitor(problem, self.level).chart  # now that the size of the batches is known
        for quantity in quantities():
            if isinstance(quantity, OfMoment):
                chart.add(quantity.name, self.monitor.chart.rows(quantity.name))
        if run.history.nonfinite is not None:
            chart.add("nonfinite", [dict(run.history.nonfinite)])
        self.diagnosis = examine(problem, self.level, chart)

    def problem(self, run: Run, net: Net, batch_size: int | None) -> Problem:
        """What `fit` was given."""
        patience = [callback.patience for callback in run.callbacks if isinstance(callback, EarlyStopping)]
        return Problem(
            net, run.train, run.loss, OPTIMIZERS.make(run.optimizer.config()), val=run.val, batch_size=batch_size,
            epochs=max(run.epoch, 1), seed=self.seed, order=self.order, remainder=self.remainder, metric=self.metric,
            patience=patience[0] if patience else None,
        )  # fmt: skip
