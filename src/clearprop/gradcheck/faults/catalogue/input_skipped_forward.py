"""The mistake: loop bound that skips an input, in the forward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node
    from clearprop.gradcheck.faults.passes import Pass


class InputSkippedForward(Fault):
    """The weighted sum of the forward pass leaves out an input: a loop bound. y_j = sum_i x_i W_ij + b_j."""

    title = "loop bound that skips an input, in the forward pass"
    mistake = "{at}the forward sum leaves out the {extra} input"
    remedy = "y_j = sum over all i of x_i W_ij, + b_j"
    hint = "Look at the bounds of the loops."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        nodes = [node for node in right.find("linear") if node.x.shape[1] > 1]
        return [(node.label, unit) for node in nodes for unit in ("last", "first")]

    def value(self, here: Node, right: Array) -> Array:
        i = -1 if "last" in self.site else 0
        return right - np.outer(here.x[:, i], here.W[i])
