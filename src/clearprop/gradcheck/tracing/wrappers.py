"""Wrappers that stand in the place of a program's arrays and numbers: every operation on them is recorded.

`Arr` is for arrays and `Num` and `Int` for numbers; these two are a float and an int, so that foreign code takes them. A
value never changes: writing into an array gives the `Arr` another vertex, and writing into a view of it (`W[0]`, `W.T`)
writes through to the array that it is a view of. Everything goes through `call`, which runs the true function on the true
values.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Final

import numpy as np

from clearprop.gradcheck.tracing.constant_indices import disjoint, is_constant, same_index
from clearprop.gradcheck.tracing.recorded_functions import as_type, part, scatter, write_view
from clearprop.gradcheck.tracing.trace import Trace, Vertex, as_float, get, put, vertices_in

TRACE = Trace()
"""The trace of the program that runs in this process."""

VIEWS = {np.reshape, np.transpose, np.ravel, np.squeeze, np.expand_dims, np.swapaxes, np.moveaxis, np.broadcast_to, get}


def restart() -> Trace:
    """Forget everything that was recorded."""
    TRACE.__init__()  # type: ignore[misc]
    return TRACE


class ArrayType(type):
    """Makes isinstance(x, np.ndarray) true for wrappers and for true arrays, in the program's own eyes."""

    def __instancecheck__(cls, thing: object) -> bool:
        return type(thing) is cls or cls in type(thing).__mro__ or (cls is Arr and isinstance(thing, np.ndarray))


class Traced:
    """The part that all wrappers share: operators, and the methods of arrays."""

    __array_priority__ = 1000.0
    __slots__ = ()
    METHODS: ClassVar[dict[str, Callable[..., Any]]] = {
        name: getattr(np, name)
        for name in [
            "sum",
            "mean",
            "std",
            "var",
            "max",
            "min",
            "argmax",
            "argmin",
            "prod",
            "cumsum",
            "cumprod",
            "clip",
            "dot",
            "transpose",
            "squeeze",
            "repeat",
            "round",
            "ravel",
            "swapaxes",
            "take",
            "trace",
            "diagonal",
            "any",
            "all",
            "argsort",
            "nonzero",
            "searchsorted",
            "ptp",
            "conj",
        ]
    }

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
            return _into(out[0] if isinstance(out, tuple) else out, result)
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
        return call(np.reshape, (self, ()), {}) if np.ndim(self.vertex.value) else self

    def reshape(self, *shape: Any, order: str = "C", **kwargs: Any) -> Any:
        shape = fitted(self, shape[0] if len(shape) == 1 else shape)
        return call(np.reshape, (self, shape), {"order": order} if order != "C" else {})

    def flatten(self, *args: Any) -> Any:
        return call(np.ravel, (self,), {}, view=False)

    def copy(self, *args: Any) -> Any:
        return self.__copy__()

    def __copy__(self) -> Any:
        return type(self)(self.vertex) if isinstance(self, Arr) else self

    def tolist(self: Any) -> Any:
        return [item.tolist() if isinstance(item, Arr) else item for item in self] if np.ndim(self.vertex.value) else self

    @property
    def T(self) -> Any:
        return call(np.transpose, (self,), {})

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.vertex.value)

    @shape.setter
    def shape(self, shape: Any) -> None:
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
        return result if out is None else _into(out, result)

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


MANY_ROWS: Final = 1000
"""Rows, at least, of which a program with invented data has fewer than it says."""


