"""Batches: what the rows of one epoch look like in the order in which they are visited."""

from __future__ import annotations

import numpy as np

from clearprop.data.batches import draw_order
from clearprop.doctor.problem import Problem, holds_labels, labels_of
from clearprop.doctor.quantities.quantity import OfProblem
from clearprop.training.history import Row


class Batches(OfProblem):
    """One row: lengths of runs of one label, and how many batches hold a single class."""

    name = "batches"

    def measure(self, problem: Problem) -> list[Row]:
        if not holds_labels(problem.train.y):
            return self.of_numbers(problem)
        order = draw_order(problem.seed, len(problem.train), problem.size, problem.order, "keep")
        y = labels_of(problem.train.y)[order]
        shares = np.bincount(y) / len(y)
        changes = int((y[1:] != y[:-1]).sum())
        pieces = [y[i : i + problem.size] for i in range(0, len(y), problem.size)]
        single = sum(len(np.unique(piece)) == 1 for piece in pieces)
        by_chance = float(sum(shares**problem.size))
        return [
            {
                "runs": changes + 1,
                "run": len(y) / (changes + 1),
                "expected_run": 1 / max(1 - float((shares**2).sum()), 1e-9),
                "batches": len(pieces),
                "single": single,
                "single_share": single / len(pieces),
                "single_by_chance": by_chance,
            }
        ]

    @staticmethod
    def of_numbers(problem: Problem) -> list[Row]:
        """For real targets, how alike neighbours are: the correlation of each with the next."""
        y = problem.train.y.astype(np.float64).reshape(len(problem.train), -1)[:, 0]
        y = y[draw_order(problem.seed, len(y), problem.size, problem.order, "keep")]
        if len(y) < 10 or y[1:].std() == 0 or y[:-1].std() == 0:
            return []
        batches = -(-len(y) // problem.size)
        return [{"neighbours": float(np.corrcoef(y[1:], y[:-1])[0, 1]), "batches": batches}]
