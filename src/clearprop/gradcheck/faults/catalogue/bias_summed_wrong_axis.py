"""The mistake: bias gradient summed over the wrong axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import BiasFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class BiasSummedWrongAxis(BiasFault):
    """Summed over the units instead of over the examples. b_j enters every y_bj with factor 1: db_j = sum_b dy_bj."""

    title = "bias gradient summed over the wrong axis"
    mistake = "{at}db is summed over the units instead of over the batch"
    remedy = "db = sum over the batch of dy: axis 0 of (B, n)"
    hint = "Look at the gradient of the bias: one bias serves every example."

    def db(self, here: Node, right: Array) -> Array:
        return here.dy.sum(axis=1)
