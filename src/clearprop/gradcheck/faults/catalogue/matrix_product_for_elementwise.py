"""The mistake: matrix product instead of an element-wise one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import ActivationFault
from clearprop.nn import Activation

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class MatrixProductForElementwise(ActivationFault):
    """da @ f'(z) instead of da * f'(z), which runs without an error when B = n.

    A_bi depends on z_bi alone, so the chain rule has one term.
    """

    title = "matrix product instead of an element-wise one"
    mistake = "{at}da and the derivative of {function} are multiplied as matrices"
    remedy = "dz = da * f'(z), element by element"
    hint = "Look at the kind of product."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return super().concerns(node) and node.y.shape[0] == node.y.shape[1] > 1

    def dx(self, here: Node, right: Array) -> Array:
        return here.dy @ (here.layer.df(here.y) * 1.0) if isinstance(here.layer, Activation) else right
