"""Scores: the curves of the run by one yardstick, and how the classes fare."""

from __future__ import annotations

import numpy as np

from clearprop.doctor.problem import holds_labels, labels_of
from clearprop.doctor.quantities.quantity import Moment, OfMoment
from clearprop.doctor.scoring import score
from clearprop.training.history import Row


class Scores(OfMoment):
    """One row a moment: score and accuracy on the sample of the training examples, and on the validation examples."""

    name = "scores"

    def measure(self, moment: Moment) -> list[Row]:
        problem = moment.problem
        train, accuracy = score(problem, moment.net, moment.sample)
        row = {**moment.stamp, "train": train, "accuracy": accuracy}
        if moment.held_out is not None:
            row["val"], row["val_accuracy"] = score(problem, moment.net, moment.held_out)
        if moment.epoch and holds_labels(problem.train.y):
            p = problem.loss.probabilities(moment.outputs[-1])
            y = labels_of(moment.sample.y)
            if p is not None and p.shape[1] > y.max():
                said = p.argmax(axis=1)
                recalls = [float((said[y == c] == c).mean()) for c in np.unique(y)]
                row["worst_recall"] = min(recalls)
                row["balanced"] = float(np.mean(recalls))
        return [row]
