"""Gradients that explode."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.changes import last_linear, layers_of, with_layers
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, number
from clearprop.doctor.specimens import outcome, sound
from clearprop.nn import Linear, Normal


class ExplodingGradients(Rule):
    """The gradient grows from layer to layer on its way back."""

    slug, tier, because = "exploding-gradients", 2.15, ("inputs-unscaled",)

    def find(self, chart: Chart) -> Finding | None:
        rows = chart.rows("gradients", epoch=0)
        linear = [row for row in chart.rows("structure") if row.get("gain")]
        if len(rows) < 4 or len(linear) < 4:
            return None
        gain = float(np.exp(np.mean([np.log(row["gain"]) for row in linear[:-1]])))
        seen = min(rows[0]["reaching"], rows[-1]["reaching"]) > 0  # a softmax or sigmoid blown up to 0 and 1 lets nothing back
        growth = rows[0]["reaching"] / rows[-1]["reaching"] if seen else gain ** (len(linear) - 1)
        if growth < 10 or not 1.4 < gain < 4:
            return None
        return self.finding(
            (
                f"The gradient explodes: it is {number(rows[-1]['reaching'])} at the last linear layer and"
                f" {number(rows[0]['reaching'])} at the first, {number(growth)} times as large"
                if seen
                else f"The activations explode, {number(growth)}-fold, and with them the gradient"
            )
            + f" (each of {len(linear) - 1} hidden layers passes on {number(gain)} x what it gets).",
            "dx = dy W^T: the gradient is multiplied by the gain of every layer, so gain^depth reaches the first.",
            Remedy(
                "draw the weights by He's or Xavier's rule (or clip the gradient)",
                ({"init": "default"}, {"optimizer": {"clip_norm": 1.0}}),
            ),
            where="all layers",
            evidence={"growth": growth, "gain": gain, "reaching": [row["reaching"] for row in rows]},
        )

    def plant(self, rng: np.random.Generator) -> Problem:
        for k in range(100):
            problem = sound(rng, activations=("relu",), depth=(5, 8), kinds=("blobs", "teacher", "waves"))
            layers = layers_of(problem)
            gain = float(rng.uniform(1.8, 3.2))
            for i in range(last_linear(layers) + 1):
                layer = layers[i]
                if isinstance(layer, Linear):
                    layers[i] = Linear(layer.n_in, layer.n_out, init=Normal(gain * (2 / layer.n_in) ** 0.5))
            faulty = with_layers(problem, layers, problem.seed)
            good = outcome(problem)
            if (good < 0.4 and outcome(faulty) > 2 * good + 0.1) or k == 99:
                return faulty
        return problem
