"""The mistake: softmax over the wrong axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import SoftmaxFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode, Node


class SoftmaxColumns(SoftmaxFault):
    """Normalised down the columns, over the batch, instead of along each example's row.

    Each example's probabilities sum to 1.
    """

    title = "softmax over the wrong axis"
    mistake = "softmax runs down the columns (over the batch) instead of along the rows"
    remedy = "p_bi = exp(z_bi) / sum_j exp(z_bj), sums along each row"
    hint = "Look at the softmax: which numbers of the matrix belong together?"

    def probabilities(self, here: Node | LossNode, right: Array) -> Array:
        e = np.exp(here.x - here.x.max(axis=0))
        return e / e.sum(axis=0)
