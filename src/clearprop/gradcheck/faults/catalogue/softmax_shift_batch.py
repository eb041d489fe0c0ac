"""The mistake: softmax shifted by the maximum of the whole batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import SoftmaxFault
from clearprop.gradcheck.faults.fault import Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode, Node
    from clearprop.gradcheck.faults.passes import Pass


class SoftmaxShiftBatch(SoftmaxFault):
    """The maximum of the whole batch is subtracted, instead of each row's own.

    It cancels, until a row lies so far below it that all its exp are 0, and 0/0 is NaN (in float32 at a distance of 104).
    """

    title = "softmax shifted by the maximum of the whole batch"
    mistake = "softmax is shifted by the maximum of the whole batch instead of each row's"
    remedy = "exp(z_b - max_j z_bj): each row's own maximum"
    hint = "Look at the softmax: which numbers of the matrix belong together?"

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        return [(*site, word) for site in super().sites(right) for word in ("in float64", "in float32")]

    def probabilities(self, here: Node | LossNode, right: Array) -> Array:
        shifted = here.x - here.x.max()
        e = np.exp(shifted.astype(np.float32) if "in float32" in self.site else shifted)
        return (e / e.sum(axis=1, keepdims=True)).astype(here.x.dtype)
