"""The mistake: gradient of one example only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class OneExampleOnly(LossFault):
    """The loop over the batch assigns instead of adding, so that one example's gradient is left.

    Each example adds its share.
    """

    title = "gradient of one example only"
    mistake = "only the {extra} example of the batch counts"
    remedy = "dW = sum_b x_b^T dy_b: += over the batch"
    hint = "Look at how the examples are added up."
    variants = ("last", "first")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return len(loss.x) > 2

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        kept = np.zeros_like(right)
        row = -1 if "last" in self.site else 0
        kept[row] = right[row]
        return kept
