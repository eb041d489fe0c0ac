"""Activations: per layer their mean, spread and zeros, the units that are dead for every example, and saturation."""

from __future__ import annotations

from clearprop.doctor.quantities.quantity import Moment, OfMoment
from clearprop.nn import ReLU, Sigmoid, Tanh
from clearprop.training.history import Row

FLAT = 0.02  # of the largest slope: beyond |z| = 5.3 for a sigmoid, 2.6 for tanh


class Activations(OfMoment):
    """A row per activation layer. `dead` counts units whose output is 0 for *all* examples of the sample; `saturated` is the
    share of examples x units at which the slope is below 2 % of its largest value.
    """

    name = "activations"
    dense = True

    def measure(self, moment: Moment) -> list[Row]:
        rows = []
        for number, layer, _, a in moment.layers():
            if not isinstance(layer, (ReLU, Sigmoid, Tanh)):
                continue
            row = {**moment.stamp, "layer": number, "kind": type(layer).__name__, "units": a.shape[1], "examples": len(a)}
            row["last"] = number >= len(moment.net.layers)
            if isinstance(layer, ReLU):
                alive = (a > 0).any(axis=0)
                row |= {"dead": int((~alive).sum()), "zeros": float((a == 0).mean())}
            else:
                slope = layer.df(a) * (4 if isinstance(layer, Sigmoid) else 1)
                row["saturated"] = float((slope < FLAT).mean())
            if moment.end:
                row |= {"mean": float(a.mean()), "spread": float(a.std()), "across": float(a.std(axis=0).mean())}
            rows.append(row)
        return rows
