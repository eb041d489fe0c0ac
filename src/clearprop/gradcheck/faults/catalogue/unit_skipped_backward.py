"""The mistake: loop bound that skips a unit, in dx."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node
    from clearprop.gradcheck.faults.passes import Pass


class UnitSkippedBackward(Fault):
    """The sum over the units of the layer above stops one short (or starts at 1): dx_i = sum_j dy_j W_ij lacks a term."""

    title = "loop bound that skips a unit, in dx"
    mistake = "{at}the sum for dx leaves out the {extra} output unit"
    remedy = "dx = dy W^T: the sum runs over all units"
    hint = "Look at the bounds of the loops."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        nodes = [node for node in right.find("linear") if node.index and node.y.shape[1] > 1]
        return [(node.label, unit) for node in nodes for unit in ("last", "first")]

    def dx(self, here: Node, right: Array) -> Array:
        j = -1 if "last" in self.site else 0
        return right - np.outer(here.dy[:, j], here.W[:, j])
