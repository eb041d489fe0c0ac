"""The mistake: dgamma with x instead of x_hat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import BatchNormFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class BatchnormGammaFromInput(BatchNormFault):
    """dgamma is computed with x instead of the standardised x_hat. gamma multiplies x_hat: dgamma = sum_b dy_b x_hat_b."""

    title = "dgamma with x instead of x_hat"
    mistake = "dgamma is computed with x instead of x_hat"
    remedy = "dgamma = sum_b dy_b x_hat_b"
    hint = "Look at what gamma multiplies."

    def dW(self, here: Node, right: Array) -> Array:
        return (here.dy * here.x).sum(axis=0)
