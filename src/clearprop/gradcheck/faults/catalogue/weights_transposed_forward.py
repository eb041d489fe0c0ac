"""The mistake: W transposed in the forward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LinearFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class WeightsTransposedForward(LinearFault):
    """x W^T instead of x W in the forward pass, which a square W allows. y_bj = sum_i x_bi W_ij + b_j."""

    title = "W transposed in the forward pass"
    mistake = "{at}the forward pass multiplies by W^T instead of W"
    remedy = "y = x W + b"
    hint = "Look at the forward pass."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return node.W.shape[0] == node.W.shape[1] > 1

    def value(self, here: Node, right: Array) -> Array:
        return here.x @ here.W.T + here.b
