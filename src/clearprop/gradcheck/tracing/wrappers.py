"""Wrappers that stand in the place of a program's arrays and numbers: every operation on them is recorded.

`Arr` is for arrays and `Num` and `Int` for numbers; these two are a float and an int, so that foreign code takes them. A
value never changes: writing into an array gives the `Arr` another vertex, and writing into a view of it (`W[0]`, `W.T`)
writes through to the array that it is a view of.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from clearprop.gradcheck.tracing.invented_rows import within_rows
from clearprop.gradcheck.tracing.nothing import with_data
from clearprop.gradcheck.tracing.recorded_functions import as_type, write_view
from clearprop.gradcheck.tracing.trace import Vertex, get, put, vertices_in, write
from clearprop.gradcheck.tracing.traced import BINARY, KINDS, TRACE, Traced, call, into, plain, template, wrap


class ArrayType(type):
    """Makes isinstance(x, np.ndarray) true for wrappers and for true arrays, in the program's own eyes."""

    def __instancecheck__(cls, thing: object) -> bool:
        return type(thing) is cls or cls in type(thing).__mro__ or (cls is Arr and isinstance(thing, np.ndarray))


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
    is_array = True
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
        index = with_data(index)
        if isinstance(index, tuple) and any(isinstance(part, list) for part in index):
            index = tuple(plain(part) if isinstance(part, list) else part for part in index)
        try:
            return call(get, (self, index), {})
        except IndexError:
            if not TRACE.invented:
                raise
            return call(get, (self, within_rows(plain(index), np.shape(plain(self)))), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        index = with_data(index)
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
        return float(self._number())

    def __int__(self) -> int:
        return int(self._number())

    def _number(self) -> Any:
        """The one number of an array of one, whatever its axes: NumPy before 2.4 took it as one."""
        if self.size != 1:
            raise TypeError("only length-1 arrays can be converted to Python scalars")
        return np.asarray(self.vertex.value).item()

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

    def to_numpy(self) -> Any:
        return self  # of a table, where a class is called with an array

    @property
    def values(self) -> Any:
        return self

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
        return into(self, call(function, (self, other), {}))

    return method


for _name, _function in BINARY.items():
    setattr(Arr, f"__i{_name}__", _in_place(_function))


def _put_vertex(array: Arr, index: Any, value: Any) -> Vertex:
    """The array after array[index] = value; writes that nothing has read in between become one vertex."""
    vertex = array.vertex
    where, true_index = template(index), plain(index)
    written = value if isinstance(value, Vertex) else template(value)
    if isinstance(written, Vertex) and written.fn is None and written.kind == "literal":
        TRACE.forget(written)
        written = written.value
    true_value = written.value if isinstance(written, Vertex) else plain(value)
    for other in _vertices(written):
        other.read = True
    unread = vertex.fn is put and not vertex.read and vertex.args
    if unread and vertex.value.dtype.kind == "f" and len(vertex.args) < 5000 and _may_grow(vertex, written):
        write(vertex.value, true_index, true_value)
        vertex.args = (*vertex.args, (where, written))
        new = [other for other in _vertices((where, written)) if other not in vertex.inputs]
        vertex.inputs += tuple(new)
        for other in new:
            vertex.bits |= other.bits
            vertex.mark |= other.mark if vertex.origin is vertex else 0
        TRACE.move_to_end(vertex)
        return vertex
    if vertex.value.dtype.kind in "iub" and np.asarray(true_value).dtype.kind == "f":
        true_value = np.asarray(true_value).astype(vertex.value.dtype)
        written = (
            TRACE.record(as_type, (written, vertex.value.dtype.str), {}, true_value)
            if isinstance(written, Vertex)
            else true_value
        )
    return TRACE.record(put, (vertex, (where, written)), {}, put(vertex.value, (true_index, true_value)))


def _may_grow(vertex: Vertex, written: Any) -> bool:
    """Whether a further write may join those that made an array.

    It may where the array is no parameter, and where it is set by hand from the start, as tables of data are.
    """
    if vertex.args[0].origin is None:
        return True
    by_hand = all(other.origin is not None and other.step_of is None for other in _vertices(written))
    return vertex.origin is vertex and not vertex.version and by_hand


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


KINDS.extend([((np.ndarray,), Arr), ((float, np.floating), Num.of), ((bool, int, np.bool_, np.integer), Int.of)])


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
