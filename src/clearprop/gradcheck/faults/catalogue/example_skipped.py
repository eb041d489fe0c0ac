"""The mistake: an example skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class ExampleSkipped(LossFault):
    """A loop over the batch that starts at 1, or ends one too early. Every example adds its share."""

    title = "an example skipped"
    mistake = "the {extra} example of the batch is skipped"
    remedy = "for b in range(B): every example counts"
    hint = "Look at the bounds of the loops."
    variants = ("last", "first")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return len(loss.x) > 1

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        kept = right.copy()
        kept[-1 if "last" in self.site else 0] = 0.0
        return kept
