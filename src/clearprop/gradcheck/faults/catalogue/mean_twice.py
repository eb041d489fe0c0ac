"""The mistake: 1/B twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.gradcheck.faults.families import ScaleFault
from clearprop.gradcheck.faults.fault import Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.passes import Pass


class MeanTwice(ScaleFault):
    """Divided by B once in the loss's derivative and once more afterwards. One division makes a mean of a sum."""

    title = "1/B twice"
    mistake = "there is a factor of 1/B too many in {extra}"
    remedy = "L = (1/B) sum_b L_b has dL = (1/B) sum_b dL_b, with 1/B once"
    hint = "Look at how many numbers the loss is a mean of, and where its gradient is divided."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        if right.loss.loss.reduction != "mean" or right.batch < 2:
            return []
        return super().sites(right)

    @classmethod
    def factor(cls, right: Pass) -> float:
        return 1.0 / right.batch
