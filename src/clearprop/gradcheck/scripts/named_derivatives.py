"""The convention of names: `tanh` and `tanh_prime`, `sigmoid` and `d_sigmoid`, `relu` and `relu_derivative`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from clearprop.gradcheck.function_check import check_gradient
from clearprop.gradcheck.scripts.file_outcome import FunctionOutcome

PATTERNS = (
    r"^(.+?)_?(?:prime|derivative|deriv|grad|gradient|backward)$",
    r"^(?:d|grad|deriv|derivative_of)_(.+)$",
    r"^d([a-z]{3,})$",
)


def find_derivatives(own: dict[str, Any]) -> list[tuple[str, str]]:
    """Pairs of a function of one argument and the function named as its derivative.

    Examples
    --------
    >>> find_derivatives({"f": lambda z: z * z, "f_prime": lambda z: 2 * z})
    [('f', 'f_prime')]
    """
    simple = {
        name for name, thing in own.items() if inspect.isfunction(thing) and len(inspect.signature(thing).parameters) == 1
    }
    pairs = []
    for name in own:
        bases = [match.group(1) for pattern in PATTERNS if (match := re.match(pattern, name))]
        base = next((b for b in bases if b in simple), None)
        if base and name in simple:
            pairs.append((base, name))
    return pairs


def derivative_case(
    function: Callable[[Any], Any], derivative: Callable[[Any], Any], name: str, seed: int
) -> Callable[[], FunctionOutcome]:
    """The work: the derivative at z, or, where that is not right, as a function of the value a = f(z)."""

    def work() -> FunctionOutcome:
        z = np.random.default_rng(seed).normal(size=6)

        def f(x: Any) -> Any:
            return np.sum(_apply(function, x))

        at_z = check_gradient(f, lambda x: _apply(derivative, x), z, seed=seed, title=name)
        if at_z.ok:
            return FunctionOutcome.of(name, "derivative of a function", at_z)
        at_a = check_gradient(f, lambda x: _apply(derivative, _apply(function, x)), z, seed=seed, title=name)
        if at_a.ok:
            at_a.notes.append(f"{name} is right as a function of the value a, not of z: call it with {function.__name__}(z).")
            return FunctionOutcome.of(name, "derivative of a function", at_a)
        return FunctionOutcome.of(name, "derivative of a function", at_z)

    return work


def _apply(function: Callable[[Any], Any], x: Any) -> Any:
    """The function on an array, or on each of its numbers if it takes no array."""
    try:
        y = np.asarray(function(np.array(x)), dtype=np.float64)
        if y.shape == np.shape(x):
            return y
    except (TypeError, ValueError):
        pass
    return np.array([float(function(float(number))) for number in np.ravel(x)]).reshape(np.shape(x))
