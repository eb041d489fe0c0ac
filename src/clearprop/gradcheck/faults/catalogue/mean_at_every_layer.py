"""The mistake: 1/B in every layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LinearFault
from clearprop.gradcheck.faults.fault import Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node
    from clearprop.gradcheck.faults.passes import Pass


class MeanAtEveryLayer(LinearFault):
    """Every layer divides by B, although what it was handed is divided already: the powers of 1/B pile up on the way down.

    The 1/B of a mean enters once, with the loss.
    """

    title = "1/B in every layer"
    mistake = "every layer divides by B what it is handed"
    remedy = "the 1/B of the mean enters once, in dL/dy_hat; then dW = x^T dy, db = sum over the batch of dy"
    hint = "Look at how many numbers the loss is a mean of, and where its gradient is divided."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        labels = tuple(dict.fromkeys(node.label for node in right.find("linear")))
        return [labels] if right.batch > 1 and right.depth > 1 else []

    def dW(self, here: Node, right: Array) -> Array:
        return right / here.tape.batch

    def db(self, here: Node, right: Array) -> Array:
        return right / here.tape.batch

    def dx(self, here: Node, right: Array) -> Array:
        return right / here.tape.batch
