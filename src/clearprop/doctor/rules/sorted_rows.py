"""Rows that lie sorted by their class, and are never shuffled."""

from __future__ import annotations

import numpy as np

from clearprop.data.dataset import Split
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem, holds_labels, labels_of
from clearprop.doctor.rules.rule import Rule
from clearprop.doctor.specimens import sound


class SortedRows(Rule):
    """Whole batches of one class, the same ones in every epoch."""

    slug, tier, certain = "sorted-rows", 1.7, True

    def find(self, chart: Chart) -> Finding | None:
        row, settings = chart.one("batches"), chart.one("settings")
        if settings.get("order") != "sequential" or row.get("batches", 0) < 3:
            return None
        if "neighbours" in row:
            if row["neighbours"] < 0.97:
                return None
            words = f"neighbouring targets are correlated by {row['neighbours']:.3f}"
        else:
            if row["run"] < 4 * row["expected_run"] or row["single_share"] < 0.3 or row["single_by_chance"] > 0.2:
                return None
            words = f"{row['single']} of {row['batches']} batches hold one class only (runs of {row['run']:.0f} equal labels)"
        return self.finding(
            f"The rows are sorted by their targets and never shuffled: {words}.",
            "The gradient of a batch estimates that of the whole only if the batch is a fair draw; one class at a"
            " time pulls the"
            " net to that class and back again.",
            Remedy("shuffle the rows anew in every epoch", ({"order": "shuffle"},)),
            where="order of the rows",
            evidence=row,
        )

    def plant(self, rng: np.random.Generator) -> Problem:
        problem = sound(rng)
        y = problem.train.y
        by = labels_of(y) if holds_labels(y) else y[:, 0]
        rows = np.argsort(by, kind="stable")
        smallest = int(np.bincount(by).min()) if holds_labels(y) else len(y)
        size = max(4, min(problem.size, smallest // 3))
        return problem.but(train=Split(problem.train.X[rows], y[rows]), order="sequential", batch_size=size)
