"""The mistake: derivative at a tensor of another layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site
from clearprop.nn import Activation, ReLU, Sigmoid, Tanh

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node
    from clearprop.gradcheck.faults.passes import Pass


class DerivativeOfWrongTensor(Fault):
    """The derivative is taken of another tensor that happens to fit: another layer's value, or the data.

    f' belongs to this layer's own z.
    """

    title = "derivative at a tensor of another layer"
    mistake = "the derivative of {function}{place} is taken at {extra}"
    remedy = "dz = da * f'(z), with this layer's own z"
    hint = "Look at how the activation is differentiated."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        nodes = [node for node in right.find("activation") if type(node.layer) in (Sigmoid, Tanh, ReLU)]
        pairs = [(a, b) for a in nodes for b in right.nodes if b not in (a, a.below) and b.y.shape == a.y.shape]
        found: list[Site] = [(a.label, f"the value of {b.label}") for a, b in pairs]
        return found + [(a.label, "X") for a in nodes if right.problem.X.shape == a.y.shape]

    def slope(self, here: Node, right: Array) -> Array:
        word = next(word for word in self.site if word == "X" or word.startswith("the value of "))
        other = here.tape.problem.X if word == "X" else here.tape.node(word.removeprefix("the value of ")).y
        return here.layer.df(other) if isinstance(here.layer, Activation) else right
