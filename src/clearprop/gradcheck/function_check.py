"""Checking the gradient of any scalar function."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from clearprop.gradcheck.comparison import TOLERANCE
from clearprop.gradcheck.function_objective import FunctionObjective
from clearprop.gradcheck.naming import name_by_structure
from clearprop.gradcheck.plan import run_plan
from clearprop.gradcheck.report import INCONCLUSIVE, Report, TensorResult


def check_gradient(
    f: Callable[[Any], Any],
    grad: Any,
    x: Any,
    method: str = "auto",
    tolerance: float = TOLERANCE,
    seed: int = 0,
    title: str = "",
    batch: int | None = None,
) -> Report:
    """Compare a gradient with finite differences of its function.

    Parameters
    ----------
    f : callable
        x -> one number. It may return a pair (value, gradient); give None for `grad` then.
    grad : callable, array, dict, list or None
        x -> gradient, in the form of x; or the gradient at x itself. A function is better: elements that stand on a kink
        can then be compared beside it.
    x : array, float, or dict or (nested) list of them
        NumPy arrays, torch tensors or lists of floats. f gets the same in float64.
    method, tolerance, seed
        As for `run_plan`.
    title : str
        What to call it in the report.
    batch : int, optional
        The number of examples in f, if it has any: lets the report name a factor of it.

    Returns
    -------
    Report

    Raises
    ------
    ShapeError
        If f does not return one number, or the gradient has not the form of x.

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
        tensors = [TensorResult(name, array.shape, INCONCLUSIVE) for name, array in objective.arrays.items()]
        return Report(title, tensors, objective.notes, [], objective.evaluations, time.perf_counter() - started)
    analytic = objective.given()
    tensors, numeric, notes = run_plan(objective, analytic, method, tolerance, seed)
    suspects = name_by_structure(tensors, analytic, numeric, batch)
    seconds = time.perf_counter() - started
    return Report(title, tensors, [*objective.notes, *notes], suspects, objective.evaluations, seconds)
