"""Weights that start out alike."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.changes import last_linear, layers_of, with_layers
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, number
from clearprop.doctor.specimens import sound
from clearprop.nn import Linear, Normal


class ConstantInitialisation(Rule):
    """All units of a hidden layer start with the same weights, get the same gradients, and stay the same."""

    slug, tier, certain = "constant-initialisation", 1.6, True

    def find(self, chart: Chart) -> Finding | None:
        linear = [row for row in chart.rows("structure") if row.get("alike") is not None]
        bad = [row for row in linear[:-1] if row["alike"] == 0 and row["width"] > 1]
        if not bad:
            return None
        row = bad[0]
        return self.finding(
            f"All {row['width']} units of layer {row['layer']} start with the same weights ({number(row['spread'])} in size):"
            " they compute the same and stay the same, one unit's worth.",
            "Equal columns of W give equal activations and, behind equal weights, equal gradients dW_j: symmetry is kept by"
            " every step. (Zero biases do no harm, as the weights already differ.)",
            Remedy("draw the weights at random (He's or Xavier's rule)", ({"init": "default"},)),
            where=f"layer {row['layer']}",
            evidence={"layer": row["layer"], "units": row["width"], "size": row["spread"]},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether the units differ now, and the run is no worse."""
        return self.find(after) is None and not after.final > 1.05 * before.final + 0.02

    def plant(self, rng: np.random.Generator) -> Problem:
        problem = sound(rng)
        layers = layers_of(problem)
        for i in range(last_linear(layers) + 1):
            layer = layers[i]
            if isinstance(layer, Linear):
                value = float(rng.choice([0.0, 0.1, 1 / layer.n_in]))
                layers[i] = Linear(layer.n_in, layer.n_out, init=Normal(0.0, value))
        return with_layers(problem, layers, seed=0)
