"""The mistake: derivative taken at z instead of a."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import ActivationFault
from clearprop.nn import Activation

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class DerivativeAtPreactivation(ActivationFault):
    """The derivative is written in terms of the value a, but is given z.

    With a = f(z), sigmoid' = a (1 - a) and tanh' = 1 - a^2.
    """

    title = "derivative taken at z instead of a"
    mistake = "{at}the derivative of {function}, written in terms of a, is given z"
    remedy = "sigmoid'(z) = a (1 - a), tanh'(z) = 1 - a^2, with a = f(z)"
    hint = "Look at how the activation is differentiated."
    functions = ("sigmoid", "tanh")

    def slope(self, here: Node, right: Array) -> Array:
        return here.layer.df(here.x) if isinstance(here.layer, Activation) else right
