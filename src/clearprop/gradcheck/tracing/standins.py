"""Stand-ins for numpy, math, random and scipy: the true functions, which make and take traced values.

A function that creates an array makes a leaf; every other function goes through `call` once a traced value is among its
arguments. Random generators start from fixed seeds, whether the program sets one or not.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import math
import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from clearprop.gradcheck.tracing.wrappers import (
    TRACE,
    Arr,
    Int,
    Num,
    Traced,
    any_traced,
    call,
    leaf,
    masked_call,
    plain,
    scatter,
)

CREATING = {
    "zeros",
    "ones",
    "full",
    "empty",
    "eye",
    "identity",
    "linspace",
    "arange",
    "logspace",
    "loadtxt",
    "genfromtxt",
    "fromstring",
    "frombuffer",
    "fromfunction",
    "fromiter",
    "tri",
    "meshgrid",
    "indices",
    "load",
    "diag",
    "vander",
    "geomspace",
    "hanning",
    "hamming",
    "blackman",
}
LIKE = {"zeros_like", "ones_like", "full_like", "empty_like"}
ARRAYS = {"array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "copy"}
KEPT = {"errstate", "seterr", "geterr", "set_printoptions", "printoptions", "get_printoptions", "isscalar", "iterable", "dtype"}
SEED = 0


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
    return module


def numpy_function(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of numpy that makes traced values."""
    if name in KEPT:
        return lambda *args, **kwargs: function(*plain(args), **plain(kwargs))

    @functools.wraps(function, assigned=("__name__", "__doc__"), updated=())
    def replacement(*args: Any, **kwargs: Any) -> Any:
        if name in ARRAYS:
            return array_of(name, *args, **kwargs)
        if name in LIKE:
            value = function(*plain(args), **plain(kwargs))
            return leaf(value, "made")
        if "out" in kwargs and kwargs["out"] is not None:
            out = kwargs.pop("out")
            out.become(replacement(*args, **kwargs))
            return out
        if not any_traced(args) and not any_traced(kwargs):
            value = function(*args, **_double(kwargs))
            made = name in CREATING or isinstance(value, np.ndarray)
            return leaf(value, "made") if made else value
        if name in CREATING and name != "diag":
            return leaf(function(*plain(args), **_double(plain(kwargs))), "made")
        return call(function, args, kwargs)

    return replacement


def _double(kwargs: dict[str, Any]) -> dict[str, Any]:
    from clearprop.gradcheck.tracing.wrappers import _in_double

    return _in_double(kwargs)


def array_of(name: str, thing: Any, *args: Any, **kwargs: Any) -> Any:
    """np.array and its kin."""
    kwargs = _double(kwargs)
    dtype = kwargs.get("dtype", args[0] if args else None)
    if isinstance(thing, Traced):
        if dtype is not None and np.dtype(dtype).kind != np.asarray(thing.vertex.value).dtype.kind:
            return thing.astype(dtype)
        if isinstance(thing, Arr):
            return thing if name == "asarray" else thing.copy()
    if isinstance(thing, (list, tuple)) and any_traced(thing):
        stacked = call(np.array, (_listed(thing),), {})
        return stacked if dtype is None or np.dtype(dtype).kind == stacked.dtype.kind else stacked.astype(dtype)
    if isinstance(thing, Traced):
        return call(np.asarray, (thing,), {})
    value = getattr(np, name)(thing, *[a for a in args if not _is_low(a)], **kwargs)
    return leaf(value, "data")


def _is_low(dtype: Any) -> bool:
    try:
        return np.dtype(dtype).kind == "f"
    except TypeError:
        return False


def _listed(tree: Any) -> Any:
    return [_listed(item) for item in tree] if isinstance(tree, (list, tuple)) else tree


