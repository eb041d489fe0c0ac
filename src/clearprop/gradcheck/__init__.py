"""Gradient checks: every derivative against finite differences, and the name of the fault where one is wrong.

The names are imported when they are first used (PEP 562): to have a program checked in another process, nothing is needed here.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what the table below says, for type checkers and editors
    from clearprop.gradcheck.asserting import assert_gradients
    from clearprop.gradcheck.function_check import check_gradient
    from clearprop.gradcheck.layer_check import check_layer
    from clearprop.gradcheck.net_check import check
    from clearprop.gradcheck.program_check import check_program
    from clearprop.gradcheck.report import GradientReport, Suspect, TensorResult
    from clearprop.gradcheck.step import Step
    from clearprop.gradcheck.step_check import check_step
    from clearprop.gradcheck.tracing.function_classes import check_function

__all__ = [
    "GradientReport",
    "Step",
    "Suspect",
    "TensorResult",
    "assert_gradients",
    "check",
    "check_function",
    "check_gradient",
    "check_layer",
    "check_program",
    "check_step",
]


HOMES = {
    "asserting": "assert_gradients",
    "function_check": "check_gradient",
    "layer_check": "check_layer",
    "net_check": "check",
    "program_check": "check_program",
    "report": "GradientReport Suspect TensorResult",
    "step": "Step",
    "step_check": "check_step",
    "tracing.function_classes": "check_function",
}
"""Module -> public names that it defines."""
_PLACES = {name: f"{__name__}.{home}" for home, names in HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Import a public name, and keep it."""
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(place), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
