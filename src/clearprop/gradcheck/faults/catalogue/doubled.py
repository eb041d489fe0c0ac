"""The mistake: a factor of 2 too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.gradcheck.faults.families import ScaleFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.passes import Pass


class Doubled(ScaleFault):
    """A factor of 2 too many, such as the 2 of a square whose loss has 1/2 in front. The derivative of c u^2 is 2 c u."""

    title = "a factor of 2 too many"
    mistake = "there is a factor of 2 too many in {extra}"
    remedy = "d(c u^2)/du = 2 c u: the factor in front of the loss and the exponent both count, once"
    hint = "Look for a constant factor."

    @classmethod
    def factor(cls, right: Pass) -> float:
        return 2.0
