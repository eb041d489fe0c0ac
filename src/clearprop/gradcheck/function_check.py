"""Checking the gradient of any scalar function."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from clearprop.arguments import checked
from clearprop.gradcheck.numeric.comparator import TOLERANCE
from clearprop.gradcheck.numeric.function_objective import FunctionObjective
from clearprop.gradcheck.numeric.methods import Method, compare_gradients, inconclusive
from clearprop.gradcheck.report import GradientReport
from clearprop.gradcheck.suspects import find_patterns
from clearprop.gradcheck.turned_inputs import find_turned


@checked
def check_gradient(
    f: Callable[[Any], Any],
    grad: Any,
    x: Any,
    method: Method = "auto",
    tolerance: float = TOLERANCE,
    seed: int = 0,
    title: str = "",
    batch: int | None = None,
) -> GradientReport:
    """Compare a gradient with finite differences of its function.

    Parameters
    ----------
    f : callable
        Function x -> one number. It may return a pair (value, gradient); give None for `grad` then.
    grad : callable, array, dict, list or None
        Function x -> gradient, in the form of x; or the gradient at x itself. A function is better: elements that stand on
        a kink can then be compared beside it.
    x : array, float, or dict or (nested) list of them
        NumPy arrays, torch tensors or lists of floats. f gets the same in float64.
    method, tolerance, seed
        As for `check`.
    title : str
        Title of the report.
    batch : int, optional
        Number of examples in the batch that f is about, so that the report can name a factor of it.

    Returns
    -------
    GradientReport

    Raises
    ------
    ShapeError
        If f does not return one number, or the gradient does not have the form of x.

    Examples
    --------
    >>> import numpy as np
    >>> report = check_gradient(lambda x: (x**3).sum(), lambda x: 3 * x**2, np.array([1.0, -2.0]))
    >>> report.ok
    True
    >>> check_gradient(lambda x: (x**3).sum(), lambda x: 3 * x, np.array([1.0, -2.0]))["x"].index
    (1,)
    """
    started = time.perf_counter()
    objective = FunctionObjective(f, grad, x)
    title = title or f"gradient of {getattr(f, '__name__', type(f).__name__)}"
    if objective.random:
        seconds = time.perf_counter() - started
        return GradientReport(title, inconclusive(objective), objective.notes, [], objective.evaluations, seconds)
    analytic = objective.given()
    tensors, numeric, notes = compare_gradients(objective, analytic, method, tolerance, seed)
    suspects = find_turned(objective, tensors, numeric) or find_patterns(tensors, analytic, numeric, batch)
    seconds = time.perf_counter() - started
    return GradientReport(title, tensors, [*objective.notes, *notes], suspects, objective.evaluations, seconds)
