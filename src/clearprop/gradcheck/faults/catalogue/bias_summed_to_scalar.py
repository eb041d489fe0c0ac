"""The mistake: bias gradient summed to one number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import BiasFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class BiasSummedToScalar(BiasFault):
    """Summed over everything, to one number for all units. db_j = sum_b dy_bj leaves one number for each unit."""

    title = "bias gradient summed to one number"
    mistake = "{at}db is summed over the units too, to one number"
    remedy = "db = sum over the batch of dy: over axis 0 of (B, n) only"
    hint = "Look at the gradient of the bias: one bias serves every example."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return node.y.shape[1] > 1

    def db(self, here: Node, right: Array) -> Array:
        return np.asarray(here.dy.sum())
