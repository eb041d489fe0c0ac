"""The mistake: derivative of the activation left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import ActivationFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class DerivativeOmitted(ActivationFault):
    """dz = da: the activation is passed as if it were not there (a ReLU mask that is always 1).

    The chain rule gives dz = da * f'(z).
    """

    title = "derivative of the activation left out"
    mistake = "the derivative of {function} is left out{place}"
    remedy = "dz = da * f'(z), element by element"
    hint = "Look at how the activation is differentiated."

    def slope(self, here: Node, right: Array) -> Array:
        return np.ones_like(here.y)
