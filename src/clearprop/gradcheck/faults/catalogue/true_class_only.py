"""The mistake: gradient for the true class only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class TrueClassOnly(LossFault):
    """Only the true class's score gets a gradient, p_c - 1. Every score moves every probability."""

    title = "gradient for the true class only"
    mistake = "only the score of the true class gets a gradient"
    remedy = "dz_bi = (p_bi - [i = y_b]) / B, for every i"
    hint = "Look at the derivative of the loss."
    kinds = ("cross_entropy",)

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return (here.p - 1.0) * here.y
