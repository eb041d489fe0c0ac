"""The mistake: ReLU mask inverted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import ActivationFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class ReluMaskInverted(ActivationFault):
    """The mask passes what was switched off. ReLU' = [z > 0]."""

    title = "ReLU mask inverted"
    mistake = "{at}the mask of ReLU passes where z < 0"
    remedy = "dz = da * [z > 0]"
    hint = "Look at how the activation is differentiated."
    functions = ("ReLU",)

    def slope(self, here: Node, right: Array) -> Array:
        return here.x < 0
