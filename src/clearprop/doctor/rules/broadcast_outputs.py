"""Several outputs that are compared with one label."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.changes import last_linear, layers_of, with_layers
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule
from clearprop.doctor.specimens import sound
from clearprop.nn import LOSSES, Linear


class BroadcastOutputs(Rule):
    """(B, n) predictions against (B, 1) targets: n separate predictors, averaged."""

    slug, tier, certain = "broadcast-outputs", 1.0, True

    def find(self, chart: Chart) -> Finding | None:
        settings, targets = chart.one("settings"), chart.one("targets")
        if not settings.get("broadcast") or targets["columns"] != 1 or (targets["outputs"] or 1) < 2:
            return None
        n = targets["outputs"]
        return self.finding(
            f"{n} outputs are broadcast against one label: the net is {n} separate predictors of the same thing,"
            " whose losses are averaged.",
            "(B, n) - (B, 1) repeats the column n times; with no weight shared behind them, output j learns alone, as if the"
            " others were not there.",
            Remedy("give the net one output", ({"outputs": 1},)),
            where="output layer",
            evidence={"outputs": n, "label_columns": 1},
        )

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether the run still learns, with one answer for one question."""
        return self.find(after) is None and after.final < max(1.15 * before.final, 0.9 * after.base)

    def plant(self, rng: np.random.Generator) -> Problem:
        problem = sound(rng, kinds=("rings", "waves", "teacher", "regression"), losses=("bce", "logits"))
        layers = layers_of(problem)
        at = last_linear(layers)
        last = layers[at]
        assert isinstance(last, Linear)
        layers[at] = Linear(last.n_in, int(rng.integers(2, 33))).initialise(rng)
        loss = LOSSES.make(problem.loss.config() | {"broadcast": True})
        return with_layers(problem.but(loss=loss), layers)
