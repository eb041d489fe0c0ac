"""Gradient checks as assertions, for pytest: the report is the message of the failure."""

from __future__ import annotations

from typing import Any

from clearprop.gradcheck.function_check import check_gradient
from clearprop.gradcheck.layer_check import check_layer
from clearprop.gradcheck.net_check import check
from clearprop.gradcheck.report import GradientReport
from clearprop.nn import Layer, Net


def assert_gradients(subject: Any, *arguments: Any, **options: Any) -> GradientReport:
    """Raise an `AssertionError` with the report as its text unless every gradient is right.

    Parameters
    ----------
    subject : GradientReport, Net, Layer or callable
        A report is taken as it is; a net is passed to `check`, a layer to `check_layer`, a function to `check_gradient`.
    *arguments, **options
        The other arguments of that function.

    Returns
    -------
    GradientReport

    Examples
    --------
    >>> import clearprop as cp
    >>> assert_gradients(cp.Tanh(), (3, 2)).ok
    True
    >>> assert_gradients(lambda x: x * x, lambda x: x, 3.0)
    Traceback (most recent call last):
    AssertionError: gradient of <lambda>: wrong ...
    """
    __tracebackhide__ = True  # pytest then shows the line of the test
    if isinstance(subject, GradientReport):
        report = subject
    elif isinstance(subject, Net):
        report = check(subject, *arguments, **options)
    elif isinstance(subject, Layer):
        report = check_layer(subject, *arguments, **options)
    else:
        report = check_gradient(subject, *arguments, **options)
    if not report.ok:
        raise AssertionError(str(report))
    return report
