"""Gradient checks: every derivative against finite differences, and the name of the mistake."""

from clearprop.gradcheck.asserting import assert_gradients
from clearprop.gradcheck.function_check import check_gradient
from clearprop.gradcheck.layer_check import check_layer
from clearprop.gradcheck.net_check import check
from clearprop.gradcheck.problem import Problem
from clearprop.gradcheck.report import Report, TensorResult
from clearprop.gradcheck.step_check import check_step

__all__ = ["Problem", "Report", "TensorResult", "assert_gradients", "check", "check_gradient", "check_layer", "check_step"]
