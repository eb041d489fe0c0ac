"""Inputs that are NaN or infinite."""

from __future__ import annotations

import numpy as np

from clearprop.data.dataset import Split
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule
from clearprop.doctor.specimens import sound


class InputsNaN(Rule):
    """NaN spreads: one missing number makes the whole example, then the loss, then every parameter NaN."""

    slug, tier, certain = "inputs-nan", 0.0, True

    def find(self, chart: Chart) -> Finding | None:
        row = chart.one("inputs")
        if not row.get("bad"):
            return None
        sentence = (
            f"{row['bad']} of the training inputs are NaN or infinite, in {row['bad_columns']} of {row['columns']} columns"
            f" and {row['bad_rows']} rows."
        )
        return self.finding(
            sentence,
            "NaN + x = NaN: one missing number reaches every unit, the loss, and with the first step every parameter.",
            Remedy(
                "put the column's mean (or nothing at all: drop the row) in place of what is missing", ({"inputs": "fill"},)
            ),
            where="inputs",
            evidence=row,
        )

    def plant(self, rng: np.random.Generator) -> Problem:
        problem = sound(rng)
        X = problem.train.X.copy()
        for _ in range(int(rng.integers(1, 20))):
            X[rng.integers(len(X)), rng.integers(X.shape[1])] = rng.choice([np.nan, np.inf])
        return problem.but(train=Split(X, problem.train.y))
