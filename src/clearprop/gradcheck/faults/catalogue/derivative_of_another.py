"""The mistake: derivative of another activation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site
from clearprop.nn import Activation, ReLU, Sigmoid, Tanh

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node
    from clearprop.gradcheck.faults.passes import Pass


OTHERS: dict[str, type[Activation]] = {"sigmoid": Sigmoid, "tanh": Tanh, "ReLU": ReLU}


class DerivativeOfAnother(Fault):
    """The backward pass uses the derivative of another activation than the forward pass applied.

    sigmoid' = a (1 - a), tanh' = 1 - a^2, ReLU' = [z > 0].
    """

    title = "derivative of another activation"
    mistake = "the derivative of {function}{place} is taken to be that of {extra}"
    remedy = "sigmoid' = a (1 - a), tanh' = 1 - a^2, ReLU' = [z > 0]: the one that the forward pass used"
    hint = "Look at how the activation is differentiated."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        nodes = [node for node in right.find("activation") if node.function in OTHERS]
        return [(node.label, other) for node in nodes for other in OTHERS if other != node.function]

    def slope(self, here: Node, right: Array) -> Array:
        return np.asarray(next(OTHERS[word] for word in self.site if word in OTHERS).df(here.y), dtype=float)
