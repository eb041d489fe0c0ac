"""The mistake: gamma left out of BatchNorm's dx."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import BatchNormFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class BatchnormGammaMissing(BatchNormFault):
    """gamma is left out of dx: dx_hat = gamma dy."""

    title = "gamma left out of BatchNorm's dx"
    mistake = "gamma is left out of dx"
    remedy = "dx_b = s (dx_hat_b - mean_c(dx_hat_c) - x_hat_b mean_c(dx_hat_c x_hat_c)), with dx_hat = gamma dy"
    hint = "Look at BatchNorm's scale."

    def dx(self, here: Node, right: Array) -> Array:
        d = here.dy
        return here.s * (d - d.mean(axis=0) - here.x_hat * (d * here.x_hat).mean(axis=0))
