"""The mistake: double softmax in the forward pass alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site
from clearprop.gradcheck.faults.nodes import LossNode
from clearprop.nn import softmax

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node
    from clearprop.gradcheck.faults.passes import Pass


class DoubleSoftmaxForward(Fault):
    """Softmax (or sigmoid) is applied a second time to probabilities, and the backward pass does not know of it.

    Probabilities are final.
    """

    title = "double softmax in the forward pass alone"
    mistake = "softmax (or sigmoid) is applied to probabilities once more, in the forward pass only"
    remedy = "p = softmax(z), once"
    hint = "Look at the forward pass."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        inside: list[Site] = [("loss",)] if right.loss.kind in ("cross_entropy", "bce_logits") else []
        return inside + [(node.label,) for node in right.find("softmax")]

    def probabilities(self, here: Node | LossNode, right: Array) -> Array:
        return 1.0 / (1.0 + np.exp(-right)) if isinstance(here, LossNode) and here.kind == "bce_logits" else softmax(right)
