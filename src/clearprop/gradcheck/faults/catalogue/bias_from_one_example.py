"""The mistake: bias gradient of one example only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import BiasFault
from clearprop.gradcheck.faults.fault import Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node
    from clearprop.gradcheck.faults.passes import Pass


class BiasFromOneExample(BiasFault):
    """db is the row of one example (a loop that assigns, or an index that was left over). Each example adds its share."""

    title = "bias gradient of one example only"
    mistake = "{at}db is that of the {extra} example alone"
    remedy = "db = sum over the batch of dy"
    hint = "Look at the gradient of the bias: one bias serves every example."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        nodes = [*right.find("linear"), *right.find("batchnorm")]
        labels = list(dict.fromkeys(node.label for node in nodes))
        return [(label, which) for which in ("last", "first") for label in labels] if right.batch > 1 else []

    def db(self, here: Node, right: Array) -> Array:
        return here.dy[-1 if "last" in self.site else 0]
