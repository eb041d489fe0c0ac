"""The mistake: softmax sums lined up with the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import SoftmaxFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode, Node


class SoftmaxSumMisaligned(SoftmaxFault):
    """The row sums (B,) divide along the columns, since keepdims was forgotten; no error is raised when B = C."""

    title = "softmax sums lined up with the columns"
    mistake = "the row sums (B,) of softmax divide the columns (keepdims is missing)"
    remedy = "e / e.sum(axis=1, keepdims=True)"
    hint = "Look at the softmax: which numbers of the matrix belong together?"

    def total(self, here: Node | LossNode, right: Array) -> Array:
        return right.ravel() if here.e.shape[0] == here.e.shape[1] else right
