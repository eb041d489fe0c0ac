"""The mistake: loop bound that skips an input, in dx."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node
    from clearprop.gradcheck.faults.passes import Pass


class InputSkippedBackward(Fault):
    """dx of one input unit is never computed: a loop over the inputs that stops one short (or starts at 1)."""

    title = "loop bound that skips an input, in dx"
    mistake = "{at}dx of the {extra} input unit stays zero"
    remedy = "dx = dy W^T: for every input"
    hint = "Look at the bounds of the loops."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        nodes = [node for node in right.find("linear") if node.index and node.x.shape[1] > 1]
        return [(node.label, unit) for node in nodes for unit in ("last", "first")]

    def dx(self, here: Node, right: Array) -> Array:
        kept = right.copy()
        kept[:, -1 if "last" in self.site else 0] = 0.0
        return kept
