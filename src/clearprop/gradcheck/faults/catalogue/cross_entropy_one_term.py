"""The mistake: one term of binary cross-entropy only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class CrossEntropyOneTerm(LossFault):
    """Of -(y log p + (1 - y) log(1 - p)) only the first term is differentiated; (1 - y) / (1 - p) is missing."""

    title = "one term of binary cross-entropy only"
    mistake = "only the term y log p of the loss is differentiated"
    remedy = "dL/dp = -y / p + (1 - y) / (1 - p)"
    hint = "Look at the derivative of the loss."
    kinds = ("bce", "bce_logits")

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return -here.y / here.p if here.kind == "bce" else here.y * (here.p - 1.0)
