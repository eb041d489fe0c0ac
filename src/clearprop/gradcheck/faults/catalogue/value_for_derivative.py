"""The mistake: value of the activation instead of its derivative."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import ActivationFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class ValueForDerivative(ActivationFault):
    """The backward pass multiplies by f(z) instead of f'(z). The chain rule: dz = da * f'(z)."""

    title = "value of the activation instead of its derivative"
    mistake = "{at}da is multiplied by {function}(z) instead of its derivative"
    remedy = "dz = da * f'(z), element by element"
    hint = "Look at how the activation is differentiated."

    def slope(self, here: Node, right: Array) -> Array:
        return here.y