def fitted(array: Any, shape: Any) -> Any:
    """The shape that an array is brought to; where it has too few rows for `reshape(60000, 784)`, those that it has."""
    sizes = [*plain(shape)] if isinstance(shape, (tuple, list)) else [plain(shape)]
    count, large = int(np.size(plain(array))), [k for k, n in enumerate(sizes) if n >= MANY_ROWS]
    if -1 in sizes or len(large) == 0 or math.prod(sizes) == count or not TRACE.invented:
        return shape
    rest = math.prod(n for k, n in enumerate(sizes) if k != large[0])
    return tuple(count // rest if k == large[0] else n for k, n in enumerate(sizes)) if rest and not count % rest else shape


def _within(index: Any, shape: tuple[int, ...]) -> Any:
    """Arrays of indices, of data that were invented, without those beyond the rows that there are."""
    parts = index if isinstance(index, tuple) else (index,)
    found = []
    for each, size in zip(parts, shape, strict=False):
        numbers = np.asarray(plain(each)) if isinstance(each, (Arr, list)) else None
        if numbers is None or numbers.dtype.kind not in "iu" or not size:
            found.append(each)
        else:
            inside = numbers[numbers < size]
            found.append(inside if inside.size else numbers[:size] % size)
    return (*found, *parts[len(found) :]) if isinstance(index, tuple) else found[0]


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


class Arr(Traced, metaclass=ArrayType):
    """An array of the program, or a view of one.

    Parameters
    ----------
    vertex : Vertex
        Its value now.
    base : Arr, optional
        The array that it is a view of.
    how : (callable, tuple, dict)
        The operation that gives the view from the base.
    """

    __slots__ = ("_base", "_how", "_of", "_vertex")
    __hash__ = object.__hash__

    def __init__(self, vertex: Vertex, base: Arr | None = None, how: Any = None) -> None:
        self._vertex, self._base, self._how = vertex, base, how
        self._of = base.vertex if base is not None else None

    @property
    def vertex(self) -> Vertex:  # type: ignore[override]
        if self._base is not None and self._base.vertex is not self._of:  # the base was written to since
            fn, args, kwargs = self._how
            self._of = self._base.vertex
            self._vertex = call(fn, (self._base, *args), kwargs).vertex
        return self._vertex

    def become(self, new: Any) -> None:
        """Take another value, in place."""
        self._set(new.vertex if isinstance(new, Traced) else TRACE.leaf(np.array(new), "made"))

    def _set(self, vertex: Vertex) -> None:
        if self._base is not None and np.shape(vertex.value) == np.shape(self._vertex.value):
            fn, args, kwargs = self._how[0], plain(self._how[1]), plain(self._how[2])
            whole = self._base.vertex
            value = write_view(whole.value, vertex.value, fn, args, kwargs)
            if fn is get:
                written = _put_vertex(self._base, args[0], vertex)
            else:
                written = TRACE.record(write_view, (whole, vertex, fn, args, kwargs), {}, value, "write")
            self._base._set(written)
            self._of = self._base.vertex
        elif vertex.names == []:
            vertex.names = list(self._vertex.names)
        self._vertex = vertex

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, tuple) and any(isinstance(part, list) for part in index):
            index = tuple(plain(part) if isinstance(part, list) else part for part in index)
        try:
            return call(get, (self, index), {})
        except IndexError:
            if not TRACE.invented:
                raise
            return call(get, (self, _within(index, np.shape(plain(self)))), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(value, (list, tuple)):
            value = call(np.array, (value,), {})
        if self._base is None:
            self._set(_put_vertex(self, index, value))
        else:
            self.become(call(put, (self, (index, value)), {}))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __contains__(self, thing: Any) -> bool:
        return bool(np.any(self.vertex.value == plain(thing)))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        self.vertex.read = True
        return np.array(self.vertex.value, dtype=dtype)

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError("The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()")
        return bool(self.item())

    def __float__(self) -> float:
        return float(self.vertex.value)

    def __int__(self) -> int:
        return int(self.vertex.value)

    def __index__(self) -> int:
        return operator.index(self.vertex.value)

    def __repr__(self) -> str:
        return repr(self.vertex.value)

    def __str__(self) -> str:
        return str(self.vertex.value)

    def __format__(self, form: str) -> str:
        return format(self.vertex.value if not form or self.size != 1 else float(self.vertex.value), form)

    def fill(self, value: Any) -> None:
        self[...] = value

    def sort(self, axis: int = -1, **kwargs: Any) -> None:
        self.become(call(np.sort, (self,), {"axis": axis}))

    def resize(self, *shape: Any, refcheck: bool = True) -> None:
        self.become(call(np.resize, (self, shape[0] if len(shape) == 1 else shape), {}))

    def tobytes(self) -> bytes:
        return np.asarray(self.vertex.value).tobytes()

    @property
    def flat(self) -> Any:
        return iter(call(np.ravel, (self,), {}))

    @property
    def base(self) -> Any:
        return self._base

    @property
    def flags(self) -> Any:
        return np.asarray(self.vertex.value).flags

    @property
    def strides(self) -> Any:
        return np.asarray(self.vertex.value).strides

    def __reduce__(self) -> Any:
        return (np.array, (self.vertex.value,))


def _in_place(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, other: Any) -> Any:
        if self.dtype.kind in "iub" and function is np.divide:
            raise TypeError(
                "Cannot cast ufunc 'divide' output from dtype('float64') to dtype('int64') with casting rule 'same_kind'"
            )
        return _into(self, call(function, (self, other), {}))

    return method


def _into(target: Any, result: Any) -> Any:
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


for _name, _function in BINARY.items():
    setattr(Arr, f"__i{_name}__", _in_place(_function))


def _put_vertex(array: Arr, index: Any, value: Any) -> Vertex:
    """The array after array[index] = value; writes that nothing has read in between become one vertex."""
    vertex = array.vertex
    template, true_index = _template(index), plain(index)
    written = value if isinstance(value, Vertex) else _template(value)
    true_value = written.value if isinstance(written, Vertex) else plain(value)
    for other in _vertices(written):
        other.read = True
    unread = vertex.fn is put and not vertex.read and vertex.args and vertex.args[0].origin is None
    if unread and vertex.value.dtype.kind == "f" and len(vertex.args) < 5000:
        vertex.value[true_index] = true_value
        vertex.args = (*vertex.args, (template, written))
        new = [other for other in _vertices((template, written)) if other not in vertex.inputs]
        vertex.inputs += tuple(new)
        for other in new:
            vertex.bits |= other.bits
        TRACE.move_to_end(vertex)
        return vertex
    if vertex.value.dtype.kind in "iub" and np.asarray(true_value).dtype.kind == "f":
        true_value = np.asarray(true_value).astype(vertex.value.dtype)
        written = (
            TRACE.record(as_type, (written, vertex.value.dtype.str), {}, true_value)
            if isinstance(written, Vertex)
            else true_value
        )
    return TRACE.record(put, (vertex, (template, written)), {}, put(vertex.value, (true_index, true_value)))


def _vertices(tree: Any) -> list[Vertex]:
    return list(vertices_in(tree))


class Num(Traced, float):
    """A real number of the program: a float that knows how it was made."""

    vertex: Vertex
    __hash__ = float.__hash__

    @classmethod
    def of(cls, vertex: Vertex) -> Num:
        made = float.__new__(cls, float(vertex.value))
        made.vertex = vertex
        return made

    def __getitem__(self, index: Any) -> Any:
        return call(get, (call(np.reshape, (self, ()), {}).array(), index), {})

    def array(self) -> Arr:
        return Arr(TRACE.record(np.asarray, (self.vertex,), {}, np.asarray(self.vertex.value)))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(float(self), dtype=dtype)

    def __bool__(self) -> bool:
        return _guard(self.vertex)

    def __float__(self) -> float:
        return float(self.vertex.value)

    def __reduce__(self) -> Any:
        return (float, (float(self),))

    def __round__(self, digits: int | None = None) -> Any:  # type: ignore[override]
        TRACE.note("A number is rounded here; what is computed from it is not followed.")
        return round(float(self.vertex.value), digits) if digits is not None else round(float(self.vertex.value))

    def is_integer(self) -> bool:
        return float(self.vertex.value).is_integer()

    def __str__(self) -> str:
        return str(float(self))

    def __repr__(self) -> str:
        return repr(float(self))


class Int(Traced, int):
    """A whole number or a truth value of the program."""

    vertex: Vertex
    __hash__ = int.__hash__

    @classmethod
    def of(cls, vertex: Vertex) -> Int:
        made = int.__new__(cls, int(vertex.value))
        made.vertex = vertex
        return made

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.vertex.value, dtype=dtype)

    def __bool__(self) -> bool:
        return _guard(self.vertex)

    def __reduce__(self) -> Any:
        return (int, (int(self),))

    def __str__(self) -> str:
        return str(self.vertex.value)

    def __repr__(self) -> str:
        return repr(int(self))


