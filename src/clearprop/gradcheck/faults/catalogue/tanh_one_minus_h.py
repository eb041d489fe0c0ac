"""The mistake: tanh' as 1 - h."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import ActivationFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class TanhOneMinusH(ActivationFault):
    """1 - h instead of 1 - h^2. tanh' = (cosh^2 - sinh^2) / cosh^2 = 1 - tanh^2."""

    title = "tanh' as 1 - h"
    mistake = "{at}tanh' is taken as 1 - h"
    remedy = "tanh'(z) = 1 - h^2"
    hint = "Look at how the activation is differentiated."
    functions = ("tanh",)

    def slope(self, here: Node, right: Array) -> Array:
        return 1.0 - here.y
