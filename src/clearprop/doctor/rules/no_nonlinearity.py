"""Linear layers with nothing between them."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.changes import last_linear, layers_of, with_layers
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule
from clearprop.doctor.specimens import sound
from clearprop.nn.activations import Activation

LINEAR = ("Linear", "Dropout", "BatchNorm", "WithoutWeights", "WithoutBias")


class NoNonlinearity(Rule):
    """Two linear layers in a row compute what one computes."""

    slug, tier, certain = "no-nonlinearity", 1.5, True

    def find(self, chart: Chart) -> Finding | None:
        previous: int | None = None
        for row in chart.rows("structure"):
            if row["kind"] == "Linear" and previous is not None:
                return self.told(previous, row["layer"])
            if row["kind"] == "Linear":
                previous = row["layer"]
            elif row["kind"] not in LINEAR:
                previous = None
        return None

    def told(self, first: int, second: int) -> Finding:
        """The sentence for two layers."""
        return self.finding(
            f"Between the linear layers {first} and {second} there is no activation: together they are one linear layer.",
            "(x W + b) V + c = x (W V) + (b V + c): a product of matrices is a matrix.",
            Remedy("put an activation between them", ({"activation": "relu"}, {"activation": "tanh"})),
            where=f"layers {first} and {second}",
            evidence={"layers": [first, second]},
        )

    def plant(self, rng: np.random.Generator) -> Problem:
        problem = sound(rng)
        layers = layers_of(problem)
        end = last_linear(layers)
        kept = [layer for i, layer in enumerate(layers) if i > end or not isinstance(layer, Activation)]
        return with_layers(problem, kept)
