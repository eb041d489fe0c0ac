"""Targets that are not what the loss takes, by their range or their numbering."""

from __future__ import annotations

import numpy as np

from clearprop.data.dataset import Split
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules.rule import Rule, number
from clearprop.doctor.specimens import sound


class LabelEncoding(Rule):
    """Classes must be 0 ... C - 1, yes and no 1 and 0, and numbers of a size that the net can reach."""

    slug, tier, certain = "label-encoding", 0.1, True

    def find(self, chart: Chart) -> Finding | None:
        row = chart.one("targets")
        low, high = row.get("low", 0.0), row.get("high", 0.0)
        if row.get("wanted") == "zeros and ones":
            if low < 0 or high > 1 or (row["labels"] and (low, high) != (0.0, 1.0)):
                return self.wrong(row, f"{number(low)} and {number(high)}", "0 and 1")
        elif row.get("wanted") == "classes":
            outputs = row.get("outputs") or 0
            if row["dims"] == 1 and (low < 0 or high >= outputs) and outputs > 1:
                return self.wrong(row, f"{number(low)} ... {number(high)}", f"0 ... {outputs - 1}, one for each output")
        elif row and not row["labels"] and row.get("spread", 1.0) > 0:
            spread, mean = row["spread"], abs(row["mean"])
            if spread > 25 or spread < 0.01 or mean > 15 * spread:
                return self.sizes(row)
        return None

    def wrong(self, row: dict[str, float], are: str, wanted: str) -> Finding:
        """Classes by other numbers than the loss counts with."""
        return self.finding(
            f"The labels are {are}, but the loss takes {wanted}.",
            "-(y log p + (1 - y) log(1 - p)) is a cross-entropy only for y in {0, 1}; with y = -1 or 2 it has no lower bound,"
            " and a class index picks one of the outputs, which are counted from 0.",
            Remedy("number the labels from 0", ({"labels": "renumber"},)),
            where="targets",
            evidence=row,
        )

    def sizes(self, row: dict[str, float]) -> Finding:
        """Numbers that are far from the size of the net's answers."""
        return self.finding(
            f"The targets have mean {number(row['mean'])} and spread {number(row['spread'])};"
            " a fresh net answers with numbers of size 1 around 0.",
            "The gradient of (y_hat - y)^2 is 2 (y_hat - y): its size, and so the right learning rate, goes with that of y.",
            Remedy("standardise the targets with the training mean and spread", ({"labels": "standard"},)),
            where="targets",
            evidence=row,
        )

    def plant(self, rng: np.random.Generator) -> Problem:
        way = rng.integers(3)
        if way == 0:
            problem = sound(rng, kinds=("regression",))
            factor, shift = float(10 ** rng.uniform(2, 4)), float(10 ** rng.uniform(0, 4))
            return recoded(problem, lambda y: y * np.float32(factor) + np.float32(shift))
        if way == 1:
            problem = sound(rng, kinds=("rings", "waves", "teacher"), losses=("bce", "logits"))
            return recoded(problem, lambda y: 2 * y - 1) if rng.random() < 0.5 else recoded(problem, lambda y: y + 1)
        problem = sound(rng, kinds=("blobs", "rings", "waves", "teacher"), losses=("cross_entropy", "nll"))
        return recoded(problem, lambda y: y + 1)


def recoded(problem: Problem, f: object) -> Problem:
    """The problem with f applied to the targets of all splits."""
    assert callable(f)
    assert problem.val is not None
    return problem.but(train=Split(problem.train.X, f(problem.train.y)), val=Split(problem.val.X, f(problem.val.y)))
