"""Regularisation so strong that the net cannot learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.doctor.changes import optimizer
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, improved, number
from clearprop.doctor.specimens import planted


class StrongRegularisation(Rule):
    """The penalty weighs more than the data."""

    slug, tier, because = "strong-regularisation", 3.2, ("inputs-unscaled", "diverging", "dropout-at-evaluation")

    def find(self, chart: Chart) -> Finding | None:
        settings = chart.one("settings")
        if not settings or not chart.final > 0.4 * chart.base:
            return None
        options: tuple[dict[str, Any], ...]
        if settings["weight_decay"] > 0:
            what, options = f"weight_decay={number(settings['weight_decay'])}", ({"optimizer": {"weight_decay": 0.0}},)
        elif settings["dropout"] >= 0.6:
            what, options = f"a dropout rate of {number(settings['dropout'])}", ({"dropout": 0.1},)
        else:
            return None
        shrunk = [row["size"] for row in chart.latest("movement") if row["parameter"] == "W"]
        return self.finding(
            f"The regularisation is too strong: with {what} the training loss stays at {number(chart.final)}"
            f" (a constant has {number(chart.base)}), and the weights at {number(min(shrunk, default=0.0))}.",
            "L + w |theta|^2 / 2 has its minimum where dL/dtheta = -w theta: a large w leaves no theta worth speaking of.",
            Remedy("weaken the regularisation", options),
            where="optimizer" if settings["weight_decay"] > 0 else "dropout",
            evidence={"weight_decay": settings["weight_decay"], "dropout": settings["dropout"]},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether it learns clearly more without, and what it learns holds."""
        a, b = before.column("scores", "val"), after.column("scores", "val")
        return improved(before, after, 0.6) and (not a or b[-1] < 0.95 * a[-1])

    def plant(self, rng: np.random.Generator) -> Problem:
        def make(problem: Problem, k: int) -> Problem:
            return optimizer(problem, {"weight_decay": float(10 ** rng.uniform(-1.2, 0))})

        return planted(rng, make, lambda good, bad, base: good < 0.35 * base and 0.75 * base < bad < 1.05 * base)