class Ufunc:
    """A ufunc that takes lists of traced numbers, too, and whose results are traced."""

    def __init__(self, ufunc: Any) -> None:
        self.ufunc, self.__name__ = ufunc, ufunc.__name__

    def __call__(self, *args: Any, out: Any = None, where: Any = True, **kwargs: Any) -> Any:
        kwargs = _double(kwargs)
        if len(args) > self.ufunc.nin:
            args, out = args[: self.ufunc.nin], args[self.ufunc.nin]
        if where is not True:
            base = out if out is not None else np.zeros(np.broadcast_shapes(*(np.shape(plain(a)) for a in args)))
            result = call(masked_call, (self.ufunc, where, base, *args), kwargs)
        elif any_traced(args):
            result = call(self.ufunc, tuple(call(np.array, (_listed(a),), {}) if _is_list(a) else a for a in args), kwargs)
        else:
            result = leaf(value, "made") if isinstance(value := self.ufunc(*args, **kwargs), np.ndarray) else value
        if out is not None:
            target = out[0] if isinstance(out, tuple) else out
            target.become(result)
            return target
        return result

    def at(self, target: Any, *args: Any) -> None:
        target.become(call(scatter, (self.ufunc, target, *args), {}))

    def reduce(self, x: Any, axis: Any = 0, **kwargs: Any) -> Any:
        fold = {"add": np.sum, "maximum": np.max, "minimum": np.min, "multiply": np.prod}.get(self.__name__, self.ufunc.reduce)
        return call(fold, (x,), {"axis": axis, **kwargs})

    def accumulate(self, x: Any, **kwargs: Any) -> Any:
        return call(np.cumsum if self.__name__ == "add" else self.ufunc.accumulate, (x,), {"axis": 0, **kwargs})

    def outer(self, a: Any, b: Any) -> Any:
        return call(self.ufunc, (call(np.reshape, (a, (*np.shape(plain(a)), *[1] * np.ndim(plain(b)))), {}), b), {})

    @property
    def nin(self) -> int:
        return int(self.ufunc.nin)


def _is_list(thing: Any) -> bool:
    return isinstance(thing, (list, tuple)) and any_traced(thing)


class Vectorized:
    """np.vectorize: the function on each number, as it stands."""

    def __init__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.function = function

    def __call__(self, *arrays: Any) -> Any:
        arrays = tuple(array_of("asarray", a) if not isinstance(a, Traced) else a for a in arrays)
        shape = np.broadcast_shapes(*(a.shape for a in arrays))
        flat = [call(np.ravel, (call(np.broadcast_to, (a, shape), {}),), {}) for a in arrays]
        made = [self.function(*(f[i] for f in flat)) for i in range(int(np.prod(shape)))]
        return call(np.reshape, (array_of("array", made), shape), {})


class Joined:
    """np.r_ and np.c_ for arrays side by side."""

    def __init__(self, columns: bool) -> None:
        self.columns = columns

    def __getitem__(self, parts: Any) -> Any:
        plainly = np.c_ if self.columns else np.r_
        if not any_traced(parts):
            return leaf(plainly[parts], "made")
        arrays = [
            array_of("asarray", np.r_[each] if isinstance(each, slice) else each)
            for each in (parts if isinstance(parts, tuple) else (parts,))
        ]
        if self.columns:
            return call(np.column_stack, (arrays,), {})
        return call(np.concatenate, ([call(np.atleast_1d, (each,), {}) for each in arrays],), {})


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


