"""The mistake: labels 0 and 1 inverted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class LabelsInverted(LossFault):
    """0 and 1 change places. y is 1 for the class whose probability y_hat is."""

    title = "labels 0 and 1 inverted"
    mistake = "0 and 1 are exchanged in the targets"
    remedy = "y = 1 exactly where the event is the one whose probability y_hat is"
    hint = "Look at the targets."
    kinds = ("bce", "bce_logits", "mse")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return bool(np.isin(loss.y, (0.0, 1.0)).all())

    def targets(self, here: LossNode, right: Array) -> Array:
        return 1.0 - right
