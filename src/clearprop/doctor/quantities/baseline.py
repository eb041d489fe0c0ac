"""Baseline: the best that can be said without looking at the inputs, and what the untrained net says."""

from __future__ import annotations

import math

from clearprop.doctor.problem import Problem
from clearprop.doctor.quantities.quantity import OfProblem
from clearprop.doctor.scoring import base_score
from clearprop.training.history import Row


class Baseline(OfProblem):
    """One row: the score of the best constant (the entropy of the class shares; 1 for numbers), and ln C."""

    name = "baseline"

    def measure(self, problem: Problem) -> list[Row]:
        n = problem.net.n_out or 1
        return [{"score": base_score(problem), "uniform": math.log(max(n, 2))}]
