"""Outputs: how different the net's answers are from one input to the next, layer by layer, and the extreme probabilities."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.quantities.quantity import Moment, OfMoment
from clearprop.training.history import Row


class Outputs(OfMoment):
    """One row: the spread of the answers over the inputs, the layer behind which it is lost, and the range of the answers."""

    name = "outputs"

    def measure(self, moment: Moment) -> list[Row]:
        a = moment.outputs[-1].astype(np.float64)
        across = float(a.std(axis=0).mean())
        row = {**moment.stamp, "across": across, "low": float(a.min()), "high": float(a.max())}
        row["size"] = float(np.abs(a).mean())
        lost = None
        for number, _, x, out in moment.layers():
            given, left = (float(v.astype(np.float64).std(axis=0).mean()) for v in (x, out))
            if lost is None and given > 1e-6 and left < 1e-6 * max(given, 1.0):
                lost = number
        return [{**row, "lost": lost}]
