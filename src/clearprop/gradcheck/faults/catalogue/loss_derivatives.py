"""Faults of the derivative of the loss."""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, LossFault, Site
from clearprop.gradcheck.faults.tape import LossNode, Node, Tape


class TargetNotSubtracted(LossFault):
    """dz = p: the 1 of the true class (or y) is never subtracted. dz = p - y."""

    slug = "target-not-subtracted"
    title = "target not subtracted"
    clause = "the target is not subtracted from the prediction"
    remedy = (
        "dz = (p - y) / B, for the mean cross-entropy of p = softmax(z) (or of p = sigmoid(z)); (y_hat - y) for squared error"
    )
    hint = "Look at the derivative of the loss."
    kinds = ("cross_entropy", "bce_logits", "mse")

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return 2.0 * here.p if here.kind == "mse" else here.p


class PredictionAndTargetSwapped(LossFault):
    """The arguments of the loss change places: y - y_hat. The derivative is that of L(y_hat, y) with respect to y_hat."""

    slug = "prediction-and-target-swapped"
    title = "y_hat and y swapped"
    clause = "y_hat and y are swapped in the loss's derivative"
    remedy = "dL/dy_hat: (y_hat - y), prediction first"
    hint = "Look at the derivative of the loss."

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        if here.kind in ("bce", "mse"):
            return here.elementwise.df(np.broadcast_to(here.y, here.x.shape), here.p)
        return -here.p / here.y if here.kind == "nll" else here.y - here.p


class DifferenceForAnyLoss(LossFault):
    """y_hat - y, which is right for cross-entropy on scores, is used for whatever loss there is.

    Each loss has its own derivative.
    """

    slug = "difference-for-any-loss"
    title = "y_hat - y used for whatever loss"
    clause = "y_hat - y is used as the derivative of this loss"
    remedy = "squared error: 2 (y_hat - y); binary cross-entropy: (p - y) / (p (1 - p)); -log p: -y / p"
    hint = "Look at the derivative of the loss."
    kinds = ("bce", "nll", "mse")

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return here.p - here.y


class LossValueForDerivative(LossFault):
    """The values of the loss are sent backward, where its derivative belongs."""

    slug = "loss-value-for-derivative"
    title = "loss sent backward instead of its derivative"
    clause = "the value of the loss is sent backward instead of its derivative"
    remedy = "dL/dy_hat, such as 2 (y_hat - y)"
    hint = "Look at the derivative of the loss."
    kinds = ("bce", "bce_logits", "mse")

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return here.elementwise.f(here.x, here.y)


class FusedDerivativeTwice(LossFault):
    """p - y is the derivative of softmax (or sigmoid) *and* cross-entropy together.

    Here the Jacobian is applied to it once more.
    """

    slug = "fused-derivative-twice"
    title = "derivative of softmax (or sigmoid) and cross-entropy applied twice"
    clause = "p - y, which contains the derivative of {function}, is multiplied by that derivative again"
    remedy = (
        "dz = (p - y) / B, for the mean cross-entropy of p = softmax(z) (or of p = sigmoid(z)): p - y contains the "
        "derivative of softmax already"
    )
    hint = "Look at the derivative of the loss."
    kinds = ("cross_entropy", "bce_logits", "nll", "bce")

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        d = here.p - here.y
        if here.kind == "cross_entropy":
            return here.p * (d - (d * here.p).sum(axis=1, keepdims=True))
        return d * here.p * (1.0 - here.p) if here.kind == "bce_logits" else d


class FusedDerivativeTwiceDiagonal(Fault):
    """p - y, which contains the derivative of the softmax, times p (1 - p), the diagonal of that derivative, once more."""

    slug = "fused-derivative-twice-diagonal"
    title = "p - y multiplied by p (1 - p)"
    clause = "p - y is multiplied by p (1 - p), the diagonal of a derivative that it contains"
    remedy = "dz = (p - y) / B, for the mean cross-entropy of p = softmax(z) (or of p = sigmoid(z))"
    hint = "Look at the derivative of the loss."

    @classmethod
    def sites(cls, right: Tape) -> list[Site]:
        if right.loss.kind == "cross_entropy":
            return [("loss",)]
        last = right.nodes[-1]
        return [("loss", last.label)] if right.loss.kind == "nll" and last.kind == "softmax" else []

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        d = here.p - here.y
        return d * here.p * (1.0 - here.p) if here.kind == "cross_entropy" else d

    def dx(self, here: Node, right: Array) -> Array:
        return here.dy * here.y * (1.0 - here.y)


class TrueClassOnly(LossFault):
    """Only the true class's score gets a gradient, p_c - 1. Every score moves every probability."""

    slug = "true-class-only"
    title = "gradient for the true class only"
    clause = "only the score of the true class gets a gradient"
    remedy = "dz_bi = (p_bi - [i = y_b]) / B, for every i"
    hint = "Look at the derivative of the loss."
    kinds = ("cross_entropy",)

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return (here.p - 1.0) * here.y


class OneSubtractedEverywhere(LossFault):
    """1 is subtracted from every probability instead of from the true class's. dz_i = p_i - [i = c]."""

    slug = "one-subtracted-everywhere"
    title = "1 subtracted from every class"
    clause = "1 is subtracted from every probability instead of the true class's"
    remedy = "dz_bi = (p_bi - [i = y_b]) / B"
    hint = "Look at the derivative of the loss."
    kinds = ("cross_entropy", "bce_logits")

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return here.p - 1.0


class CrossEntropyOneTerm(LossFault):
    """Of -(y log p + (1 - y) log(1 - p)) only the first term is differentiated; (1 - y) / (1 - p) is missing."""

    slug = "cross-entropy-one-term"
    title = "one term of binary cross-entropy only"
    clause = "only the term y log p of the loss is differentiated"
    remedy = "dL/dp = -y / p + (1 - y) / (1 - p)"
    hint = "Look at the derivative of the loss."
    kinds = ("bce", "bce_logits")

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return -here.y / here.p if here.kind == "bce" else here.y * (here.p - 1.0)


class CrossEntropySignBetweenTerms(LossFault):
    """-y / p - (1 - y) / (1 - p): the inner derivative of 1 - p, which is -1, is forgotten."""

    slug = "cross-entropy-sign-between-terms"
    title = "sign between the terms of binary cross-entropy"
    clause = "the two terms of the loss's derivative have the same sign"
    remedy = "dL/dp = -y / p + (1 - y) / (1 - p)"
    hint = "Look at the derivative of the loss."
    kinds = ("bce",)

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return -here.y / here.p - (1.0 - here.y) / (1.0 - here.p)


class ColumnAgainstVector(LossFault):
    """y_hat (B, 1) minus y (B,) is (B, B): each prediction is compared with every target, and the mean is over B^2 numbers."""

    slug = "column-against-vector"
    title = "(B,) broadcast against (B, 1)"
    clause = "y of shape (B,) is broadcast against y_hat of shape (B, 1), to (B, B)"
    remedy = "y[:, None] - both of shape (B, 1)"
    hint = "Look at the shapes in the loss."
    kinds = ("bce", "bce_logits", "mse")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return loss.x.shape[1] == 1 and len(loss.x) > 1

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        table = here.elementwise.df(here.elementwise.admissible(here.x), here.y.reshape(1, -1))
        total: Array = table.sum(axis=1, keepdims=True)
        return total if here.loss.reduction == "sum" else total / len(here.x)
