"""The mistake: the parameter returned instead of its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop.arrays import Array
from clearprop.gradcheck.faults.families import ParameterFault

if TYPE_CHECKING:
    from clearprop.gradcheck.faults.nodes import Parameter


class ParameterReturned(ParameterFault):
    """The parameter is returned instead of its gradient. The gradient is a derivative, with the parameter's shape."""

    title = "the parameter returned instead of its gradient"
    mistake = "the parameter itself is returned as {extra}"
    remedy = "return dW and db, the derivatives, under those names"
    hint = "Look at which tensors are kept, overwritten or returned."

    def gradient(self, here: Parameter, right: Array) -> Array:
        return here.value
