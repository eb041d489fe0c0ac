"""Splits: rows that training shares with the examples it is judged by, and whose figures the inputs were scaled with."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Split
from clearprop.doctor.problem import Problem
from clearprop.doctor.quantities.quantity import OfProblem
from clearprop.training.history import Row

MANY = 20_000  # training examples from which a scaler hardly notices who else it was fitted on


class Splits(OfProblem):
    """A row for each held-out split."""

    name = "splits"

    def measure(self, problem: Problem) -> list[Row]:
        if problem.val is None and problem.test is None:
            return []
        held = {"val": problem.val, "test": problem.test}
        rows = []
        known = hashes(problem.train.X)
        own = 1 - len(set(known)) / max(len(known), 1)
        for name, split in held.items():
            if split is None or split.X.shape[1:] != problem.train.X.shape[1:]:
                continue
            seen = set(known)
            shared = sum(item in seen for item in hashes(split.X))
            rows.append({"split": name, "examples": len(split), "shared": shared, "share": shared / len(split), "own": own})
        pooled = [split for split in held.values() if split is not None]
        if rows and pooled:
            rows[0] |= self.scaling(problem.train, pooled)
        return rows

    @staticmethod
    def scaling(train: Split, held: list[Split]) -> Row:
        """How far the column means and spreads are from exactly 0 and 1, of training alone and of everything together."""
        if len(train) > MANY:
            return {"train_off": float("inf"), "all_off": float("inf")}
        everything = np.concatenate([train.X, *(split.X for split in held)])
        return {"train_off": standardised(train.X), "all_off": standardised(everything)}


def standardised(X: Array) -> float:
    """Largest distance of a column's mean from 0, or of its standard deviation from 1; constant columns aside."""
    if not np.isfinite(X).all():
        return float("inf")
    X = X.astype(np.float64)
    std = X.std(axis=0)
    varying = std > 1e-9
    if not varying.any():
        return float("inf")
    return float(max(np.abs(X.mean(axis=0)[varying]).max(), np.abs(std[varying] - 1).max()))


def hashes(X: Array) -> list[int]:
    """A number for each row, the same for equal rows."""
    return [hash(row.tobytes()) for row in np.ascontiguousarray(X)]
