"""The mistake: L2 applied to biases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import each_and_all
from clearprop.gradcheck.faults.fault import Fault, Site

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Parameter
    from clearprop.gradcheck.faults.passes import Pass


class PenaltyOnBiases(Fault):
    """l2 b is added to the gradients of the biases, which the penalty of this loss does not hold."""

    title = "L2 applied to biases"
    mistake = "the L2 term is applied to the biases too ({extra})"
    remedy = "dW = x^T dy + l2 W, for l2/2 |W|^2 in the loss; db without it"
    hint = "Look at the penalty's share of the gradients."

    @classmethod
    def sites(cls, right: Pass) -> list[Site]:
        names = [name for name in right.parameters if name[0] == "b" and name[1:].isdigit()]
        return list(reversed(each_and_all(names))) if right.problem.l2 else []

    def penalty(self, here: Parameter, right: Array) -> Array:
        return here.tape.problem.l2 * here.value

    def clause(self, right: Pass) -> str:
        return self.mistake.format(extra=" and ".join(f"d{name}" for name in self.site))
