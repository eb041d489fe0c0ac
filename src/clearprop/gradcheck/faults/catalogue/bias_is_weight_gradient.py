"""The mistake: bias gradient is that of the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LinearFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class BiasIsWeightGradient(LinearFault):
    """dW is returned for db too. y = x W + b depends on b with factor 1: db = sum_b dy_b."""

    title = "bias gradient is that of the weights"
    mistake = "{at}db is dW"
    remedy = "db = sum over the batch of dy"
    hint = "Look at the gradient of the bias: one bias serves every example."

    def db(self, here: Node, right: Array) -> Array:
        return here.saved.T @ here.dy
