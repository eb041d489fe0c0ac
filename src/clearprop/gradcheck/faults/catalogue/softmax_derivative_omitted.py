"""The mistake: derivative of softmax left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import SoftmaxFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode, Node


class SoftmaxDerivativeOmitted(SoftmaxFault):
    """The derivative of -log p is handed down as if the probabilities were the scores.

    Between the two lies the Jacobian of the softmax.
    """

    title = "derivative of softmax left out"
    mistake = "the derivative of softmax is left out"
    remedy = "dz_j = p_j (dp_j - sum_i dp_i p_i), the product with J = diag(p) - p p^T; with cross-entropy, dz = (p - y) / B"
    hint = "Look at what lies between the scores and the loss."

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return -here.y / here.p

    def dx(self, here: Node, right: Array) -> Array:
        return here.dy
