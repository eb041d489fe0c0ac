"""The mistake: derivative taken at a instead of z."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import ActivationFault
from clearprop.nn import Activation

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class DerivativeAtActivation(ActivationFault):
    """The derivative, a function of z, is given a, so that the activation is applied twice.

    That gives sigmoid(a) (1 - sigmoid(a)), 1 - tanh(a)^2 or 1/cosh(a)^2, where a belongs: a (1 - a), 1 - a^2.
    """

    title = "derivative taken at a instead of z"
    mistake = "{at}the derivative of {function}, a function of z, is given a"
    remedy = "f'(z) with z, not a: sigmoid'(z) = a (1 - a), tanh'(z) = 1 - a^2"
    hint = "Look at how the activation is differentiated."
    functions = ("sigmoid", "tanh")

    def slope(self, here: Node, right: Array) -> Array:
        return here.layer.df(here.layer.f(here.y)) if isinstance(here.layer, Activation) else right
