"""The mistake: ReLU mask of the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import ActivationFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class ReluMaskOfGradient(ActivationFault):
    """The mask asks where the *gradient* is positive. ReLU' = [z > 0] is a matter of the forward value."""

    title = "ReLU mask of the gradient"
    mistake = "{at}the mask of ReLU is that of the gradient (da > 0)"
    remedy = "dz = da * [z > 0]"
    hint = "Look at how the activation is differentiated."
    functions = ("ReLU",)

    def slope(self, here: Node, right: Array) -> Array:
        return here.dy > 0
