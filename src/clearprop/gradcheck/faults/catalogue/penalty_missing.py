"""The mistake: L2 term missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import PenaltyFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Parameter
    from clearprop.gradcheck.faults.passes import Pass


class PenaltyMissing(PenaltyFault):
    """The loss has an L2 term, l2/2 |W|^2, and its gradient has none. The derivative of that term is l2 W."""

    title = "L2 term missing"
    mistake = "the gradient of the L2 term is missing in {extra}"
    remedy = "dW = x^T dy + l2 W, for l2/2 |W|^2 in the loss"
    hint = "Look at the penalty's share of the gradients."

    def penalty(self, here: Parameter, right: Array) -> Array:
        return np.zeros_like(right)

    def clause(self, right: Pass) -> str:
        return self.mistake.format(extra=" and ".join(f"d{name}" for name in self.site))
