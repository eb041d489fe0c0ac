"""Stand-ins for math, and for the built-in functions sum, max and min."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from clearprop.gradcheck.tracing.traced import any_traced, call
from clearprop.gradcheck.tracing.wrappers import Arr, Int, Num

MATH: dict[str, Callable[..., Any]] = {
    "exp": np.exp,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "atan": np.arctan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan2": np.arctan2,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "fabs": np.abs,
    "pow": np.power,
    "hypot": np.hypot,
    "asinh": np.arcsinh,
    "cbrt": np.cbrt,
    "exp2": np.exp2,
}


def math_standin() -> ModuleType:
    """The stand-in of math."""
    module: Any = ModuleType("math")
    for name in dir(math):
        setattr(module, name, getattr(math, name))
    for name, function in MATH.items():
        setattr(module, name, _number_function(getattr(math, name), function))
    module.log = _logarithm
    for name in ("fsum", "dist", "prod", "erf"):
        if name == "fsum":
            setattr(module, name, lambda items: sum(items))
    return module


def _number_function(plainly: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    def replacement(*args: Any) -> Any:
        if not any_traced(args):
            return plainly(*args)
        plainly(*(float(a) for a in args))  # the same errors as in math
        return call(function, tuple(a.item() if isinstance(a, Arr) else a for a in args), {})

    return replacement


def _logarithm(x: Any, base: Any = None) -> Any:
    if not any_traced((x, base)):
        return math.log(x) if base is None else math.log(x, base)
    math.log(float(x))
    made = call(np.log, (x.item() if isinstance(x, Arr) else x,), {})
    return made if base is None else made / math.log(base)


def summed(items: Any, start: Any = 0) -> Any:
    """The built-in sum; over the rows of an array at once."""
    if isinstance(items, Arr) and items.ndim and isinstance(start, int) and not start:
        return call(np.sum, (items,), {"axis": 0})
    return sum(items, start)


def extreme(plainly: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """The built-in max or min, recorded for lists of numbers."""

    def replacement(*args: Any, **kwargs: Any) -> Any:
        items = args[0] if len(args) == 1 else args
        if not kwargs and isinstance(items, (list, tuple, Arr)) and any_traced(items):
            numbers = list(items)
            if numbers and all(isinstance(x, (Num, Int, float, int, np.number)) for x in numbers):
                return call(function, (call(np.array, (numbers,), {}),), {})
        return plainly(*args, **kwargs)

    return replacement


BUILTINS: dict[str, Any] = {"sum": summed, "max": extreme(max, np.max), "min": extreme(min, np.min)}
