"""Association: whether the targets have anything to do with the inputs, asked of methods that need no training."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.data.dataset import Split
from clearprop.doctor.problem import Problem, holds_labels, labels_of
from clearprop.doctor.quantities.quantity import OfProblem
from clearprop.training.history import Row

ROWS = 600
NEIGHBOURS = 5


class Association(OfProblem):
    """For training and for validation: how well the nearest neighbours of an example tell its target, beyond chance.

    `link` is the correlation between the target (each class as a 0/1 column) and its mean over the nearest neighbours,
    itself left out; `chance` is what luck alone would rarely exceed.
    """

    name = "association"
    full = True

    def measure(self, problem: Problem) -> list[Row]:
        rows = []
        for name, split in (("train", problem.train), ("val", problem.val)):
            if split is None or len(split) < 40 or not np.isfinite(split.X).all():
                continue
            found = link(split, holds_labels(problem.train.y))
            rows.append({"split": name, "link": found, "chance": 3.0 / float(np.sqrt(min(len(split), ROWS)))})
        return rows


def link(split: Split, labels: bool) -> float:
    """Correlation of targets with the mean target of their nearest neighbours."""
    rows = np.random.default_rng(0).permutation(len(split))[:ROWS]
    X = split.X[rows].astype(np.float64)
    X = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-12)
    Y = columns(split.y[rows], labels)
    square = (X**2).sum(axis=1)
    distance = square[:, None] + square[None] - 2 * X @ X.T
    np.fill_diagonal(distance, np.inf)
    near = np.argpartition(distance, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    guess = Y[near].mean(axis=1)
    ridge = linear_guess(X, Y)
    return float(max(correlation(guess, Y), correlation(ridge, Y)))


def linear_guess(X: Array, Y: Array) -> Array:
    """Predictions of a ridge regression for each half of the rows, fitted on the other half."""
    half = len(X) // 2
    out = np.zeros_like(Y)
    for fit, use in ((slice(half), slice(half, None)), (slice(half, None), slice(half))):
        A = np.column_stack([X[fit], np.ones(len(X[fit]))])
        w = np.linalg.solve(A.T @ A + 0.1 * len(A) * np.eye(A.shape[1]), A.T @ Y[fit])
        out[use] = np.column_stack([X[use], np.ones(len(X[use]))]) @ w
    return out


def columns(y: Array, labels: bool) -> Array:
    """Targets as centred columns of numbers."""
    Y = np.eye(int(labels_of(y).max()) + 1)[labels_of(y)] if labels else y.astype(np.float64).reshape(len(y), -1)
    centred: Array = Y - Y.mean(axis=0)
    return centred


def correlation(a: Array, b: Array) -> float:
    """Over all numbers of two arrays whose columns are centred."""
    a = a - a.mean(axis=0)
    norm = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0
