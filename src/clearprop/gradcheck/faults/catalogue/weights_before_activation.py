"""The mistake: weight gradient taken before the activation's derivative."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LinearFault
from clearprop.gradcheck.faults.fault import Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node
    from clearprop.gradcheck.faults.passes import Pass


class WeightsBeforeActivation(LinearFault):
    """The layer's dW is taken from da, before the activation's derivative; in a variant, db too.

    W enters z, so dW = x^T dz needs dz = da * f'(z).
    """

    title = "weight gradient taken before the activation's derivative"
    mistake = "{at}{extra} is computed from da instead of dz"
    remedy = "dW = x^T dz and db = sum_b dz, with dz = da * f'(z)"
    hint = "Look at the gradient of the weights: shapes, and which arrays are multiplied."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        nodes = [node for node in right.find("linear") if node.above and node.above.kind in ("activation", "softmax")]
        return [(node.label, extra) for node in nodes for extra in ("dW", "dW (and db)")]

    def dW(self, here: Node, right: Array) -> Array:
        return here.saved.T @ here.above.dy if here.above is not None else right

    def db(self, here: Node, right: Array) -> Array:
        return here.above.dy.sum(axis=0) if here.above is not None and "dW (and db)" in self.site else right
