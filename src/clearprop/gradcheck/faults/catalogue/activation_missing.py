"""The mistake: activation left out of the forward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import ActivationFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Node


class ActivationMissing(ActivationFault):
    """The forward pass leaves the activation out. a = f(z)."""

    title = "activation left out of the forward pass"
    mistake = "the forward pass leaves out {function}{place}"
    remedy = "a = f(z) between two linear layers"
    hint = "Look at the forward pass."

    def value(self, here: Node, right: Array) -> Array:
        return here.x
