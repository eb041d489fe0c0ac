"""The mistake: pre-activation instead of activation in dW."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LinearFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class PreactivationSaved(LinearFault):
    """dW is computed with z of the layer below instead of a = f(z). The layer's input is a."""

    title = "pre-activation instead of activation in dW"
    mistake = "{at}dW is computed with the pre-activation z of the layer below instead of a"
    remedy = "dW = a^T dz, with a = f(z) of the layer below"
    hint = "Look at the gradient of the weights: shapes, and which arrays are multiplied."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return node.below is not None and node.below.kind in ("activation", "softmax")

    def saved(self, here: Node, right: Array) -> Array:
        return here.below.x if here.below is not None else right
