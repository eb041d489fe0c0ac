"""The mistake: predicted class instead of the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class PredictedClassForTarget(LossFault):
    """The class that the net predicts (argmax of y_hat) is used as the target. The target comes from the data."""

    title = "predicted class instead of the target"
    mistake = "the class that is predicted is used as the target"
    remedy = "p_c - 1 with c from y, not argmax(p)"
    hint = "Look at where the class index comes from."
    kinds = ("cross_entropy", "nll")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return loss.x.shape[1] > 1

    def targets(self, here: LossNode, right: Array) -> Array:
        return np.eye(right.shape[1])[here.x.argmax(axis=1)]
