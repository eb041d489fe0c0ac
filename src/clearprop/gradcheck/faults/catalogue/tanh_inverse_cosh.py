"""The mistake: tanh' as 1/cosh."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import ActivationFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class TanhInverseCosh(ActivationFault):
    """1/cosh(z) instead of 1/cosh(z)^2: the square is lost. tanh' = 1 - tanh^2 = 1/cosh^2."""

    title = "tanh' as 1/cosh"
    mistake = "{at}tanh' is taken as 1/cosh(z)"
    remedy = "tanh'(z) = 1/cosh(z)^2 = 1 - h^2"
    hint = "Look at how the activation is differentiated."
    functions = ("tanh",)

    def slope(self, here: Node, right: Array) -> Array:
        return 1.0 / np.cosh(here.x)
