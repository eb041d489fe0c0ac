"""The mistake: bias gradient not summed over the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import BiasFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class BiasNotSummed(BiasFault):
    """One row for each example instead of one number for each unit.

    b_j enters every y_bj with factor 1, so its gradient is a sum over b.
    """

    title = "bias gradient not summed over the batch"
    mistake = "{at}db is not summed over the batch"
    remedy = "db = sum over the batch of dy"
    hint = "Look at the gradient of the bias: one bias serves every example."

    def db(self, here: Node, right: Array) -> Array:
        return here.dy
