"""The mistake: wrong class index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class WrongClassIndex(LossFault):
    """Every class is off by one (labels that count from 1, or a 0 that was shifted). Classes count from 0."""

    title = "wrong class index"
    mistake = "the class index is off by one ({extra})"
    remedy = "one_hot[b, y_b] = 1 with classes 0 ... C - 1"
    hint = "Look at the targets: which column is the true class?"
    kinds = ("cross_entropy", "nll")
    variants = ("one too high", "one too low")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return loss.x.shape[1] > 1

    def targets(self, here: LossNode, right: Array) -> Array:
        return np.roll(right, 1 if "one too high" in self.site else -1, axis=1)
