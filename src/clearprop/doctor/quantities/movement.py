"""Movement: how far the parameters have gone, beside their own size."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.quantities.quantity import Moment, OfMoment
from clearprop.training.history import Row


class Movement(OfMoment):
    """A row per parameter array: its size, and its change over the last epoch and since the start."""

    name = "movement"

    def measure(self, moment: Moment) -> list[Row]:
        rows: list[Row] = []
        if moment.theta_before is None:
            return rows
        start = 0
        places = {id(layer): i for i, layer in reversed(list(enumerate(moment.net.layers, 1)))}
        first = moment.problem.net.theta.astype(np.float64)
        for layer in moment.net.unique_layers():
            for name, array in layer.parameters().items():
                piece = slice(start, start + array.size)
                start += array.size
                now = array.ravel().astype(np.float64)
                size = float(np.sqrt((now**2).mean()))
                change = float(np.sqrt(((now - moment.theta_before[piece]) ** 2).mean()))
                total = float(np.sqrt(((now - first[piece]) ** 2).mean()))
                stamp = {**moment.stamp, "layer": places[id(layer)], "parameter": name}
                rows.append({**stamp, "size": size, "change": change, "total": total})
        return rows
