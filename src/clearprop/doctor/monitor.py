"""The monitor: looks at a net through a fixed sample of the examples, and writes what it sees into a chart."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal, get_args

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Split
from clearprop.doctor.case import Case
from clearprop.doctor.chart import Chart
from clearprop.doctor.quantities import QUANTITIES, Moment, OfCase, OfMoment, OfSample
from clearprop.errors import ClearpropError
from clearprop.nn import Net
from clearprop.registry import choose

Level = Literal["cheap", "full"]
LEVELS: tuple[Level, ...] = get_args(Level)
SAMPLE: dict[Level, int] = {"cheap": 256, "full": 1024}  # examples that are looked at


class Monitor:
    """Measures a run. The net is left as it is, but for its gradients, which every training step clears.

    Parameters
    ----------
    case : Case
    level : {"cheap", "full"}
        With "full", a larger sample, and every quantity.
    still : bool
        Whether to measure now what does not change in training.

    Raises
    ------
    UnknownNameError
        If there is no such level.
    """

    def __init__(self, case: Case, level: Level = "full", still: bool = True) -> None:
        choose("level", level, LEVELS)
        self.case, self.level, self.chart = case, level, Chart()
        self.sample = sampled(case.train, SAMPLE[level])
        fits = case.val is not None and case.val.X.shape[1:] == case.train.X.shape[1:]
        self.held_out = sampled(case.val, SAMPLE[level]) if case.val is not None and fits else None
        self.of_moment = [q for q in QUANTITIES if isinstance(q, OfMoment)]
        self.theta: Array | None = None
        if still:
            self.look_once()

    def look_once(self) -> None:
        """Measure what does not change in training."""
        for quantity in QUANTITIES:
            if quantity.full and self.level != "full":
                continue
            # Parts that do not fit make a quantity impossible, and training too, which then says why.
            with suppress(ClearpropError), np.errstate(all="ignore"):
                if isinstance(quantity, OfCase):
                    self.chart.add(quantity.name, quantity.measure(self.case))
                elif isinstance(quantity, OfSample):
                    self.chart.add(quantity.name, quantity.measure(self.case, self.sample))

    def look(self, net: Net, epoch: int, step: int, end: bool) -> None:
        """Measure everything (at the end of an epoch, and at the start), or the dense quantities alone."""
        wanted = [q for q in self.of_moment if end or q.dense]
        with np.errstate(all="ignore"):
            moment = self.moment(net, epoch, step, end)
            if moment is None:
                return
            for quantity in wanted:
                self.chart.add(quantity.name, quantity.measure(moment))
        if end:
            self.theta = net.theta.astype(np.float64)

    def moment(self, net: Net, epoch: int, step: int, end: bool) -> Moment | None:
        """One forward pass, and at the end of an epoch a backward pass, of the sample; None if they are not finite."""
        a = self.sample.X.astype(net.dtype, copy=False)
        inputs, outputs, saved = [], [], []
        for layer in net.layers:
            inputs.append(a)
            a, kept = layer.forward(a)
            outputs.append(a)
            saved.append(kept)
        if not np.isfinite(a).all():
            return None
        backwards = end and (epoch <= 1 or self.level == "full")  # rules read the first gradients, and cheap is to be cheap
        gradients, deltas = self.derivatives(net, a, saved) if backwards else ([], [])
        return Moment(
            self.case, net, epoch, step, end, inputs, outputs, gradients, deltas, self.theta, self.sample, self.held_out
        )

    def derivatives(self, net: Net, y_hat: Array, saved: list[object]) -> tuple[list[dict[str, Array]], list[Array]]:
        """Gradients of each layer, and of its output, for the mean loss of the sample."""
        kept = self.case.loss.forward(y_hat, self.sample.y)[1]
        dy = self.case.loss.backward(kept)
        if self.case.loss.reduction == "sum":
            dy = dy / dy.dtype.type(len(y_hat))  # so that layers and runs can be compared whatever the sample
        held = net.grad.copy()
        net.zero_grad()
        deltas = []
        for layer, own in zip(reversed(net.layers), reversed(saved), strict=True):
            deltas.append(dy)
            dy = layer.backward(own, dy)
        gradients = [{name: g.copy() for name, g in layer.gradients().items()} for layer in net.layers]
        net.grad[:] = held
        return gradients, deltas[::-1]


def sampled(split: Split, n: int) -> Split:
    """At most n examples, the same ones every time, in the order of the rows."""
    if len(split) <= n:
        return split
    rows = np.sort(np.random.default_rng(0).permutation(len(split))[:n])
    return Split(split.X[rows], split.y[rows])