def _guard(vertex: Vertex) -> bool:
    """The truth of a traced number, on which the program decides something."""
    truth = bool(vertex.value)
    if vertex.bits:
        TRACE.guards.append((vertex, truth))
    return truth


def wrap(vertex: Vertex) -> Any:
    """The wrapper for a vertex, by the kind of its value."""
    value = vertex.value
    if isinstance(value, np.ndarray):
        return Arr(vertex)
    if isinstance(value, (float, np.floating)):
        return Num.of(vertex)
    if isinstance(value, (bool, int, np.bool_, np.integer)):
        return Int.of(vertex)
    return value


def leaf(value: Any, kind: str) -> Any:
    """The wrapper of a new leaf; float arrays in double precision."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "f" and value.dtype != np.float64:
            value = value.astype(np.float64)
        if value.dtype.kind not in "fiub":
            return value
        value = np.array(value)
    elif isinstance(value, np.floating):
        value = np.float64(value)
    elif isinstance(value, (tuple, list)) and any(isinstance(item, (np.ndarray, np.floating)) for item in value):
        return type(value)(leaf(item, kind) for item in value)
    elif not isinstance(value, (float, int, np.generic)) or isinstance(value, (np.str_, np.bytes_)):
        return value
    return wrap(TRACE.leaf(value, kind))


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


def _template(tree: Any) -> Any:
    """Vertices in the place of wrappers."""
    if isinstance(tree, Traced):
        return tree.vertex
    if isinstance(tree, list):
        return [_template(item) for item in tree]
    if type(tree) is tuple:
        return tuple(_template(item) for item in tree)
    if isinstance(tree, dict):
        return {key: _template(item) for key, item in tree.items()}
    if isinstance(tree, slice):
        return slice(_template(tree.start), _template(tree.stop), _template(tree.step))
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


def call(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], view: bool = True) -> Any:
    """fn(*args, **kwargs) on the true values, recorded, as a wrapper, or a tuple or list of wrappers.

    Arguments `dtype` that ask for a lower precision are left out; the remark says so.
    """
    kwargs = in_double(kwargs)
    value = fn(*plain(args), **plain(kwargs))
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.dtype != np.float64:
        value = value.astype(np.float64)
    if isinstance(value, (tuple, list)) and not isinstance(value, str):
        return _several(fn, args, kwargs, value)
    if not isinstance(value, (np.ndarray, np.generic, float, int)):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind not in "fiub":
        return value
    if fn is get:
        seen = _seen_through(args[0].vertex, plain(args[1])) if isinstance(args[0], Arr) else None
        if seen is not None and np.shape(seen.value) == np.shape(value):
            shared = isinstance(value, np.ndarray) and np.may_share_memory(value, args[0].vertex.value)
            return type(args[0])(seen, args[0], (fn, args[1:], kwargs)) if shared else wrap(seen)
    vertex = TRACE.record(fn, _template(args), _template(kwargs), value)
    if view and isinstance(value, np.ndarray) and fn in VIEWS and isinstance(args[0], Arr):
        source = args[0].vertex.value
        if np.may_share_memory(value, source) and value.size:
            return type(args[0])(vertex, args[0], (fn, args[1:], kwargs))
    made = wrap(vertex)
    return _alike(made, args) if isinstance(made, Arr) else made


def _alike(made: Arr, args: Any) -> Arr:
    """The array as one of the kind that it was made of: a tensor, if one was among the arguments."""
    for arg in args:
        if isinstance(arg, (list, tuple)):
            made = _alike(made, arg)
        if type(arg) is not Arr and Arr in type(arg).__mro__:
            return type(arg)(made.vertex)
    return made


def _several(fn: Callable[..., Any], args: Any, kwargs: Any, values: Any) -> Any:
    """Results of a function that returns several: each is a vertex of its own, which runs the function and takes its part."""
    kind = getattr(fn, "__name__", "function")
    made = [
        wrap(TRACE.record(part, (i, fn, _template(args), _template(kwargs)), {}, value, kind))
        if isinstance(value, (np.ndarray, np.generic, float, int))
        else value
        for i, value in enumerate(values)
    ]
    return tuple(made) if isinstance(values, tuple) else made


def _seen_through(vertex: Vertex, index: Any) -> Vertex | None:
    """The value at a constant index of an array that was written at constant indices, if exactly that was written."""
    if vertex.fn is not put or not is_constant(index):
        return None
    for where, value in reversed(vertex.args[1:]):
        if not is_constant(where):
            return None
        if same_index(where, index):
            return value if isinstance(value, Vertex) else None
        if not disjoint(vertex.shape, where, index):
            return None
    base = vertex.args[0]
    found = _seen_through(base, index)
    if found is None and base.origin is not None:
        return TRACE.record(get, (base, index), {}, base.value[index])
    return found


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
