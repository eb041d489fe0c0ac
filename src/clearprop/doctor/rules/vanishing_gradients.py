"""Gradients that vanish."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.changes import fresh, layers_of, with_layers
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, flat_epochs, number
from clearprop.doctor.specimens import outcome, sound
from clearprop.nn import Layer, Linear, Sigmoid


class VanishingGradients(Rule):
    """The gradient shrinks from layer to layer on its way back, and the first layers hardly learn."""

    slug, tier = "vanishing-gradients", 2.3
    because = ("inputs-unscaled", "saturated-units", "initial-scale", "constant-initialisation", "dead-relus")

    def find(self, chart: Chart) -> Finding | None:
        rows = list(chart.rows("gradients", epoch=0))
        if len(rows) < 3 or not rows[-1]["reaching"]:
            return None
        share = rows[0]["reaching"] / rows[-1]["reaching"]
        flat = flat_epochs(chart)
        if share > 0.02 or not (flat >= 2 or chart.final > 0.3 * chart.base):
            return None
        kinds = {row["kind"] for row in chart.rows("activations")}
        return self.finding(
            f"The gradient vanishes: of the {number(rows[-1]['reaching'])} at the last linear layer,"
            f" {number(rows[0]['reaching'])}"
            f" ({number(100 * share)} %) reach the first; the loss stays flat for {flat} epochs.",
            "dz = da f'(z) at every layer, and sigma' is at most 1/4 (tanh' at most 1): a product of depth such factors.",
            Remedy(
                "take ReLU (or tanh) with weights by He's (Xavier's) rule, or fewer layers",
                ({"activation": "relu"}, {"activation": "tanh"})
                if "Sigmoid" in kinds
                else ({"init": "default"}, {"activation": "relu"}),
            ),
            where="first layers",
            evidence={"share": share, "flat_epochs": flat, "reaching": [row["reaching"] for row in rows]},
        )

    def plant(self, rng: np.random.Generator) -> Problem:
        for k in range(100):
            problem = sound(rng, activations=("tanh",), depth=(1, 3), kinds=("blobs", "waves", "rings", "teacher"))
            layers = layers_of(problem)
            first = layers[0]
            assert isinstance(first, Linear)
            width = first.n_out
            deep: list[Layer] = [fresh(first.n_in, width, None)]
            for _ in range(int(rng.integers(3, 7))):
                deep += [Sigmoid(), fresh(width, width, None)]
            last = next(layer for layer in reversed(layers) if isinstance(layer, Linear))
            tail = layers[max(i for i, layer in enumerate(layers) if layer is last) + 1 :]
            deep += [Sigmoid(), Linear(width, last.n_out), *tail]
            faulty = with_layers(problem, deep, problem.seed)
            good = outcome(problem)
            if (good < 0.35 and outcome(faulty) > 2 * good + 0.2) or k == 99:
                return faulty
        return faulty
