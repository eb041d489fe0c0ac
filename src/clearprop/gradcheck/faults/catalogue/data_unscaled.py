"""The mistake: raw data instead of scaled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.fault import Fault, Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.passes import Pass


class DataUnscaled(Fault):
    """The net is given the raw 0 ... 255 pixels, although the scaled ones were computed (or they are scaled twice)."""

    title = "raw data instead of scaled"
    mistake = "the inputs are {extra}"
    remedy = "X / 255, once, and the same X in forward and backward"
    hint = "Look at which of the two data arrays is used."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        return [("data", "255 times as large (not scaled)"), ("data", "divided by 255 once more")]

    def data(self, here: Pass, right: Array) -> Array:
        return right * 255.0 if "255 times as large (not scaled)" in self.site else right / 255.0
