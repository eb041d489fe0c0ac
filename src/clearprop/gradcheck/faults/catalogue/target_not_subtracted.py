"""The mistake: target not subtracted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class TargetNotSubtracted(LossFault):
    """dz = p: the 1 of the true class (or y) is never subtracted. dz = p - y."""

    title = "target not subtracted"
    mistake = "the target is not subtracted from the prediction"
    remedy = (
        "dz = (p - y) / B, for the mean cross-entropy of p = softmax(z) (or of p = sigmoid(z)); (y_hat - y) for squared error"
    )
    hint = "Look at the derivative of the loss."
    kinds = ("cross_entropy", "bce_logits", "mse")

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return 2.0 * here.p if here.kind == "mse" else here.p
