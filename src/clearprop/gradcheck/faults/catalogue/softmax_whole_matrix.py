"""The mistake: softmax over the whole matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import SoftmaxFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode, Node


class SoftmaxWholeMatrix(SoftmaxFault):
    """Normalised over the whole matrix: all probabilities of the batch sum to 1. Each example's must."""

    title = "softmax over the whole matrix"
    mistake = "softmax runs over the whole matrix instead of along each row"
    remedy = "p_bi = exp(z_bi) / sum_j exp(z_bj), sums along each row"
    hint = "Look at the softmax: which numbers of the matrix belong together?"

    def probabilities(self, here: Node | LossNode, right: Array) -> Array:
        e = np.exp(here.x - here.x.max())
        return e / e.sum()
