"""The mistake: bias left out of the forward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import LinearFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class BiasMissing(LinearFault):
    """The forward pass leaves the bias out. z = x W + b."""

    title = "bias left out of the forward pass"
    mistake = "the forward pass leaves out b{place}"
    remedy = "z = x W + b"
    hint = "Look at the forward pass."

    def value(self, here: Node, right: Array) -> Array:
        return right - here.b
