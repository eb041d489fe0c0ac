"""The mistake: running sums added up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LossFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode


class RunningSumsAdded(LossFault):
    """The running sum is added after each example, so that the first of B counts B times, the last once.

    dW is the sum of the examples' shares, each counted once.
    """

    title = "running sums added up"
    mistake = "the running sum is added up after each example"
    remedy = "dW = sum_b x_b^T dy_b: each example once"
    hint = "Look at how the examples are added up."

    @classmethod
    def concerns(cls, loss: LossNode) -> bool:
        return len(loss.x) > 1

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return right * np.arange(len(right), 0, -1)[:, None]
