"""The mistake: softmax shifted by the maxima of the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import SoftmaxFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode, Node


class SoftmaxShiftColumns(SoftmaxFault):
    """The maximum of each *column* is subtracted. Only what is the same for a whole row cancels in the fraction."""

    title = "softmax shifted by the maxima of the columns"
    mistake = "softmax is shifted by the maximum of each column instead of each row"
    remedy = "exp(z_b - max_j z_bj): each row's own maximum"
    hint = "Look at the softmax: which numbers of the matrix belong together?"

    def shift(self, here: Node | LossNode, right: Array) -> Array:
        return here.x.max(axis=0, keepdims=True)
