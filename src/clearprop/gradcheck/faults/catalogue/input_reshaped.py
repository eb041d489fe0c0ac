"""The mistake: reshape instead of transpose, of the input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LinearFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class InputReshaped(LinearFault):
    """x.reshape(n, B) instead of x.T: the shape is right, and the numbers are in the wrong places."""

    title = "reshape instead of transpose, of the input"
    mistake = "{at}x is reshaped to (n, B) instead of transposed"
    remedy = "dW = x^T dy; reshape is no transpose"
    hint = "Look at the gradient of the weights: shapes, and which arrays are multiplied."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return min(node.x.shape) > 1

    def dW(self, here: Node, right: Array) -> Array:
        return here.saved.reshape(here.saved.shape[::-1]) @ here.dy
