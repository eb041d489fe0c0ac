"""The mistake: bias gradient taken before the activation's derivative."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LinearFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class BiasBeforeActivation(LinearFault):
    """The layer's db is taken from da, before the activation's derivative. b enters z, so db needs dz = da * f'(z)."""

    title = "bias gradient taken before the activation's derivative"
    mistake = "{at}db is summed from da instead of dz"
    remedy = "db = sum over the batch of dy, with dz = da * f'(z)"
    hint = "Look at the gradient of the bias: one bias serves every example."

    @classmethod
    def concerns(cls, node: Node) -> bool:
        return node.above is not None and node.above.kind in ("activation", "softmax")

    def db(self, here: Node, right: Array) -> Array:
        return here.dy.sum(axis=0) if here.above is None else here.above.dy.sum(axis=0)
