"""The mistake: = instead of += for a layer used twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Parameter
    from clearprop.gradcheck.faults.passes import Pass


class SharedLayerOverwritten(Fault):
    """A layer is used twice, and the second gradient overwrites the first: = instead of +=.

    The gradient of what is used twice is the sum.
    """

    title = "= instead of += for a layer used twice"
    mistake = "the second use of a layer overwrites {extra} instead of adding to it"
    remedy = "grad += share, for each use of the layer"
    hint = "Look at which tensors are kept, overwritten or returned."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        layers = [node.layer for node in right.nodes if node.names]
        return list(dict.fromkeys(node.names for node in right.nodes if node.names and layers.count(node.layer) > 1))

    def accumulated(self, here: Parameter, right: Array) -> Array:
        return here.share

    def clause(self, right: Pass) -> str:
        return self.mistake.format(extra=" and ".join(f"d{name}" for name in self.site))
