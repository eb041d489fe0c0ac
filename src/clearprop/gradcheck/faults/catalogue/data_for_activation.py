"""The mistake: X instead of the layer's input in dW."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LinearFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class DataForActivation(LinearFault):
    """dW of an inner layer is computed with the data X instead of the layer's own input.

    Which fits when both have the same width.
    """

    title = "X instead of the layer's input in dW"
    mistake = "{at}dW is computed with the data X instead of the layer's own input"
    remedy = "dW = x^T dy, x being the layer's own input"
    hint = "Look at the gradient of the weights: shapes, and which arrays are multiplied."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return node.index > 0 and node.x.shape == node.tape.problem.X.shape

    def saved(self, here: Node, right: Array) -> Array:
        return here.tape.nodes[0].x
