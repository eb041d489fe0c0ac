"""Gradient checks: every derivative against finite differences, and the name of the fault where one is wrong."""

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
