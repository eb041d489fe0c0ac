"""A learning rate so low that the net hardly moves."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.changes import rate
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, improved, number
from clearprop.doctor.specimens import planted


class RateTooLow(Rule):
    """Each step moves the weights by next to nothing."""

    slug, tier = "rate-too-low", 3.3
    because = ("initial-scale", "vanishing-gradients", "saturated-units", "inputs-unscaled", "dead-relus")

    def find(self, chart: Chart) -> Finding | None:
        scores = chart.column("scores", "train")
        per_step = step_ratio(chart)
        if len(scores) < 2 or chart.final < 0.3 * chart.base or per_step is None or per_step > 1e-3:
            return None
        settings = chart.one("settings")
        return self.finding(
            f"The learning rate {number(settings['lr'])} is too low: a step moves the weights by {100 * per_step:.2g}"
            " % of their size,"
            f" and {settings['steps']} steps bring the loss from {number(scores[0])} to {number(scores[-1])}.",
            "theta_t - theta_0 = - sum of lr g: where lr |g| / |theta| is 1e-4, ten thousand steps are needed to"
            " change anything.",
            Remedy("raise the learning rate", ({"rate": 10.0}, {"rate": 100.0}, {"rate": 1000.0})),
            where="learning rate",
            evidence={"lr": settings["lr"], "per_step": per_step},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether it learns in the same time now."""
        return improved(before, after, 0.6)

    def plant(self, rng: np.random.Generator) -> Problem:
        def make(problem: Problem, k: int) -> Problem:
            return rate(problem, float(10 ** rng.uniform(-3.5, -2)))

        return planted(rng, make, lambda good, bad, base: good < 0.4 * base and bad > 0.7 * base)


def step_ratio(chart: Chart) -> float | None:
    """By which share of its size the fastest weight matrix moves in a step of the first epoch."""
    rows = [row for row in chart.rows("movement", epoch=1, parameter="W") if row["size"] > 0]
    settings = chart.one("settings")
    if not rows or not settings:
        return None
    steps = max(settings["steps"] / settings["epochs"], 1)
    return float(max(row["change"] / row["size"] for row in rows) / steps)
