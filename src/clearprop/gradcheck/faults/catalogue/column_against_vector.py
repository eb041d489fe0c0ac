"""The mistake: (B,) broadcast against (B, 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault
from clearprop.nn.loss import ElementwiseLoss

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class ColumnAgainstVector(LossFault):
    """y_hat (B, 1) minus y (B,) is (B, B): each prediction is compared with every target, and the mean is over B^2 numbers."""

    title = "(B,) broadcast against (B, 1)"
    mistake = "y of shape (B,) is broadcast against y_hat of shape (B, 1), to (B, B)"
    remedy = "y[:, None] - both of shape (B, 1)"
    hint = "Look at the shapes in the loss."
    kinds = ("bce", "bce_logits", "mse")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return loss.x.shape[1] == 1 and len(loss.x) > 1

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        if not isinstance(here.loss, ElementwiseLoss):
            return right
        table = here.loss.df(here.loss.admissible(here.x), here.y.reshape(1, -1))
        total: Array = table.sum(axis=1, keepdims=True)
        return total if here.loss.reduction == "sum" else total / len(here.x)
