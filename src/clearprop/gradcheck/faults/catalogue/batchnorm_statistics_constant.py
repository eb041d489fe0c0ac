"""The mistake: BatchNorm's statistics treated as constants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import BatchNormFault
from clearprop.nn import BatchNorm

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class BatchnormStatisticsConstant(BatchNormFault):
    """Mean and variance are treated as constants, so that two of the three paths from x to x_hat are lost."""

    title = "BatchNorm's statistics treated as constants"
    mistake = "mean and variance of BatchNorm are treated as constants"
    remedy = "dx_b = s (dx_hat_b - mean_c(dx_hat_c) - x_hat_b mean_c(dx_hat_c x_hat_c)), with dx_hat = gamma dy"
    hint = "Look at BatchNorm: on which examples do the mean and the variance depend?"

    def dx(self, here: Node, right: Array) -> Array:
        gamma = here.layer.gamma if isinstance(here.layer, BatchNorm) else 1.0
        d = here.dy * gamma
        return here.s * d
