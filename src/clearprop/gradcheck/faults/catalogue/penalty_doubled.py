"""The mistake: L2 term doubled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import PenaltyFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Parameter
    from clearprop.gradcheck.faults.passes import Pass


class PenaltyDoubled(PenaltyFault):
    """2 l2 W, for a loss that has l2/2 |W|^2: the half and the exponent cancel."""

    title = "L2 term doubled"
    mistake = "the L2 term is doubled in {extra}"
    remedy = "dW = x^T dy + l2 W, for l2/2 |W|^2 in the loss"
    hint = "Look at the penalty's share of the gradients."

    def penalty(self, here: Parameter, right: Array) -> Array:
        return 2.0 * right

    def clause(self, right: Pass) -> str:
        return self.mistake.format(extra=" and ".join(f"d{name}" for name in self.site))
