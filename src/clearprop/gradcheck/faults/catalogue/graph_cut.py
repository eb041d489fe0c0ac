"""The mistake: a detached tensor: nothing reaches the layers below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode, Node
    from clearprop.gradcheck.faults.passes import Pass


class GraphCut(Fault):
    """The chain is cut (a detached tensor, a copy as NumPy array or Python number): everything below gets zero.

    The gradient must pass through every layer.
    """

    title = "a detached tensor: nothing reaches the layers below"
    mistake = "the gradient stops at {extra}: a tensor is detached there"
    remedy = "dx = dy W^T and dz = da * f'(z), element by element, down to the first layer"
    hint = "Look at what a layer hands down to the layer below."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        below: list[Site] = [(node.label,) for node in right.nodes if node.index]
        return [("loss",), *below]

    def slope_of_loss(self, here: LossNode, right: Array) -> Array:
        return np.zeros_like(right)

    def dx(self, here: Node, right: Array) -> Array:
        return np.zeros_like(right)

    def clause(self, right: Pass) -> str:
        label = self.site[0]
        node = None if label == "loss" else right.node(label)
        return self.mistake.format(extra="the loss" if node is None else f"{node.function}, layer {node.number}")
