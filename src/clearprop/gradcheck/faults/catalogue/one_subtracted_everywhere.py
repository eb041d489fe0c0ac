"""The mistake: 1 subtracted from every class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class OneSubtractedEverywhere(LossFault):
    """1 is subtracted from every probability instead of from the true class's. dz_i = p_i - [i = c]."""

    title = "1 subtracted from every class"
    mistake = "1 is subtracted from every probability instead of the true class's"
    remedy = "dz_bi = (p_bi - [i = y_b]) / B"
    hint = "Look at the derivative of the loss."
    kinds = ("cross_entropy", "bce_logits")

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return here.p - 1.0
