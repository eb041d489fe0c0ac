"""The mistake: bias gradient summed from that of the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LinearFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class BiasFromWeights(LinearFault):
    """The bias gradient is taken from that of the weights, summed over the inputs.

    db = sum_b dy_b; the input does not come into it.
    """

    title = "bias gradient summed from that of the weights"
    mistake = "{at}db is taken from dW, summed over the inputs"
    remedy = "db = sum over the batch of dy; x does not enter"
    hint = "Look at the gradient of the bias: one bias serves every example."

    def db(self, here: Node, right: Array) -> Array:
        return (here.saved.T @ here.dy).sum(axis=0)
