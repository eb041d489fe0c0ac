"""The mistake: y_hat - y used for whatever loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class DifferenceForAnyLoss(LossFault):
    """y_hat - y, which is right for cross-entropy on scores, is used for whatever loss there is.

    Each loss has its own derivative.
    """

    title = "y_hat - y used for whatever loss"
    mistake = "y_hat - y is used as the derivative of this loss"
    remedy = "squared error: 2 (y_hat - y); binary cross-entropy: (p - y) / (p (1 - p)); -log p: -y / p"
    hint = "Look at the derivative of the loss."
    kinds = ("bce", "nll", "mse")

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return here.p - here.y
