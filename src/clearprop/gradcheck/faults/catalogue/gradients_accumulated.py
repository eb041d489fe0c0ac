"""The mistake: gradients accumulated from the last step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.passes import Pass


class GradientsAccumulated(Fault):
    """The gradients of the last step are still in the arrays: += without setting them to zero.

    Without a record of that step, the same step taken twice is assumed.
    """

    title = "gradients accumulated from the last step"
    mistake = "the gradients of the last step are still in the arrays (not zeroed)"
    remedy = "grad = 0 at the start of every step; then +="
    hint = "Look at which tensors are kept, overwritten or returned."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        return [("pass",)]

    def returned(self, here: Pass, right: dict[str, Array]) -> dict[str, Array]:
        previous = here.previous
        before = type(here)(previous).run().gradients if previous is not None else right
        return {name: g if name == "dX" or before[name].shape != g.shape else g + before[name] for name, g in right.items()}
