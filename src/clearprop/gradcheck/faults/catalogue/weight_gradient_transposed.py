"""The mistake: weight gradient transposed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LinearFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class WeightGradientTransposed(LinearFault):
    """dy^T x instead of x^T dy: the transpose of the gradient. dW has the shape of W, and dW_ij = sum_b x_bi dy_bj."""

    title = "weight gradient transposed"
    mistake = "{at}dW is transposed (dy^T x instead of x^T dy)"
    remedy = "dW = x^T dy"
    hint = "Look at the gradient of the weights: shapes, and which arrays are multiplied."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return min(node.W.shape) > 1 or node.W.shape[0] != node.W.shape[1]

    def dW(self, here: Node, right: Array) -> Array:
        return right.T
