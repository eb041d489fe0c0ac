"""The mistake: two gradients exchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.passes import Pass


class GradientsExchanged(Fault):
    """Two gradients change places in the return statement. Each gradient has the place of its parameter."""

    title = "two gradients exchanged"
    mistake = "{extra} change places"
    remedy = "return the gradients in the order of their parameters"
    hint = "Look at which tensors are kept, overwritten or returned."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        names = list(right.parameters)
        return [("pass", a, b) for i, a in enumerate(names) for b in names[i + 1 :] if a[0] == b[0]]

    def returned(self, here: Pass, right: dict[str, Array]) -> dict[str, Array]:
        a, b = self.site[1:]
        return {**right, a: right[b], b: right[a]}

    def clause(self, right: Pass) -> str:
        return self.mistake.format(extra=" and ".join(f"d{name}" for name in self.site[1:]))
