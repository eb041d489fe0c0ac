"""The functions that a recorded operation may be made of: each has a name here, by which another process finds it again.

Nothing else is ever called from outside: functions that read files, or call what they are given, are not in the table.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing import recorded_functions, trace

REFUSED: Final = {
    "load", "save", "savez", "savez_compressed", "loadtxt", "savetxt", "genfromtxt", "fromfile", "fromregex", "fromfunction",
    "fromiter", "apply_along_axis", "apply_over_axes", "piecewise", "frompyfunc", "from_dlpack", "asarray_chkfinite", "info",
    "set_printoptions", "seterr", "seterrcall", "setbufsize", "show_config", "show_runtime", "get_include", "test",
    "array2string", "array_repr", "array_str", "save_mask", "geterr", "geterrcall", "get_printoptions", "printoptions",
    "errstate", "nested_iters", "getbufsize",
    "typename", "mintypecode", "require", "byte_bounds", "disp", "source", "lookfor", "deprecate",
}  # fmt: skip
"""Functions of NumPy that read, write, change settings, or call what they are given."""

OWN: Final[dict[str, Callable[..., Any]]] = {
    "get": trace.get,
    "put": trace.put,
    "as_float": trace.as_float,
    "part": recorded_functions.part,
    "scatter": recorded_functions.scatter,
    "masked_call": recorded_functions.masked_call,
    "write_view": recorded_functions.write_view,
    "as_type": recorded_functions.as_type,
}
METHODS: Final = ("reduce", "accumulate", "outer", "reduceat")


@cache
def functions() -> dict[str, Callable[..., Any]]:
    """All functions by name, but for those of SciPy."""
    found: dict[str, Callable[..., Any]] = {f"own.{name}": function for name, function in OWN.items()}
    for prefix, module in (("numpy.linalg", np.linalg), ("numpy.fft", np.fft), ("numpy", np)):
        for name, thing in vars(module).items():
            if not name.startswith("_") and name not in REFUSED and is_function(thing):
                found[f"{prefix}.{name}"] = thing
    return found


def is_function(thing: Any) -> bool:
    """Whether it is a plain function: no class, no module, no object."""
    return (
        isinstance(thing, np.ufunc)
        or inspect.isfunction(thing)
        or inspect.isbuiltin(thing)
        or type(thing) is type(np.sum)  # a function of NumPy that other arrays may override
    )


@cache
def special() -> dict[str, Callable[..., Any]]:
    """The functions of scipy.special that work number by number; none without SciPy."""
    try:
        from scipy import special as module
    except ImportError:
        return {}
    return {f"scipy.special.{name}": thing for name, thing in vars(module).items() if isinstance(thing, np.ufunc)}


@cache
def names() -> dict[int, str]:
    """The name of each function, by its identity."""
    return {id(function): name for name, function in functions().items()}


def name_of_function(function: Any) -> str | None:
    """The name of a function; None if it may not be called from outside.

    Examples
    --------
    >>> name_of_function(np.tanh), name_of_function(np.load), name_of_function(np.maximum.accumulate)
    ('numpy.tanh', None, 'numpy.maximum:accumulate')
    """
    found = names().get(id(function))
    if found is not None:
        return found
    if isinstance(function, np.ufunc):
        return next((name for name, each in special().items() if each is function), None)
    base, method = getattr(function, "__self__", None), getattr(function, "__name__", "")
    if isinstance(base, np.ufunc) and method in METHODS and id(base) in names():
        return f"{names()[id(base)]}:{method}"
    return None


def function_of_name(name: str) -> Callable[..., Any] | None:
    """The function of a name; None if there is none.

    Examples
    --------
    >>> function_of_name("numpy.tanh") is np.tanh, function_of_name("os.system")
    (True, None)
    """
    base, _, method = name.partition(":")
    found = special().get(base) if base.startswith("scipy.") else functions().get(base)
    if not method:
        return found
    return getattr(found, method) if isinstance(found, np.ufunc) and method in METHODS else None
