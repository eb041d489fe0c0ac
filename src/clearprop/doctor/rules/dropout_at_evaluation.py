"""Dropout that is left on while the net is judged."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.doctor.changes import layers_of, with_layers
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule
from clearprop.doctor.specimens import sound
from clearprop.nn import Dropout, Layer
from clearprop.nn.activations import Activation


class DropoutAtEvaluation(Rule):
    """The net, asked twice, gives two answers."""

    slug, tier, certain = "dropout-at-evaluation", 1.4, True

    def find(self, chart: Chart) -> Finding | None:
        row = chart.one("repeatability")
        if not row.get("difference"):
            return None
        return self.finding(
            f"Asked twice for the same 64 inputs, layer {row['layer']} ({row['repr']}) gives answers that differ by up to"
            f" {row['difference']:.2g}: it still drops units when the net is judged.",
            "y = m x with a random mask m has E[y] = x, but variance x^2 p / (1 - p): left on after training, that variance is"
            " pure error.",
            Remedy(
                "switch dropout off outside of training (training=False; in PyTorch, model.eval())",
                tuple({"dropout": rate} for rate in (0.2,)),
            ),
            where=f"layer {row['layer']}",
            evidence=row,
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether the net repeats itself now."""
        return self.find(after) is None and not after.rows("failure")

    def plant(self, rng: np.random.Generator) -> Problem:
        problem = sound(rng)
        layers: list[Layer] = []
        for layer in layers_of(problem)[:-1]:
            layers.append(layer)
            if isinstance(layer, Activation):
                layers.append(AlwaysOn(float(rng.uniform(0.1, 0.5))).initialise(rng))
        layers.append(layers_of(problem)[-1])
        return with_layers(problem, layers)


class AlwaysOn(Dropout):
    """A Dropout that does not ask whether it is training, as a user's own might."""

    def forward(self, x: Array, training: bool = False) -> tuple[Array, Array | None]:
        """m * x, always."""
        return super().forward(x, training=True)
