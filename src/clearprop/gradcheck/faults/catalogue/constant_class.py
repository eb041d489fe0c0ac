"""The mistake: one class for every example."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class ConstantClass(LossFault):
    """The same class for every example: the index was written down, or left over from a loop. Each example has its own y."""

    title = "one class for every example"
    mistake = "class {extra} is the target of every example"
    remedy = "one_hot[b, y_b] = 1, with each example's own y_b"
    hint = "Look at where the class index comes from."
    kinds = ("cross_entropy", "nll")
    variants = ("0", "of the last example")

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return loss.x.shape[1] > 1

    def targets(self, here: LossNode, right: Array) -> Array:
        return np.repeat(np.eye(right.shape[1])[:1] if "0" in self.site else right[-1:], len(right), axis=0)
