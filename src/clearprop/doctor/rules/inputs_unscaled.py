"""Inputs that are not scaled."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.changes import on_inputs
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, improved, number
from clearprop.doctor.specimens import planted

LARGE, SMALL, APART = 8.0, 0.03, 50.0


class InputsUnscaled(Rule):
    """Inputs much larger or smaller than 1, or columns of very different size."""

    slug, tier = "inputs-unscaled", 2.1

    def find(self, chart: Chart) -> Finding | None:
        row = chart.one("inputs")
        if not row or row["bad"] or row["rms"] == 0:
            return None
        apart = row["largest_spread"] / max(row["middle_spread"], 1e-30)
        if not (row["rms"] > LARGE or row["rms"] < SMALL or apart > APART or row["middle_offset"] > 20):
            return None
        saturated = [r for r in chart.rows("activations", epoch=0) if r.get("saturated", 0) > 0.5]
        also = f"; {100 * saturated[0]['saturated']:.1f} % of layer {saturated[0]['layer']} is saturated" if saturated else ""
        return self.finding(
            f"The inputs are not scaled: they run from {number(row['low'])} to {number(row['high'])},"
            f" {number(row['rms'])} in size;"
            f" the columns' spreads go from {number(row['smallest_spread'])} to {number(row['largest_spread'])}{also}.",
            "z = x W + b and dW = x^T dy both grow with x, so the size of the step that is safe falls with x^2, and one rate"
            " cannot suit columns of different size.",
            Remedy("give every column mean 0 and spread 1 (of the training rows)", ({"scale": "standard"},)),
            where="inputs",
            evidence=row,
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether it learns clearly better, or sooner."""
        return improved(before, after, 0.85)

    def plant(self, rng: np.random.Generator) -> Problem:
        def make(problem: Problem, k: int) -> Problem:
            n = problem.train.X.shape[1]
            way = rng.integers(3)
            factor = np.full(n, 10 ** rng.uniform(1.3, 3)) if way == 0 else 10 ** rng.uniform(-1, 3.5, n)
            if way == 2:
                factor = np.full(n, 10 ** rng.uniform(-3.5, -2))
            shift = rng.normal(size=n) * factor * (2.0 if way != 2 else 0.0)
            return on_inputs(problem, lambda X: (X * factor + shift).astype(np.float32))

        return planted(rng, make, lambda good, bad, base: bad > 2 * good + 0.1 * base)
