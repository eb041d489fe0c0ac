"""A softmax over a single unit."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.changes import last_linear, layers_of, with_layers
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule
from clearprop.doctor.specimens import sound
from clearprop.nn import BinaryCrossEntropy, Softmax


class OneUnitSoftmax(Rule):
    """exp(z) / exp(z) is 1 whatever z is."""

    slug, tier, certain = "one-unit-softmax", 1.1, True

    def find(self, chart: Chart) -> Finding | None:
        bad = [row for row in chart.rows("structure") if row["kind"] == "Softmax" and row["width"] == 1]
        if not bad:
            return None
        return self.finding(
            f"Layer {bad[0]['layer']} is a softmax over one unit: it answers 1 for every input, and its derivative is 0.",
            "exp(z) / exp(z) = 1 for every z, so dL/dz = 0 and no weight ever moves.",
            Remedy("take a sigmoid (or logits with BinaryCrossEntropyWithLogits)", ({"output": "suited"},)),
            where=f"layer {bad[0]['layer']}",
            evidence={"layer": bad[0]["layer"], "width": 1},
        )

    def plant(self, rng: np.random.Generator) -> Problem:
        problem = sound(rng, kinds=("rings", "waves", "teacher"), losses=("bce", "logits"))
        layers = layers_of(problem)
        layers = [*layers[: last_linear(layers) + 1], Softmax()]
        return with_layers(problem.but(loss=BinaryCrossEntropy()), layers)
