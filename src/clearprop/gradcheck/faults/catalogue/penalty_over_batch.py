"""The mistake: L2 term divided by B."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import PenaltyFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Parameter
    from clearprop.gradcheck.faults.passes import Pass


class PenaltyOverBatch(PenaltyFault):
    """l2 W is divided by B, as the data's part is; but the penalty is no mean over the batch."""

    title = "L2 term divided by B"
    mistake = "the L2 term is divided by B in {extra}"
    remedy = "dW = x^T dy + l2 W, for l2/2 |W|^2 in the loss"
    hint = "Look at the penalty's share of the gradients."

    def penalty(self, here: Parameter, right: Array) -> Array:
        return right / here.tape.batch

    def clause(self, right: Pass) -> str:
        return self.mistake.format(extra=" and ".join(f"d{name}" for name in self.site))