SPECIAL: dict[str, Callable[..., Any]] = {
    "apply_along_axis": apply_along_axis,
    "append": append,
    "copyto": copyto,
    "nditer": nditer,
    "sum": total,
    "asmatrix": lambda x, *a: array_of("asarray", x),
    "mat": lambda x, *a: array_of("asarray", x),
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


# ---------------------------------------------------------------- random numbers


def drawn(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that draws: its numbers are leaves."""

    def draw(*args: Any, **kwargs: Any) -> Any:
        value = function(*plain(args), **_double(plain(kwargs)))
        if isinstance(value, np.ndarray) and value.dtype.kind in "iub":
            return leaf(value, "data")
        return leaf(value, "random") if isinstance(value, (np.ndarray, float, np.floating)) else value

    return draw


class Draws:
    """A generator of NumPy's, old or new, behind stand-ins: made by `generator`, which adds its methods."""

    def __init__(self, source: Any) -> None:
        self.source = source

    def permutation(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(x, (int, np.integer)) and not isinstance(x, bool):
            return leaf(self.source.permutation(int(x)), "data")
        order = self.source.permutation(len(x))
        return call(np.take, (x, order), {"axis": 0}) if isinstance(x, Traced) else array_of("array", [x[i] for i in order])

    def shuffle(self, x: Any, *args: Any, **kwargs: Any) -> None:
        order = self.source.permutation(len(x))
        x[:] = x[order] if isinstance(x, Arr) else [x[i] for i in order]

    def choice(self, x: Any, size: Any = None, replace: bool = True, p: Any = None, **kwargs: Any) -> Any:
        count = int(x) if isinstance(x, (int, np.integer)) else len(x)
        chosen = self.source.choice(count, plain(size), replace, _normal(plain(p)))
        if isinstance(x, (int, np.integer)):
            return leaf(chosen, "data") if isinstance(chosen, np.ndarray) else chosen
        return x[chosen] if isinstance(x, Arr) else (np.asarray(x)[chosen] if size is not None else x[chosen])


def _normal(p: Any) -> Any:
    if p is None:
        return None
    p = np.asarray(p, dtype=np.float64).ravel()
    return p / p.sum()


def generator(source: Any) -> Draws:
    """The stand-in of a NumPy generator."""
    made = Draws(source)
    for name in dir(source):
        method = getattr(source, name, None) if not name.startswith("_") else None
        if callable(method) and name not in vars(Draws):
            setattr(made, name, drawn(method))
    return made


def numpy_random() -> ModuleType:
    """The stand-in of numpy.random."""
    module: Any = ModuleType("numpy.random")
    state = np.random.RandomState(SEED)
    made = generator(state)
    for name in dir(state):
        if not name.startswith("_"):
            setattr(module, name, getattr(made, name))
    module.random = drawn(state.random_sample)
    for name in ("ranf", "sample"):
        setattr(module, name, drawn(state.random_sample))
    module.default_rng = lambda seed=SEED: seed if isinstance(seed, Draws) else generator(np.random.default_rng(_seed(seed)))
    module.RandomState = lambda seed=SEED: generator(np.random.RandomState(_seed(seed)))
    module.Generator = Draws
    module.seed = lambda seed=SEED: state.seed(_seed(seed))
    return module


def _seed(seed: Any) -> Any:
    return SEED if seed is None else plain(seed)


def random_standin() -> ModuleType:
    """The stand-in of random."""
    module: Any = ModuleType("random")
    state = random.Random(SEED)
    for name in dir(state):
        if not name.startswith("_"):
            setattr(module, name, getattr(state, name))
    for name in ("random", "uniform", "gauss", "normalvariate", "betavariate", "triangular", "expovariate", "lognormvariate"):
        setattr(module, name, drawn(getattr(state, name)))
    module.seed = lambda a=SEED, *rest: state.seed(SEED if a is None else plain(a))
    module.Random = lambda seed=SEED: random_standin()
    return module


# ---------------------------------------------------------------- math


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
        plainly(*(float(plain(a)) for a in args))  # the same errors as in math
        return call(function, tuple(a.item() if isinstance(a, Arr) else a for a in args), {})

    return replacement


def _logarithm(x: Any, base: Any = None) -> Any:
    if not any_traced((x, base)):
        return math.log(x) if base is None else math.log(x, base)
    math.log(float(plain(x)))
    made = call(np.log, (x.item() if isinstance(x, Arr) else x,), {})
    return made if base is None else made / math.log(base)


# ---------------------------------------------------------------- any module of functions on arrays


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
assert TRACE is not None
