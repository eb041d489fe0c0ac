"""Held-out examples that are in training too."""

from __future__ import annotations

import numpy as np

from clearprop.data.dataset import Split
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule
from clearprop.doctor.specimens import sound


class SplitOverlap(Rule):
    """Validation or test rows that the net was trained on."""

    slug, tier, certain = "split-overlap", 0.4, True

    def find(self, chart: Chart) -> Finding | None:
        bad = [
            row for row in chart.rows("splits") if row["share"] > 0.03 and row["share"] > 2 * row["own"] and row["shared"] > 2
        ]
        if not bad:
            return None
        row = max(bad, key=lambda row: float(row["share"]))
        return self.finding(
            f"{row['shared']} of the {row['examples']} {row['split']} examples ({100 * row['share']:.0f} %) are"
            " training examples"
            " too, number for number.",
            "E[loss on examples that were learned] < E[loss on new ones]: the figure measures memory in proportion to"
            " the share.",
            Remedy(f"take those rows out of {row['split']}", ({"split": "disjoint"},)),
            where=str(row["split"]),
            evidence=row,
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether no row is shared any more."""
        return self.find(after) is None

    def plant(self, rng: np.random.Generator) -> Problem:
        problem = sound(rng)
        assert problem.val is not None
        k = int(rng.uniform(0.1, 0.9) * len(problem.val))
        rows = rng.choice(len(problem.train), k)
        X = np.concatenate([problem.val.X[k:], problem.train.X[rows]])
        return problem.but(val=Split(X, np.concatenate([problem.val.y[k:], problem.train.y[rows]])))
