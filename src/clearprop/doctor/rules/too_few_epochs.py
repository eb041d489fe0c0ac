"""A run that was ended while it was still learning."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rate_too_low import step_ratio
from clearprop.doctor.rules.rule import Rule, improved, number
from clearprop.doctor.specimens import planted


class TooFewEpochs(Rule):
    """The loss still falls fast when training ends."""

    slug, tier = "too-few-epochs", 3.4
    because = (
        "rate-too-low",
        "initial-scale",
        "vanishing-gradients",
        "inputs-unscaled",
        "strong-regularisation",
        "saturated-units",
    )

    def find(self, chart: Chart) -> Finding | None:
        scores, settings = chart.column("scores", "train"), chart.one("settings")
        if len(scores) < 2 or not np.isfinite(chart.final) or chart.final < 0.3 * chart.base:
            return None
        fall = (scores[-2] - scores[-1]) / max(scores[-2], 1e-30)
        per_step = step_ratio(chart)
        if settings["steps"] > 250 or fall < 0.01 or per_step is None or per_step < 1e-4:
            return None
        n = settings["epochs"]
        return self.finding(
            f"Training ends too soon: after {n} epoch{'s' if n > 1 else ''} ({settings['steps']} steps) the loss is"
            f" {number(scores[-1])},"
            f" and it still fell by {100 * fall:.0f} % in the last one.",
            "Gradient descent closes a fixed share of the distance a step: what matters is the number of steps,"
            " epochs x N / B.",
            Remedy("train longer", ({"epochs": 4 * n}, {"epochs": 12 * n})),
            where="epochs",
            since=f"epoch {n}",
            evidence={"epochs": n, "steps": settings["steps"], "fall": fall},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether the longer run ends clearly lower, on held-out examples too."""
        a, b = before.column("scores", "val"), after.column("scores", "val")
        return improved(before, after, 0.6) and after.final < 0.6 * before.final and (not a or b[-1] < 0.9 * a[-1])

    def plant(self, rng: np.random.Generator) -> Problem:
        def make(problem: Problem, k: int) -> Problem:
            return problem.but(epochs=int(rng.integers(1, 4)))

        return planted(rng, make, lambda good, bad, base: good < 0.3 * base and bad > 0.5 * base and bad < 0.97 * base)
