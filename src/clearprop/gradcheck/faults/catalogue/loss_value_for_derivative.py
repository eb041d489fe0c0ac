"""The mistake: loss sent backward instead of its derivative."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault
from clearprop.nn.loss import ElementwiseLoss

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class LossValueForDerivative(LossFault):
    """The losses themselves are sent backward. What is sent is their derivative."""

    title = "loss sent backward instead of its derivative"
    mistake = "the value of the loss is sent backward instead of its derivative"
    remedy = "dL/dy_hat, such as 2 (y_hat - y)"
    hint = "Look at the derivative of the loss."
    kinds = ("bce", "bce_logits", "mse")

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return here.loss.f(here.x, here.y) if isinstance(here.loss, ElementwiseLoss) else right
