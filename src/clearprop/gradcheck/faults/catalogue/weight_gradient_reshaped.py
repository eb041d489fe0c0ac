"""The mistake: reshape instead of transpose, in the weight gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LinearFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class WeightGradientReshaped(LinearFault):
    """dW comes out transposed, and is made to fit by reshape.

    reshape keeps the order of the numbers, and so mixes rows with columns; dW = x^T dy has the shape of W by itself.
    """

    title = "reshape instead of transpose, in the weight gradient"
    mistake = "{at}dy^T x is brought to W's shape by reshape instead of transposed"
    remedy = "dW = x^T dy; reshape is no transpose"
    hint = "Look at the gradient of the weights: shapes, and which arrays are multiplied."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return min(node.W.shape) > 1

    def dW(self, here: Node, right: Array) -> Array:
        return right.T.reshape(right.shape)
