"""Targets: their kind, range and shares."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.problem import Problem, holds_labels
from clearprop.doctor.quantities.quantity import OfProblem
from clearprop.nn import BinaryCrossEntropy, BinaryCrossEntropyWithLogits, CrossEntropy, NegativeLogLikelihood
from clearprop.nn.loss import classes_of
from clearprop.training.history import Row


class Targets(OfProblem):
    """One row: what the targets are, beside what the loss takes."""

    name = "targets"

    def measure(self, problem: Problem) -> list[Row]:
        y = problem.train.y
        labels = holds_labels(y)
        row: Row = {"dims": y.ndim, "columns": 1 if y.ndim == 1 else y.shape[1], "labels": labels, "kind": y.dtype.kind}
        row["outputs"] = problem.net.n_out
        loss = problem.loss
        row["wanted"] = "numbers"
        if isinstance(loss, (BinaryCrossEntropy, BinaryCrossEntropyWithLogits)):
            row["wanted"] = "zeros and ones"
        elif isinstance(loss, (CrossEntropy, NegativeLogLikelihood)):
            row["wanted"] = "classes"
        if y.dtype.kind in "iufb":
            values = y.astype(np.float64)
            row |= {"low": float(values.min()), "high": float(values.max()), "mean": float(values.mean(axis=0).mean())}
            row |= {"spread": float(values.std(axis=0).mean()), "different": len(np.unique(y.reshape(-1)[:10_000]))}
        if labels:
            counts = np.unique(classes_of(y), return_counts=True)[1]
            row |= {"n_classes": len(counts), "largest": float(counts.max() / counts.sum())}
            row["smallest"] = float(counts.min() / counts.sum())
        return [row]
