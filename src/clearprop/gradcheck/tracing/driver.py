"""The driver: makes the calls where a program only defines things.

Functions and classes are recognised by what they are called and by what they take. Each convention stands in a file of its own
in `conventions/`; what it recognises is called with guessed arguments, watched, and judged like a program that makes these
calls itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Final

from clearprop.gradcheck.tracing.conventions.adapter_functions import AdapterFunctions
from clearprop.gradcheck.tracing.conventions.autograd_functions import AutogradFunctions
from clearprop.gradcheck.tracing.conventions.convention import Convention, Definitions, DrivenUnit
from clearprop.gradcheck.tracing.conventions.derivative_functions import DerivativesOfOne, DerivativesOfSeveral
from clearprop.gradcheck.tracing.conventions.forward_backward_pairs import ForwardBackwardPairs
from clearprop.gradcheck.tracing.conventions.layer_chains import LayerChains
from clearprop.gradcheck.tracing.conventions.layer_classes import LayerClasses
from clearprop.gradcheck.tracing.conventions.loss_and_gradients import LossAndGradients
from clearprop.gradcheck.tracing.conventions.loss_classes import LossClasses
from clearprop.gradcheck.tracing.conventions.names import looks_backward
from clearprop.gradcheck.tracing.conventions.network_classes import NetworkClasses
from clearprop.gradcheck.tracing.conventions.parameter_functions import ParameterFunctions
from clearprop.gradcheck.tracing.judge import Bench

SIMPLE: Final[tuple[type[Convention], ...]] = (AdapterFunctions, DerivativesOfOne, DerivativesOfSeveral)
"""Looked at in every program."""
WHOLE: Final[tuple[type[Convention], ...]] = (
    ForwardBackwardPairs,
    LayerChains,
    AutogradFunctions,
    LossClasses,
    LayerClasses,
    NetworkClasses,
    ParameterFunctions,
    LossAndGradients,
)
"""Looked at where a program takes no steps itself; each leaves alone what an earlier one has used."""


class Driver:
    """Finds what a program defines and can be checked.

    Parameters
    ----------
    namespace : dict
    sources : dict of str to str
    seed : int
    bench : Bench
        Where verdicts come from.
    asked : sequence of str
        Names that were asked for: a function without arguments among them is an adapter.
    """

    def __init__(
        self, namespace: dict[str, Any], sources: dict[str, str], seed: int, bench: Bench, asked: Sequence[str] = ()
    ) -> None:
        self.program = Definitions(namespace, sources, seed, bench, asked)

    def units(self, simple: bool = False) -> list[DrivenUnit]:
        """All that is recognised; where the program takes steps itself, only functions with their derivatives."""
        found: list[DrivenUnit] = []
        used: set[str] = set()
        for convention in SIMPLE if simple else (*SIMPLE, *WHOLE):
            for unit in convention(self.program).units(used):
                found.append(unit)
                used |= unit.uses
        return found

    def left_over(self, units: list[DrivenUnit], ran: set[str]) -> list[str]:
        """Functions and classes that look like back-propagation, belong to no unit, and did not run.

        Parameters
        ----------
        units : list of DrivenUnit
        ran : set of str
            Names of the functions and methods that ran in a step.
        """
        used = {name for unit in units for name in unit.uses} | ran
        functions = [n for n, f in self.program.functions.items() if looks_backward(n, f) and n not in used]
        classes = [
            n
            for n, c in self.program.classes.items()
            if n not in used
            and any(looks_backward(f.__name__, f) and f.__name__ not in ran for f in vars(c).values() if inspect.isfunction(f))
        ]
        return [*functions, *classes]
