"""The mistake: targets in another order than the inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class TargetsMisordered(LossFault):
    """The rows of y are not those of X: shuffled without the same index, reversed, or one off."""

    title = "targets in another order than the inputs"
    mistake = "the rows of y do not belong to the rows of X ({extra})"
    remedy = "X[order] and y[order], with the same order"
    hint = "Look at whether X and y are taken by the same index."
    variants = ("one too early", "one too late", "reversed")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return len(loss.x) > 1

    def targets(self, here: LossNode, right: Array) -> Array:
        if "reversed" in self.site:
            return right[::-1]
        return np.roll(right, 1 if "one too late" in self.site else -1, axis=0)
