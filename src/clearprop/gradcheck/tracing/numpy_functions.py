"""Functions of NumPy that make and take traced values: those that create arrays, ufuncs, np.vectorize, np.r_ and np.c_."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from clearprop.gradcheck.tracing.nothing import Nothing
from clearprop.gradcheck.tracing.recorded_functions import masked_call, scatter
from clearprop.gradcheck.tracing.traced import Traced, any_traced, call, in_double, plain
from clearprop.gradcheck.tracing.wrappers import Arr, leaf

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
            value = function(*args, **in_double(kwargs))
            made = name in CREATING or isinstance(value, np.ndarray)
            return leaf(value, "made") if made else value
        if name in CREATING and name != "diag":
            return leaf(function(*plain(args), **in_double(plain(kwargs))), "made")
        return call(function, args, kwargs)

    return replacement


def array_of(name: str, thing: Any, *args: Any, ndmin: int = 0, **kwargs: Any) -> Any:
    """np.array and its kin."""
    if isinstance(thing, Nothing):  # what it is, a name may tell
        thing = found if (found := thing.data()) is not None else thing
        if isinstance(thing, Nothing):
            return thing
    made = _array_of(name, thing, *args, **kwargs)
    missing = int(ndmin) - np.ndim(plain(made))
    return call(np.reshape, (made, (*[1] * missing, *np.shape(plain(made)))), {}) if missing > 0 else made


def _array_of(name: str, thing: Any, *args: Any, **kwargs: Any) -> Any:
    kwargs = in_double(kwargs)
    if kwargs.get("ndmin") and any_traced(thing):
        made = array_of(name, thing, *args, **{key: value for key, value in kwargs.items() if key != "ndmin"})
        return call(np.reshape, (made, (*[1] * (kwargs["ndmin"] - np.ndim(plain(made))), *np.shape(plain(made)))), {})
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
        kwargs = in_double(kwargs)
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
