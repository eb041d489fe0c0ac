"""The mistake: softmax without its denominator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import SoftmaxFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import LossNode, Node


class SoftmaxUnnormalised(SoftmaxFault):
    """exp(z) without the sum below it. p_i = exp(z_i) / sum_j exp(z_j)."""

    title = "softmax without its denominator"
    mistake = "softmax lacks its denominator"
    remedy = "p_bi = exp(z_bi) / sum_j exp(z_bj)"
    hint = "Look at the softmax: which numbers of the matrix belong together?"

    def total(self, here: Node | LossNode, right: Array) -> Array:
        return np.ones_like(right)
