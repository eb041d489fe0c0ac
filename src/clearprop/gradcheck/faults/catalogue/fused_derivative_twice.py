"""The mistake: derivative of softmax (or sigmoid) and cross-entropy applied twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class FusedDerivativeTwice(LossFault):
    """p - y is the derivative of softmax (or sigmoid) *and* cross-entropy together.

    Here the Jacobian is applied to it once more.
    """

    title = "derivative of softmax (or sigmoid) and cross-entropy applied twice"
    mistake = "p - y, in which the derivative of {function} is contained, is multiplied by that derivative again"
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
