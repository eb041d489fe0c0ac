"""The mistake: derivative's formula applied to its own result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import ActivationFault
from clearprop.nn import Activation

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class DerivativeOfDerivative(ActivationFault):
    """a (1 - a) (or 1 - a^2) is computed twice in a row, the second time of its own result. f' is a (1 - a) of the value a."""

    title = "derivative's formula applied to its own result"
    mistake = "{at}the derivative's formula for {function} is applied to its own result"
    remedy = "dz = da * f'(z), element by element"
    hint = "Look at how the activation is differentiated."
    functions = ("sigmoid", "tanh")

    def slope(self, here: Node, right: Array) -> Array:
        return here.layer.df(right) if isinstance(here.layer, Activation) else right
