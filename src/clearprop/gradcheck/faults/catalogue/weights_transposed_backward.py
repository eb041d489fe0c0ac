"""The mistake: W not transposed in the backward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LinearFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class WeightsTransposedBackward(LinearFault):
    """dy W instead of dy W^T, which a square W allows. x_bi enters y_bj with factor W_ij: dx_bi = sum_j dy_bj W_ij."""

    title = "W not transposed in the backward pass"
    mistake = "{at}dx is dy W instead of dy W^T"
    remedy = "dx = dy W^T"
    hint = "Look at what a layer hands down to the layer below."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return node.index > 0 and node.W.shape[0] == node.W.shape[1] > 1

    def weights(self, here: Node, right: Array) -> Array:
        return right.T
