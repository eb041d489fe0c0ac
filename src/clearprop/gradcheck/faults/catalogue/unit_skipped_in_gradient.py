"""The mistake: loop bound that skips a unit, in dW or db."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node
    from clearprop.gradcheck.faults.passes import Pass


class UnitSkippedInGradient(Fault):
    """A loop over the entries of dW (or db) stops one short, or starts at 1: a row or column stays zero."""

    title = "loop bound that skips a unit, in dW or db"
    mistake = "{at}{extra} stays zero"
    remedy = "dW = x^T dy, for every pair of units"
    hint = "Look at the bounds of the loops."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        nodes = right.find("linear")
        parts = [f"the {end} {part}" for end in ("last", "first") for part in ("row of dW", "column of dW", "entry of db")]
        return [(node.label, part) for node in nodes for part in parts]

    def dW(self, here: Node, right: Array) -> Array:
        kept = right.copy()
        words = " ".join(self.site)
        index = -1 if "the last" in words else 0
        if "row of" in words:
            kept[index] = 0.0
        elif "column of" in words:
            kept[:, index] = 0.0
        return kept

    def db(self, here: Node, right: Array) -> Array:
        kept = right.copy()
        words = " ".join(self.site)
        if "entry of" in words and kept.ndim:
            kept[..., -1 if "the last" in words else 0] = 0.0
        return kept
