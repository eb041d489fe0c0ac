"""The mistake: 1/B missing: the gradient of the sum, for a loss that is a mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.gradcheck.faults.families import ScaleFault
from clearprop.gradcheck.faults.fault import Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.passes import Pass


class MeanMissing(ScaleFault):
    """The loss is a mean, its gradient that of the sum: 1/B is missing. A mean over N numbers has 1/N in its gradient too."""

    title = "1/B missing: the gradient of the sum, for a loss that is a mean"
    mistake = "1/B is missing in {extra}"
    remedy = "L = (1/B) sum_b L_b has dL = (1/B) sum_b dL_b"
    hint = "Look at how many numbers the loss is a mean of, and where its gradient is divided."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        return super().sites(right) if right.loss.loss.reduction == "mean" and right.loss.count > 1 else []

    @classmethod
    def factor(cls, right: Pass) -> float:
        return float(right.loss.count)
