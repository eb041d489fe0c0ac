"""Inputs that do not vary."""

from __future__ import annotations

import numpy as np

from clearprop.data.dataset import Split
from clearprop.doctor.changes import fresh, layers_of, with_layers
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule
from clearprop.doctor.specimens import sound
from clearprop.nn import Linear


class InputsConstant(Rule):
    """Most columns are the same for every example."""

    slug, tier, certain = "inputs-constant", 0.3, True

    def find(self, chart: Chart) -> Finding | None:
        row = chart.one("inputs")
        if not row or row["constant"] <= 0.5 * row["columns"]:
            return None
        return self.finding(
            f"{row['constant']} of {row['columns']} input columns have the same value in every training example.",
            "A constant column c adds c W_i to every pre-activation: it is a second bias, and can tell no two examples apart.",
            Remedy("look at how the columns are read; drop those that are constant", ({"inputs": "drop"},)),
            where="inputs",
            evidence=row,
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether the run is no worse without those columns."""
        return not after.rows("failure") and after.final <= 1.1 * before.final + 0.02

    def plant(self, rng: np.random.Generator) -> Problem:
        problem = sound(rng)
        assert problem.val is not None
        more = problem.train.X.shape[1] + int(rng.integers(1, 10))
        values = rng.normal(size=more).astype(np.float32)

        def widened(split: Split) -> Split:
            return Split(np.hstack([split.X, np.tile(values, (len(split), 1))]), split.y)

        layers = layers_of(problem)
        first = layers[0]
        assert isinstance(first, Linear)
        layers[0] = fresh(first.n_in + more, first.n_out, layers[1] if len(layers) > 1 else None)
        wide = with_layers(problem, layers, problem.seed)
        return wide.but(train=widened(problem.train), val=widened(problem.val))
