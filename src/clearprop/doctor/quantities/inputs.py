"""Inputs: mean, spread and range of the columns, missing numbers, constant and duplicate columns."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.doctor.problem import Problem
from clearprop.doctor.quantities.quantity import OfProblem
from clearprop.training.history import Row

ROWS = 4096  # that are looked at


class Inputs(OfProblem):
    """One row over all columns of the training inputs."""

    name = "inputs"

    def measure(self, problem: Problem) -> list[Row]:
        """Bad numbers are counted in all rows, moments are taken from some of them."""
        whole = problem.train.X
        X = whole[np.random.default_rng(0).permutation(len(whole))[:ROWS]].astype(np.float64)
        bad = np.zeros((1, 1), bool) if surely_finite(whole) else ~np.isfinite(whole)
        with np.errstate(all="ignore"):
            mean, std = X.mean(axis=0), X.std(axis=0)
            varying = std > 1e-12 * (np.abs(mean) + 1)
            moving = std[varying]
            first = X[: min(len(X), 64)]
            rms = float(np.sqrt((X[np.isfinite(X)] ** 2).mean())) if np.isfinite(X).any() else 0.0
        return [
            {
                "columns": X.shape[1],
                "bad": int(bad.sum()),
                "bad_columns": int(bad.any(axis=0).sum()),
                "bad_rows": int(bad.any(axis=1).sum()),
                "low": float(np.nanmin(X)) if X.size else 0.0,
                "high": float(np.nanmax(X)) if X.size else 0.0,
                "rms": rms,
                "constant": int((~varying & np.isfinite(mean)).sum()),
                "duplicates": int(X.shape[1] - len(np.unique(first, axis=1).T)),
                "smallest_spread": float(moving.min()) if len(moving) else 0.0,
                "middle_spread": float(np.median(moving)) if len(moving) else 0.0,
                "largest_spread": float(moving.max()) if len(moving) else 0.0,
                "middle_offset": float(np.median(np.abs(mean[varying]) / moving)) if len(moving) else 0.0,
            }
        ]


def surely_finite(X: Array) -> bool:
    """Whether the sum of squares is finite, which one fast pass tells: then every number is, though a sum may also overflow."""
    flat = X.reshape(-1)
    with np.errstate(all="ignore"):
        return bool(np.isfinite(np.dot(flat, flat)))
