"""The mistake: sign between the terms of binary cross-entropy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class CrossEntropySignBetweenTerms(LossFault):
    """-y / p - (1 - y) / (1 - p): the inner derivative of 1 - p, which is -1, is forgotten."""

    title = "sign between the terms of binary cross-entropy"
    mistake = "the two terms of the loss's derivative have the same sign"
    remedy = "dL/dp = -y / p + (1 - y) / (1 - p)"
    hint = "Look at the derivative of the loss."
    kinds = ("bce",)

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return -here.y / here.p - (1.0 - here.y) / (1.0 - here.p)
