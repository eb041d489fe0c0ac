"""The doctor as a callback: it watches the run while that goes on, at the price of a look an epoch."""

from __future__ import annotations

import copy

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped, unused-ignore]

from clearprop.doctor.case import Case
from clearprop.doctor.diagnosis import Diagnosis, examine
from clearprop.doctor.monitor import LEVELS, Level, Monitor
from clearprop.doctor.quantities import QUANTITIES, OfMoment
from clearprop.optim import OPTIMIZERS
from clearprop.registry import choose
from clearprop.training import Callback, EarlyStopping, Run


class Doctor(Callback):
    """Watches a run, and says at its end what is wrong with it: `doctor.diagnosis`.

    At the cheap level that takes a forward pass of 256 examples an epoch, and of as many that are held out. Only for what
    looks wrong are remedies tried on copies, which takes a few short runs with the settings of this one; a healthy run is not
    repeated.

    Parameters
    ----------
    metric : str
        Figure by which the run is judged.
    level : {"cheap", "full"}
        With "full", inputs are compared with targets too.

    Attributes
    ----------
    case : Case
        The run as it is examined: the net before its first step, the settings of `fit`, and the epochs that ran.
    diagnosis : Diagnosis or None
        The verdict; None until the run is over.

    Examples
    --------
    >>> import clearprop as cp
    >>> data, doctor = cp.data.load("circles", seed=0), cp.Doctor()
    >>> net = cp.mlp([2, 10, 2], hidden="tanh")
    >>> history = cp.fit(net, data, optimizer=cp.SGD(0.3), batch_size=20, epochs=20, callbacks=[doctor])
    >>> doctor.diagnosis
    healthy
    """

    case: Case
    monitor: Monitor
    libraries: ThreadpoolController

    def __init__(self, metric: str = "", level: Level = "cheap") -> None:
        choose("level", level, LEVELS)
        self.metric, self.level = metric, level
        self.diagnosis: Diagnosis | None = None

    def on_fit_start(self, run: Run) -> None:
        """Keep the run as it is before its first step, and look at it."""
        patience = [callback.patience for callback in run.callbacks if isinstance(callback, EarlyStopping)]
        self.case = Case(
            run.net.copy(), run.train, run.loss, OPTIMIZERS.make(run.optimizer.config()), val=run.val,
            settings=copy.deepcopy(run.settings), metric=self.metric, patience=patience[0] if patience else None,
        )  # fmt: skip
        self.diagnosis = None
        self.monitor = Monitor(self.case, self.level, still=False)
        self.libraries = ThreadpoolController()
        self.look(run, step=0)

    def on_epoch_end(self, run: Run) -> None:
        """Look at the net."""
        self.look(run, run.settings.steps(len(run.train)))

    def look(self, run: Run, step: int) -> None:
        """Measure the net on one thread: products of a few hundred rows gain nothing from a second, and may wait for it."""
        with self.libraries.limit(limits=1, user_api="blas"):
            self.monitor.look(run.net, run.epoch if step else 0, step, end=True)

    def on_fit_end(self, run: Run) -> None:
        """Put together what was seen, and examine it."""
        self.case = self.case.but(epochs=max(run.epoch, 1))
        with self.libraries.limit(limits=1, user_api="blas"):
            chart = Monitor(self.case, self.level).chart  # now that it is known how many epochs there were
        for quantity in QUANTITIES:
            if isinstance(quantity, OfMoment):
                chart.add(quantity.name, self.monitor.chart.rows(quantity.name))
        if run.history.nonfinite is not None:
            chart.add("nonfinite", [dict(run.history.nonfinite)])
        self.diagnosis = examine(self.case, self.level, chart)
