"""From a wrong gradient to the mistakes that explain it: the way to the fault dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.report import WRONG, TensorResult

if TYPE_CHECKING:
    from clearprop.gradcheck.faults import Suspect
    from clearprop.gradcheck.problem import Problem


def name_in_network(problem: Problem, tensors: list[TensorResult], analytic: dict[str, Array]) -> list[Suspect]:
    """The catalogue's mistakes that give just this gradient, in a network that is known; none if nothing is wrong."""
    if all(tensor.verdict != WRONG for tensor in tensors):
        return []
    from clearprop.gradcheck.faults import name_faults

    return name_faults(problem, analytic)


def name_by_structure(
    tensors: list[TensorResult], analytic: dict[str, Array], numeric: dict[str, Array], batch: int | None
) -> list[Suspect]:
    """What the ratio, order and zeros of wrong arrays say, where the network is unknown."""
    wrong = [tensor.name for tensor in tensors if tensor.verdict == WRONG]
    known = {name: slopes for name, slopes in numeric.items() if name in analytic and np.isfinite(slopes).all()}
    if not set(wrong) & set(known):
        return []
    from clearprop.gradcheck.faults import name_structure

    return name_structure({name: analytic[name] for name in known}, known, batch)
