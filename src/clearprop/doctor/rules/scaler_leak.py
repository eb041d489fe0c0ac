"""A scaler that was fitted on all data."""

from __future__ import annotations

import numpy as np

from clearprop.data.dataset import Split
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, number
from clearprop.doctor.specimens import sound


class ScalerLeak(Rule):
    """Training and held-out rows *together* have mean 0 and spread 1 in every column: the scaler saw them all."""

    slug, tier, certain = "scaler-leak", 0.5, True

    def find(self, chart: Chart) -> Finding | None:
        row = chart.one("splits")
        if not row or not row.get("all_off", 1.0) < 2e-4 or row["train_off"] < 20 * row["all_off"]:
            return None
        return self.finding(
            f"Training and held-out rows together have mean 0 and spread 1 in every column to {number(row['all_off'])},"
            f" the training rows alone only to {number(row['train_off'])}: the scaler was fitted on all of them.",
            "x' = (x - m) / s with m and s of all rows: every training input holds a little of the examples that are"
            " to judge it.",
            Remedy("fit the scaler on the training rows, and apply it to the others", ({"scale": "standard"},)),
            where="inputs",
            evidence=row,
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether the training rows alone are scaled now."""
        return self.find(after) is None

    def plant(self, rng: np.random.Generator) -> Problem:
        problem = sound(rng)
        assert problem.val is not None
        X = np.concatenate([problem.train.X, problem.val.X]).astype(np.float64)
        mean, std = X.mean(axis=0), X.std(axis=0)
        scaled = [Split(((s.X - mean) / std).astype(np.float32), s.y) for s in (problem.train, problem.val)]
        return problem.but(train=scaled[0], val=scaled[1])
