"""The mistake: p - y multiplied by p (1 - p)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode, Node
    from clearprop.gradcheck.faults.passes import Pass


class FusedDerivativeTwiceDiagonal(Fault):
    """p - y, which contains the derivative of the softmax, times p (1 - p), the diagonal of that derivative, once more."""

    title = "p - y multiplied by p (1 - p)"
    mistake = "p - y is multiplied by p (1 - p), the diagonal of a derivative that it contains"
    remedy = "dz = (p - y) / B, for the mean cross-entropy of p = softmax(z) (or of p = sigmoid(z))"
    hint = "Look at the derivative of the loss."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        if right.loss.kind == "cross_entropy":
            return [("loss",)]
        last = right.nodes[-1]
        return [("loss", last.label)] if right.loss.kind == "nll" and last.kind == "softmax" else []

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        d = here.p - here.y
        return d * here.p * (1.0 - here.p) if here.kind == "cross_entropy" else d

    def dx(self, here: Node, right: Array) -> Array:
        return here.dy * here.y * (1.0 - here.y)
