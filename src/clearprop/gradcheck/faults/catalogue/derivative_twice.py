"""The mistake: derivative of the activation applied twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import ActivationFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class DerivativeTwice(ActivationFault):
    """f' multiplies twice, once in the activation and once more in the layer. Each function on the path gives one factor."""

    title = "derivative of the activation applied twice"
    mistake = "the derivative of {function} is applied twice{place}"
    remedy = "dz = da * f'(z), element by element, once"
    hint = "Look at how the activation is differentiated."
    functions = ("sigmoid", "tanh")

    def slope(self, here: Node, right: Array) -> Array:
        return right * right
