"""Traced values: the base of the wrappers, and the call that records an operation on them.

Everything goes through `call`, which runs the true function on the true values. The wrappers themselves, for arrays and for
numbers, stand in `wrappers.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

import numpy as np

from clearprop.gradcheck.tracing.constant_indices import disjoint, is_constant, point, same_index
from clearprop.gradcheck.tracing.invented_rows import fitted_shape
from clearprop.gradcheck.tracing.recorded_functions import as_type, part, scatter
from clearprop.gradcheck.tracing.trace import Trace, Vertex, as_float, get, line_of, put

TRACE = Trace()
"""The trace of the program that runs in this process."""

VIEWS = {np.reshape, np.transpose, np.ravel, np.squeeze, np.expand_dims, np.swapaxes, np.moveaxis, np.broadcast_to, get}


MISMATCHES: Final[dict[tuple[str, int], str]] = {}
"""For each file and line in which arrays met whose shapes do not fit: the shapes."""


def restart() -> Trace:
    """Forget everything that was recorded."""
    TRACE.__init__()  # type: ignore[misc]
    return TRACE


KINDS: Final[list[tuple[tuple[type, ...], Callable[[Vertex], Any]]]] = []
"""Types of values, each with what makes the wrapper for it; `wrappers.py` fills it."""


class Traced:
    """The part that all wrappers share: operators, and the methods of arrays."""

    __array_priority__ = 1000.0
    __slots__ = ()
    METHODS: ClassVar[dict[str, Callable[..., Any]]] = {
        name: getattr(np, name)
        for name in [
            "sum", "mean", "std", "var", "max", "min", "argmax", "argmin", "prod", "cumsum", "cumprod", "clip", "dot",
            "transpose", "squeeze", "repeat", "round", "ravel", "swapaxes", "take", "trace", "diagonal", "any", "all",
            "argsort", "nonzero", "searchsorted", "ptp", "conj",
        ]
    }  # fmt: skip
    is_array: ClassVar[bool] = False

    vertex: Vertex

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        if method == "at":
            target, *rest = args
            target.become(call(scatter, (ufunc, target, *rest), {}))
            return None
        fn = ufunc if method == "__call__" else getattr(ufunc, method)
        if method == "reduce":
            fn, kwargs = _reduction(ufunc, fn), {k: v for k, v in kwargs.items() if v is not None or k == "axis"}
            kwargs.setdefault("axis", 0)
        result = call(fn, args, kwargs)
        if out is not None:
            return into(out[0] if isinstance(out, tuple) else out, result)
        return result

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return call(function, args, kwargs)

    def __deepcopy__(self, memo: Any) -> Any:
        return self.__copy__()

    def astype(self, dtype: Any = float, *args: Any, **kwargs: Any) -> Any:
        kind = np.dtype(dtype).kind
        if kind == "f":
            _note_precision(dtype)
            return call(as_float, (self,), {})
        return call(as_type, (self, np.dtype(dtype).str), {})

    def item(self, *index: Any) -> Any:
        if index:
            return call(get, (call(np.ravel, (self,), {}), index[0]), {}) if len(index) == 1 else call(get, (self, index), {})
        single = call(np.reshape, (self, ()), {}) if np.ndim(self.vertex.value) else self
        return call(get, (single, ()), {}) if single.is_array else single

    def reshape(self, *shape: Any, order: str = "C", **kwargs: Any) -> Any:
        shape = shape[0] if len(shape) == 1 else shape
        shape = fitted_shape(int(np.size(self.vertex.value)), plain(shape)) if TRACE.invented else shape
        return call(np.reshape, (self, shape), {"order": order} if order != "C" else {})

    def flatten(self, *args: Any) -> Any:
        return call(np.ravel, (self,), {}, view=False)

    def copy(self, *args: Any) -> Any:
        return self.__copy__()

    def __copy__(self) -> Any:
        return type(self)(self.vertex) if self.is_array else self  # type: ignore[call-arg]

    def tolist(self: Any) -> Any:
        return [item.tolist() if isinstance(item, Traced) else item for item in self] if np.ndim(self.vertex.value) else self

    @property
    def T(self) -> Any:
        return call(np.transpose, (self,), {})

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.vertex.value)

    @shape.setter
    def shape(self, shape: Any) -> None:
        if not self.is_array:
            raise TypeError("a number has no shape that can be set")
        self.become(call(np.reshape, (self, shape), {}))  # type: ignore[attr-defined]

    @property
    def ndim(self) -> int:
        return int(np.ndim(self.vertex.value))

    @property
    def size(self) -> int:
        return int(np.size(self.vertex.value))

    @property
    def dtype(self) -> Any:
        return np.asarray(self.vertex.value).dtype

    @property
    def itemsize(self) -> int:
        return int(self.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        return self.size * self.itemsize

    @property
    def real(self) -> Any:
        return self


def _method(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if name == "transpose" and len(args) > 1:
            args = (args,)
        out = kwargs.pop("out", None)
        result = call(function, (self, *args), kwargs)
        return result if out is None else into(out, result)

    method.__name__ = name
    return method


def _binary(function: Callable[..., Any], swapped: bool) -> Callable[..., Any]:
    def method(self: Any, other: Any) -> Any:
        if other is None or isinstance(other, (str, dict)):
            return NotImplemented
        if isinstance(other, (list, tuple)) and function in (np.equal, np.not_equal):
            other = np.asarray(other, dtype=object) if not _plain(other) else other
        return call(function, (other, self) if swapped else (self, other), {})

    return method


def _unary(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self: call(function, (self,), {})


BINARY: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "floordiv": np.floor_divide, "mod": np.mod,
    "pow": np.power, "matmul": np.matmul, "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
    "lshift": np.left_shift, "rshift": np.right_shift,
}  # fmt: skip
COMPARING: dict[str, Callable[..., Any]] = {
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
}  # fmt: skip

for _name, _function in BINARY.items():
    setattr(Traced, f"__{_name}__", _binary(_function, False))
    setattr(Traced, f"__r{_name}__", _binary(_function, True))
for _name, _function in COMPARING.items():
    setattr(Traced, f"__{_name}__", _binary(_function, False))
setattr(Traced, "__divmod__", lambda self, other: (self // other, self % other))  # noqa: B010
setattr(Traced, "__rdivmod__", lambda self, other: (other // self, other % self))  # noqa: B010
for _name, _function in {"neg": np.negative, "pos": np.positive, "abs": np.abs, "invert": np.invert}.items():
    setattr(Traced, f"__{_name}__", _unary(_function))
for _name, _function in Traced.METHODS.items():
    setattr(Traced, _name, _method(_name, _function))


def into(target: Any, result: Any) -> Any:
    """`target` after a result was written into it; it must have its shape, as NumPy demands."""
    if np.shape(plain(target)) != np.shape(plain(result)):
        if np.broadcast_shapes(np.shape(plain(target)), np.shape(plain(result))) != np.shape(plain(target)):
            raise ValueError(
                f"non-broadcastable output operand with shape {np.shape(plain(target))} doesn't match the broadcast shape"
                f" {np.shape(plain(result))}"
            )
        result = call(np.broadcast_to, (result, target.shape), {}, view=False)
    target.become(result)
    return target


def plain(tree: Any) -> Any:
    """True values in the place of wrappers, inside lists, tuples, dicts and slices."""
    if isinstance(tree, Traced):
        return tree.vertex.value
    if isinstance(tree, list):
        return [plain(item) for item in tree]
    if type(tree) is tuple:
        return tuple(plain(item) for item in tree)
    if isinstance(tree, dict):
        return {key: plain(item) for key, item in tree.items()}
    if isinstance(tree, slice):
        return slice(plain(tree.start), plain(tree.stop), plain(tree.step))
    return tree


def template(tree: Any) -> Any:
    """Vertices in the place of wrappers."""
    if isinstance(tree, Traced):
        return tree.vertex
    if isinstance(tree, list):
        return [template(item) for item in tree]
    if type(tree) is tuple:
        return tuple(template(item) for item in tree)
    if isinstance(tree, dict):
        return {key: template(item) for key, item in tree.items()}
    if isinstance(tree, slice):
        return slice(template(tree.start), template(tree.stop), template(tree.step))
    return tree.copy() if isinstance(tree, np.ndarray) else tree


def _plain(tree: Any) -> bool:
    return all(isinstance(item, (int, float)) for item in tree)


def any_traced(tree: Any) -> bool:
    """Whether a wrapper stands somewhere in it."""
    if isinstance(tree, Traced):
        return True
    if isinstance(tree, (list, tuple)):
        return any(any_traced(item) for item in tree)
    if isinstance(tree, dict):
        return any(any_traced(item) for item in tree.values())
    return isinstance(tree, slice) and any_traced((tree.start, tree.stop, tree.step))


def wrap(vertex: Vertex) -> Any:
    """The wrapper for a vertex, by the kind of its value."""
    make = next((make for types, make in KINDS if isinstance(vertex.value, types)), None)
    return make(vertex) if make is not None else vertex.value


def call(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], view: bool = True) -> Any:
    """fn(*args, **kwargs) on the true values, recorded, as a wrapper, or a tuple or list of wrappers.

    Arguments `dtype` that ask for a lower precision are left out; the remark says so.
    """
    kwargs = in_double(kwargs)
    try:
        value = fn(*plain(args), **plain(kwargs))
    except ValueError:
        _note_shapes(args)
        if fn in (np.add, np.subtract):
            TRACE.note_unfit(template(args))
        raise
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.dtype != np.float64:
        value = value.astype(np.float64)
    if isinstance(value, (tuple, list)) and not isinstance(value, str):
        return _several(fn, args, kwargs, value)
    if not isinstance(value, (np.ndarray, np.generic, float, int)):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind not in "fiub":
        return value
    if fn is get:
        seen = _seen_through(args[0].vertex, plain(args[1])) if _is_array(args[0]) else None
        if seen is not None and np.shape(seen.value) == np.shape(value):
            shared = isinstance(value, np.ndarray) and np.may_share_memory(value, args[0].vertex.value)
            return type(args[0])(seen, args[0], (fn, args[1:], kwargs)) if shared else wrap(seen)
    vertex = TRACE.record(fn, template(args), template(kwargs), value)
    if view and isinstance(value, np.ndarray) and fn in VIEWS and _is_array(args[0]):
        source = args[0].vertex.value
        if np.may_share_memory(value, source) and value.size:
            return type(args[0])(vertex, args[0], (fn, args[1:], kwargs))
    made = wrap(vertex)
    return _alike(made, args) if _is_array(made) else made


def _note_shapes(args: tuple[Any, ...]) -> None:
    """Note where two arrays of shapes that do not fit met."""
    shapes = [np.shape(plain(arg)) for arg in args[:2] if _is_array(arg) and np.size(plain(arg)) > 1]
    if len(shapes) == 2 and TRACE.here():
        code, instruction = TRACE.here()[0]
        MISMATCHES.setdefault((code.co_filename, line_of((code, instruction))), f"{shapes[0]} and {shapes[1]}")


def _is_array(thing: Any) -> bool:
    return isinstance(thing, Traced) and thing.is_array


def _alike(made: Any, args: Any) -> Any:
    """The array as one of the kind that it was made of: a tensor, if one was among the arguments."""
    for arg in args:
        if isinstance(arg, (list, tuple)):
            made = _alike(made, arg)
        if _is_array(arg) and isinstance(arg, type(made)) and type(arg) is not type(made):
            return type(arg)(made.vertex)
    return made


def _several(fn: Callable[..., Any], args: Any, kwargs: Any, values: Any) -> Any:
    """Results of a function that returns several: each is a vertex of its own, which runs the function and takes its part."""
    kind = getattr(fn, "__name__", "function")
    made = [
        wrap(TRACE.record(part, (i, fn, template(args), template(kwargs)), {}, value, kind))
        if isinstance(value, (np.ndarray, np.generic, float, int))
        else value
        for i, value in enumerate(values)
    ]
    return tuple(made) if isinstance(values, tuple) else made


def _seen_through(vertex: Vertex, index: Any) -> Vertex | None:
    """The value at a constant index of an array that was written at constant indices, if exactly that was written."""
    if vertex.fn is not put or not is_constant(index):
        return None
    writes, place = vertex.args[1:], point(vertex.shape, index)
    points = _points(vertex) if len(writes) > MANY_WRITES and place is not None else None
    if points is not None:  # only single numbers were written: the last one at this place, or none
        writes = (points[place],) if place in points else ()
    for where, value in reversed(writes):
        if not is_constant(where):
            return None
        if same_index(where, index):
            return value if isinstance(value, Vertex) and value.shape == np.shape(vertex.value[index]) else None
        if not disjoint(vertex.shape, where, index):
            return None
    base = vertex.args[0]
    found = _seen_through(base, index)
    if found is None and base.origin is not None:
        return TRACE.record(get, (base, index), {}, base.value[index])
    return found


MANY_WRITES: Final = 32
_WRITTEN: dict[Vertex, tuple[int, dict[tuple[int, ...], Any] | None]] = {}
"""For the array that was looked at last: the number of writes, and the last one at each place, if all are single numbers."""


def _points(vertex: Vertex) -> dict[tuple[int, ...], Any] | None:
    """The last write at each place of an array; None if more than single numbers were written."""
    if vertex not in _WRITTEN or _WRITTEN[vertex][0] != len(vertex.args):
        places = {point(vertex.shape, where): (where, value) for where, value in vertex.args[1:]}
        several = any(place is None for place in places)
        _WRITTEN.clear()
        _WRITTEN[vertex] = len(vertex.args), None if several else {p: pair for p, pair in places.items() if p is not None}
    return _WRITTEN[vertex][1]


def _reduction(ufunc: Any, fn: Any) -> Any:
    return {np.add: np.sum, np.maximum: np.max, np.minimum: np.min, np.multiply: np.prod}.get(ufunc, fn)


def in_double(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments without one that asks for a lower precision."""
    dtype = kwargs.get("dtype")
    if dtype is None:
        return kwargs
    try:
        low = np.dtype(dtype).kind == "f" and np.dtype(dtype).itemsize < 8
    except TypeError:
        return kwargs
    if not low:
        return kwargs
    _note_precision(dtype)
    return {**kwargs, "dtype": np.float64}


def _note_precision(dtype: Any) -> None:
    if np.dtype(dtype).itemsize < 8:
        TRACE.note(
            f"It asks for {np.dtype(dtype).name}; it was run in float64, where a gradient can be told from its rounding."
        )
