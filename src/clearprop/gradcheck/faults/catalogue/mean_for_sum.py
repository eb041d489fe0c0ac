"""The mistake: divided by B, for a loss that is a sum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.gradcheck.faults.families import ScaleFault
from clearprop.gradcheck.faults.fault import Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.passes import Pass


class MeanForSum(ScaleFault):
    """The loss is a sum, its gradient that of the mean. The gradient of a sum is the sum of the gradients."""

    title = "divided by B, for a loss that is a sum"
    mistake = "there is a factor of 1/B in {extra}, although the loss is a sum"
    remedy = "L = sum_b L_b has dL = sum_b dL_b, without 1/B"
    hint = "Look at how many numbers the loss is a mean of, and where its gradient is divided."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        return super().sites(right) if right.loss.loss.reduction == "sum" and right.batch > 1 else []

    @classmethod
    def factor(cls, right: Pass) -> float:
        return 1.0 / right.loss.count
