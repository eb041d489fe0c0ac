"""A first loss that is far from what knowing nothing costs."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.changes import last_linear, layers_of, with_layers
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, improved, number
from clearprop.doctor.scoring import score
from clearprop.doctor.specimens import planted
from clearprop.nn import Linear, Normal


class InitialLoss(Rule):
    """An untrained net should cost ln C, or what the base rate costs; a much larger loss means that it is sure and wrong."""

    slug, tier = "initial-loss", 2.6
    because = (
        "inputs-unscaled",
        "initial-scale",
        "exploding-gradients",
        "label-encoding",
        "saturated-units",
        "output-mismatch",
    )

    def find(self, chart: Chart) -> Finding | None:
        scores, baseline = chart.column("scores", "train"), chart.one("baseline")
        if not scores or not baseline or not np.isfinite(scores[0]):
            return None
        settings = chart.one("settings")
        fair = max(baseline["score"], baseline["uniform"] if settings.get("classes") else 1.0)
        if scores[0] < (4 if settings.get("classes") else 10) * fair:
            return None
        return self.finding(
            f"The untrained net has a loss of {number(scores[0])}; knowing nothing costs {number(fair)}"
            f" ({'ln C' if settings.get('classes') else 'the variance of the target'}).",
            "A net that knows nothing should say p = 1 / C, which costs ln C; large last weights or biases make it sure and"
            " wrong, and the first steps go into unlearning that.",
            Remedy("draw the last layer's weights by Xavier's rule, with zero biases", ({"last_layer": "fresh"},)),
            where="output layer",
            evidence={"initial": scores[0], "fair": fair},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether it learns clearly sooner, or more."""
        return improved(before, after, 0.8)

    def plant(self, rng: np.random.Generator) -> Problem:
        def make(problem: Problem, k: int) -> Problem:
            layers = layers_of(problem)
            at = last_linear(layers)
            last = layers[at]
            assert isinstance(last, Linear)
            size = float(rng.uniform(10, 30)) * (1 + k % 6)
            init, bias = (Normal(size / last.n_in**0.5), "zeros") if rng.random() < 0.5 else (last.init, Normal(size))
            for _ in range(20):
                layers[at] = Linear(last.n_in, last.n_out, init=init, bias_init=bias).initialise(rng)
                faulty = with_layers(problem, layers)
                if score(faulty, faulty.net, faulty.train)[0] > 12:
                    break
            return faulty

        kinds = ("blobs", "rings", "waves", "teacher", "regression")
        return planted(
            rng, make, lambda good, bad, base: bad > 1.5 * good + 0.1 * base, kinds=kinds, losses=("cross_entropy", "logits")
        )
