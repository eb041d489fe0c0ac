"""Faults of the targets and of the data that the net is given."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, LossFault, Site
from clearprop.gradcheck.faults.tape import LossNode, Tape


class WrongClassIndex(LossFault):
    """Every class is off by one (labels that count from 1, or a 0 that was shifted). Classes count from 0."""

    slug = "wrong-class-index"
    title = "wrong class index"
    clause = "the class index is off by one ({extra})"
    remedy = "one_hot[b, y_b] = 1 with classes 0 ... C - 1"
    hint = "Look at the targets: which column is the true class?"
    kinds = ("cross_entropy", "nll")
    variants = ("one too high", "one too low")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return loss.x.shape[1] > 1

    def targets(self, here: LossNode, right: Array) -> Array:
        return np.roll(right, 1 if "one too high" in self.site else -1, axis=1)


class ConstantClass(LossFault):
    """The same class for every example: the index was written down, or left over from a loop. Each example has its own y."""

    slug = "constant-class"
    title = "one class for every example"
    clause = "class {extra} is the target of every example"
    remedy = "one_hot[b, y_b] = 1, with each example's own y_b"
    hint = "Look at where the class index comes from."
    kinds = ("cross_entropy", "nll")
    variants = ("0", "of the last example")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return loss.x.shape[1] > 1

    def targets(self, here: LossNode, right: Array) -> Array:
        return np.repeat(np.eye(right.shape[1])[:1] if "0" in self.site else right[-1:], len(right), axis=0)


class PredictedClassForTarget(LossFault):
    """The class that the net predicts (argmax of y_hat) is used as the target. The target comes from the data."""

    slug = "predicted-class-for-target"
    title = "predicted class instead of the target"
    clause = "the class that is predicted is used as the target"
    remedy = "p_c - 1 with c from y, not argmax(p)"
    hint = "Look at where the class index comes from."
    kinds = ("cross_entropy", "nll")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return loss.x.shape[1] > 1

    def targets(self, here: LossNode, right: Array) -> Array:
        return np.eye(right.shape[1])[here.x.argmax(axis=1)]


class LabelsInverted(LossFault):
    """0 and 1 change places. y is 1 for the class whose probability y_hat is."""

    slug = "labels-inverted"
    title = "labels 0 and 1 inverted"
    clause = "0 and 1 are exchanged in the targets"
    remedy = "y = 1 exactly where the event is the one whose probability y_hat is"
    hint = "Look at the targets."
    kinds = ("bce", "bce_logits", "mse")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return bool(np.isin(loss.y, (0.0, 1.0)).all())

    def targets(self, here: LossNode, right: Array) -> Array:
        return 1.0 - right


class TargetsMisordered(LossFault):
    """The rows of y are not those of X: shuffled without the same index, reversed, or one off."""

    slug = "targets-misordered"
    title = "targets in another order than the inputs"
    clause = "the rows of y do not belong to the rows of X ({extra})"
    remedy = "X[order] and y[order], with the same order"
    hint = "Look at whether X and y are taken by the same index."
    variants = ("one too early", "one too late", "reversed")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return len(loss.x) > 1

    def targets(self, here: LossNode, right: Array) -> Array:
        if "reversed" in self.site:
            return right[::-1]
        return np.roll(right, 1 if "one too late" in self.site else -1, axis=0)


class DataUnscaled(Fault):
    """The net is given the raw 0 ... 255 pixels, although the scaled ones were computed (or they are scaled twice)."""

    slug = "data-unscaled"
    title = "raw data instead of scaled"
    clause = "the inputs are {extra}"
    remedy = "X / 255, once, and the same X in forward and backward"
    hint = "Look at which of the two data arrays is used."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        return [("data", "255 times as large (not scaled)"), ("data", "divided by 255 once more")]

    def data(self, here: Tape, right: Array) -> Array:
        return right * 255.0 if "255 times as large (not scaled)" in self.site else right / 255.0
