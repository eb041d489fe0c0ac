"""The mistake: weights of another layer in the backward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node
    from clearprop.gradcheck.faults.passes import Pass


class WeightsOfAnotherLayer(Fault):
    """dx is computed with the weights of another layer of the same shape. Each layer hands down dy W^T with its own W."""

    title = "weights of another layer in the backward pass"
    mistake = "dx of layer {extra} is computed with another layer's W"
    remedy = "dx = dy W^T, with the layer's own W"
    hint = "Look at what a layer hands down to the layer below."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        linear = right.find("linear")
        pairs = [(a, b) for a in linear[1:] for b in linear if a.layer is not b.layer and a.W.shape == b.W.shape]
        return [(a.label, f"{b.label} for") for a, b in pairs]

    def weights(self, here: Node, right: Array) -> Array:
        return here.tape.node(self.site[1].removesuffix(" for")).W

    def clause(self, right: Pass) -> str:
        return self.mistake.format(extra=right.node(self.site[0]).number)
