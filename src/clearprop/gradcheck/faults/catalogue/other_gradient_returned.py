"""The mistake: the gradient of another layer returned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.passes import Pass


class OtherGradientReturned(Fault):
    """One gradient is returned under two names, db2 for db1. Each parameter has its own."""

    title = "the gradient of another layer returned"
    mistake = "{extra}"
    remedy = "return each gradient under its own parameter's name"
    hint = "Look at which tensors are kept, overwritten or returned."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        names = list(right.parameters)
        return [("pass", a, b) for a in names for b in names if a != b and a[0] == b[0]]

    def returned(self, here: Pass, right: dict[str, Array]) -> dict[str, Array]:
        a, b = self.site[1:]
        return {**right, a: right[b]}

    def clause(self, right: Pass) -> str:
        return f"d{self.site[2]} is returned for d{self.site[1]}"
