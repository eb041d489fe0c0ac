"""The mistake: a factor of 1/2 too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.gradcheck.faults.families import ScaleFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.passes import Pass


class Halved(ScaleFault):
    """A factor of 1/2 too many: the loss is (y_hat - y)^2, and its gradient that of half of it.

    The derivative of u^2 is 2 u.
    """

    title = "a factor of 1/2 too many"
    mistake = "there is a factor of 1/2 too many in {extra}"
    remedy = "d(u^2)/du = 2 u; without the 2, it is the gradient of half the square"
    hint = "Look for a constant factor."

    @classmethod
    def factor(cls, right: Pass) -> float:
        return 0.5
