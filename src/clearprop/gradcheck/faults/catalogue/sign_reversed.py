"""The mistake: sign reversed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.gradcheck.faults.families import ScaleFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.passes import Pass


class SignReversed(ScaleFault):
    """Minus the gradient: the descent climbs. The gradient points uphill; the minus belongs into the update alone."""

    title = "sign reversed"
    mistake = "the sign of {extra} is reversed"
    remedy = "theta <- theta - lr * grad, with grad = +dL/dtheta"
    hint = "Which way is uphill?"

    @classmethod
    def factor(cls, right: Pass) -> float:
        return -1.0
