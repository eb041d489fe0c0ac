"""The mistake: scores used as probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class ScoresForProbabilities(LossFault):
    """z - y: the scores are compared with the target as if they were probabilities. p - y, with p = softmax(z)."""

    title = "scores used as probabilities"
    mistake = "the scores z are used where the probabilities p belong"
    remedy = "dz = (p - y) / B, for the mean cross-entropy of p = softmax(z) (or of p = sigmoid(z))"
    hint = "Look at the derivative of the loss."
    kinds = ("cross_entropy", "bce_logits")

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return here.x - here.y
