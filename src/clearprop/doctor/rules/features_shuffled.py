"""Inputs that were shuffled without their labels."""

from __future__ import annotations

import numpy as np

from clearprop.data.dataset import Split
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule
from clearprop.doctor.specimens import sound


class FeaturesShuffled(Rule):
    """Rows of X were put in another order than those of y: what is left has nothing to do with each other."""

    slug, tier, certain = "features-shuffled", 0.2, True

    def find(self, chart: Chart) -> Finding | None:
        found = {row["split"]: row for row in chart.rows("association")}
        train, val = found.get("train"), found.get("val")
        if train is None or val is None or train["link"] > train["chance"] or train["chance"] > 0.3:
            return None
        if val["link"] < 1.3 * val["chance"] or val["link"] < train["link"] + 0.2:
            return None
        return self.finding(
            f"In the training rows the neighbours of an example say nothing about its target (correlation {train['link']:.2f},"
            f" chance goes to {train['chance']:.2f}); in the validation rows they do ({val['link']:.2f}): X and y of"
            " the training"
            " rows are not in the same order.",
            "After a permutation of X alone, p(y | x) = p(y): the best that can be learned is the constant, and less"
            " is memory.",
            Remedy(
                "permute X and y with one and the same index; until then, only the validation rows can be learned from",
                ({"train_on": "val"},),
            ),
            where="training rows",
            evidence={"train": train, "val": val},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether what was learned holds on examples that were held out."""
        a, b = before.column("scores", "val"), after.column("scores", "val")
        return bool(a and b and b[-1] < 0.9 * a[-1])

    def plant(self, rng: np.random.Generator) -> Problem:
        problem = sound(rng, kinds=("blobs", "rings", "waves"))
        X = problem.train.X[rng.permutation(len(problem.train))]
        return problem.but(train=Split(X, problem.train.y))
