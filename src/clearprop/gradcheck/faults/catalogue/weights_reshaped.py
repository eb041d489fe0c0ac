"""The mistake: reshape instead of transpose, of the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LinearFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class WeightsReshaped(LinearFault):
    """W.reshape(n_out, n_in) instead of W.T on the way down: the shape is right, and the numbers are in the wrong places."""

    title = "reshape instead of transpose, of the weights"
    mistake = "{at}W is reshaped instead of transposed in dx"
    remedy = "dx = dy W^T; reshape is no transpose"
    hint = "Look at what a layer hands down to the layer below."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return node.index > 0 and min(node.W.shape) > 1

    def weights(self, here: Node, right: Array) -> Array:
        return right.reshape(right.T.shape).T
