"""The mistake: softmax shift lined up with the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import SoftmaxFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode, Node


class SoftmaxShiftMisaligned(SoftmaxFault):
    """The row maxima (B,) are subtracted along the columns, since keepdims was forgotten; no error is raised when B = C."""

    title = "softmax shift lined up with the columns"
    mistake = "the row maxima (B,) are subtracted from the columns (keepdims is missing)"
    remedy = "z - z.max(axis=1, keepdims=True)"
    hint = "Look at the softmax: which numbers of the matrix belong together?"

    def shift(self, here: Node | LossNode, right: Array) -> Array:
        return right.ravel() if here.x.shape[0] == here.x.shape[1] else right
