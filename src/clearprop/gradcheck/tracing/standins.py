"""Stand-ins for numpy and scipy: the true functions, which make and take traced values.

A function that creates an array makes a leaf; every other function goes through `call` once a traced value is among its
arguments.
"""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType
from typing import Any

import numpy as np

from clearprop.gradcheck.tracing.matrices import FOLDS, Matrix, folded, matrix
from clearprop.gradcheck.tracing.numpy_functions import Joined, Ufunc, Vectorized, array_of, numpy_function
from clearprop.gradcheck.tracing.random_standins import numpy_random
from clearprop.gradcheck.tracing.traced import call, plain
from clearprop.gradcheck.tracing.wrappers import Arr


def numpy_standin() -> ModuleType:
    """The module that the program gets for numpy."""
    module: Any = ModuleType("numpy")
    for name in dir(np):
        thing = getattr(np, name)
        if isinstance(thing, np.ufunc):
            setattr(module, name, Ufunc(thing))
        elif inspect.isfunction(thing) or inspect.isbuiltin(thing) or type(thing).__name__ == "_ArrayFunctionDispatcher":
            setattr(module, name, numpy_function(name, thing))
        else:
            setattr(module, name, thing)
    for name, function in SPECIAL.items():
        setattr(module, name, function)
    for name in FOLDS:
        setattr(module, name, folded(name, getattr(module, name)))
    module.ndarray = Arr
    module.vectorize = Vectorized
    module.random = numpy_random()
    module.linalg = wrapped_module(np.linalg, "numpy.linalg", {"norm": norm})
    module.r_ = Joined(columns=False)
    module.c_ = Joined(columns=True)
    for old, new in (
        ("float_", np.float64),
        ("product", np.prod),
        ("in1d", np.isin),
        ("row_stack", np.vstack),
        ("Inf", np.inf),
    ):
        if old not in vars(module):
            setattr(module, old, numpy_function(old, new) if callable(new) and not isinstance(new, type) else new)
    for old, kind in (("float", float), ("int", int), ("bool", bool), ("object", object)):  # as programs of before 2023 write
        setattr(module, old, kind)
    module.__all__ = [*module.__all__, *SPECIAL]  # `from numpy import *` brings what older versions had, too
    return module


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The Euclidean norm by its definition; others as NumPy has them."""
    x = array_of("asarray", x)
    if ord in (None, 2, "fro") and (x.ndim == 1 or ord != 2 or axis is not None):
        return call(np.sqrt, (call(np.sum, (call(np.multiply, (x, x), {}),), {"axis": axis, "keepdims": keepdims}),), {})
    if ord == 1 and (x.ndim == 1 or axis is not None):
        return call(np.sum, (call(np.abs, (x,), {}),), {"axis": axis, "keepdims": keepdims})
    return call(np.linalg.norm, (x, ord, axis, keepdims), {})


def apply_along_axis(function: Any, axis: int, x: Any, *args: Any, **kwargs: Any) -> Any:
    """The function on each line of x."""
    x = call(np.moveaxis, (array_of("asarray", x), axis, -1), {})
    lines = call(np.reshape, (x, (-1, x.shape[-1])), {})
    made = array_of("array", [function(line, *args, **kwargs) for line in lines])
    return (
        call(np.moveaxis, (call(np.reshape, (made, (*x.shape[:-1], *made.shape[1:])), {}), -1, axis), {})
        if made.ndim > 1
        else (call(np.reshape, (made, x.shape[:-1]), {}))
    )


def append(x: Any, values: Any, axis: Any = None) -> Any:
    """np.append as a concatenation."""
    parts = [array_of("asarray", x), array_of("asarray", values)]
    if axis is None:
        parts = [call(np.ravel, (each,), {}) for each in parts]
    return call(np.concatenate, (parts,), {"axis": axis or 0})


def copyto(target: Any, source: Any, **kwargs: Any) -> None:
    """np.copyto."""
    target[...] = source


def nditer(x: Any, *args: Any, **kwargs: Any) -> Any:
    """np.nditer over true values."""
    return np.nditer(np.array(plain(x)), *args, **kwargs)


def total(x: Any, *args: Any, **kwargs: Any) -> Any:
    """np.sum, which takes generators, too."""
    if inspect.isgenerator(x):
        return sum(x)
    return numpy_function("sum", np.sum)(x, *args, **kwargs)


def ravel(x: Any, *args: Any, **kwargs: Any) -> Any:
    """np.ravel, which makes one axis of a matrix, too, as its own method does not."""
    array: Any = x.getA() if isinstance(x, Matrix) else array_of("asarray", x)
    return array.ravel(*args, **kwargs)


def reshape(x: Any, shape: Any = None, order: str = "C", newshape: Any = None, **kwargs: Any) -> Any:
    """np.reshape, with as many rows as there are."""
    return array_of("asarray", x).reshape(newshape if shape is None else shape, order=order)


SPECIAL: dict[str, Any] = {
    "reshape": reshape,
    "ravel": ravel,
    "apply_along_axis": apply_along_axis,
    "append": append,
    "copyto": copyto,
    "nditer": nditer,
    "sum": total,
    "matrix": matrix,
    "asmatrix": matrix,
    "mat": matrix,
    "shape": lambda x: np.shape(plain(x)),
    "ndim": lambda x: np.ndim(plain(x)),
    "size": lambda x, axis=None: np.size(plain(x), axis),
    "save": lambda *a, **k: None,
    "savez": lambda *a, **k: None,
    "savetxt": lambda *a, **k: None,
    "isnan": Ufunc(np.isnan),
    "asfarray": lambda x, dtype=float: array_of("asarray", x, dtype=float),
    "alltrue": numpy_function("all", np.all),
    "sometrue": numpy_function("any", np.any),
    "asscalar": lambda x: x.item(),
    "NaN": np.nan,
    "infty": np.inf,
    "round_": numpy_function("round", np.round),
}


def wrapped_module(source: ModuleType, name: str, special: dict[str, Any] | None = None) -> ModuleType:
    """A module whose functions take traced values."""
    module = ModuleType(name)
    for each in dir(source):
        thing = getattr(source, each)
        if isinstance(thing, np.ufunc):
            setattr(module, each, Ufunc(thing))
        elif callable(thing) and not isinstance(thing, type):
            setattr(module, each, numpy_function(each, thing))
        else:
            setattr(module, each, thing)
    for each, thing in (special or {}).items():
        setattr(module, each, thing)
    return module


def scipy_special() -> ModuleType:
    """The stand-in of scipy.special; softmax and its logarithms by their definitions."""

    def softmax(x: Any, axis: Any = None) -> Any:
        e = call(np.exp, (x - call(np.max, (x,), {"axis": axis, "keepdims": True}),), {})
        return e / call(np.sum, (e,), {"axis": axis, "keepdims": True})

    def logsumexp(x: Any, axis: Any = None, keepdims: bool = False, **kwargs: Any) -> Any:
        return call(np.log, (call(np.sum, (call(np.exp, (x,), {}),), {"axis": axis, "keepdims": keepdims}),), {})

    def log_softmax(x: Any, axis: Any = None) -> Any:
        return x - logsumexp(x, axis=axis, keepdims=True)

    own = {"softmax": softmax, "logsumexp": logsumexp, "log_softmax": log_softmax}
    return wrapped_module(importlib.import_module("scipy.special"), "scipy.special", own)


def scipy_signal() -> ModuleType:
    """The stand-in of scipy.signal."""
    return wrapped_module(importlib.import_module("scipy.signal"), "scipy.signal")
