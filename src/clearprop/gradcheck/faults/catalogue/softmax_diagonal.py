"""The mistake: softmax Jacobian: diagonal only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import SoftmaxFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode, Node


class SoftmaxDiagonal(SoftmaxFault):
    """Only the diagonal p_i (1 - p_i) of the softmax's Jacobian, as if it were element-wise.

    Raising one score lowers every other probability: J = diag(p) - p p^T.
    """

    title = "softmax Jacobian: diagonal only"
    mistake = "only the diagonal p (1 - p) of the Jacobian of softmax is used"
    remedy = "dz_j = p_j (dp_j - sum_i dp_i p_i), the product with J = diag(p) - p p^T; with cross-entropy, dz = (p - y) / B"
    hint = "Look at the softmax: does one score change one probability only?"

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return -here.y * (1.0 - here.p)

    def dx(self, here: Node, right: Array) -> Array:
        return here.dy * here.y * (1.0 - here.y)
