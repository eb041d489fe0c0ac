"""The average of the weights over the epochs, which generalises better than the last of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.registry import count, number
from clearprop.training.run import Callback, Run


class WeightAverage(Callback):
    """Averages the parameters at the end of each epoch, from epoch `start` on, and leaves the net with the average.

    Without `decay`, all these epochs count alike (stochastic weight averaging): average <- average + (theta - average) / n.
    With it, older ones are forgotten (exponential moving average): average <- decay * average + (1 - decay) * theta.
    The training itself takes no notice. The running averages of a BatchNorm stay those of the last epoch.

    Sources: Izmailov et al., "Averaging weights leads to wider optima and better generalization", UAI 2018; Polyak and
    Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control and Optimization 30 (1992).

    Parameters
    ----------
    decay : float, optional
        At least 0 and below 1; None for the plain mean.
    start : int
        First epoch that counts.

    Attributes
    ----------
    average : array (P,) or None
        The average so far.
    n : int
        Epochs in it.

    Examples
    --------
    >>> import clearprop as cp
    >>> data, averaging = cp.data.load("circles", seed=0), cp.WeightAverage(start=3)
    >>> net = cp.mlp([2, 10, 2], seed=0)
    >>> history = cp.fit(net, data, epochs=5, callbacks=averaging)
    >>> averaging.n, bool((net.theta == averaging.average.astype("float32")).all())
    (3, True)
    """

    def __init__(self, decay: float | None = None, start: int = 1) -> None:
        self.decay = None if decay is None else number("decay", decay, lambda d: 0 <= d < 1, "at least 0 and below 1, or None")
        self.start = count("start", start)
        self.average: Array | None = None
        self.n = 0

    def on_fit_start(self, run: Run) -> None:
        """Begin anew."""
        self.average, self.n = None, 0

    def on_epoch_end(self, run: Run) -> None:
        """Take the parameters into the average."""
        if run.epoch < self.start:
            return
        theta, self.n = run.net.theta.astype(np.float64), self.n + 1
        if self.average is None:
            self.average = theta
        else:
            self.average += (theta - self.average) * (1 / self.n if self.decay is None else 1 - self.decay)

    def on_fit_end(self, run: Run) -> None:
        """Leave the net with the average."""
        if self.average is not None:
            run.net.theta = self.average

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        return {"n": self.n}, {} if self.average is None else {"average": self.average.copy()}

    def set_state(self, values: dict[str, Any], arrays: dict[str, Array]) -> None:
        self.n, self.average = int(values["n"]), arrays.get("average")
