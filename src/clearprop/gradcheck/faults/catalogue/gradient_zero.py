"""The mistake: gradient never filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import ParameterFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Parameter


class GradientZero(ParameterFault):
    """A detached parameter, or a gradient array that is made and never filled: zeros.

    Every parameter that the output depends on has a gradient.
    """

    title = "gradient never filled in"
    mistake = "nothing is ever written to {extra} (detached, or never filled in)"
    remedy = "dW = x^T dy, db = sum over the batch of dy"
    hint = "Look at which tensors are kept, overwritten or returned."

    def gradient(self, here: Parameter, right: Array) -> Array:
        return np.zeros_like(here.value)
