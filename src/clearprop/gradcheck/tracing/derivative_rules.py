"""Derivatives of single operations: from the gradient of a value to the gradients of what it was made of.

Element-wise functions have a table of partial derivatives, and central differences where they are not in it. Everything
that only moves numbers about (indexing, reshaping, stacking, padding, writing into an array) has one rule: the operation is
run on arrays of indices, which tells where each number came from. Products are einsum. What is none of these, and small, is
differentiated numerically.
"""

# ruff: noqa: E501  (tables, several entries to a line)
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.constant_indices import is_constant
from clearprop.gradcheck.tracing.fold_rules import FOLDS, ValueOf
from clearprop.gradcheck.tracing.recorded_functions import as_type, masked_call, part, scatter, write_view
from clearprop.gradcheck.tracing.trace import Vertex, as_float, filled, get, put, vertices_in

PARTIALS: dict[Any, Callable[..., tuple[Any, ...]]] = {
    np.add: lambda y, a, b: (1.0, 1.0),
    np.subtract: lambda y, a, b: (1.0, -1.0),
    np.multiply: lambda y, a, b: (b, a),
    np.divide: lambda y, a, b: (1.0 / b, -y / b),
    np.power: lambda y, a, b: (b * np.power(a, b - 1.0), y * np.log(np.where(np.asarray(a) > 0, a, 1.0))),
    np.float_power: lambda y, a, b: (b * np.power(a, b - 1.0), y * np.log(np.where(np.asarray(a) > 0, a, 1.0))),
    np.negative: lambda y, a: (-1.0,),
    np.positive: lambda y, a: (1.0,),
    np.exp: lambda y, a: (y,),
    np.expm1: lambda y, a: (y + 1.0,),
    np.log: lambda y, a: (1.0 / a,),
    np.log2: lambda y, a: (1.0 / (a * np.log(2.0)),),
    np.log10: lambda y, a: (1.0 / (a * np.log(10.0)),),
    np.log1p: lambda y, a: (1.0 / (1.0 + a),),
    np.sqrt: lambda y, a: (0.5 / y,),
    np.square: lambda y, a: (2.0 * a,),
    np.reciprocal: lambda y, a: (-y * y,),
    np.tanh: lambda y, a: (1.0 - y * y,),
    np.sin: lambda y, a: (np.cos(a),),
    np.cos: lambda y, a: (-np.sin(a),),
    np.abs: lambda y, a: (np.sign(a),),
    np.fabs: lambda y, a: (np.sign(a),),
    np.maximum: lambda y, a, b: (np.where(a >= b, 1.0, 0.0) if np.ndim(a) else 1.0 * (a > b), 1.0 * (np.asarray(b) > a)),
    np.minimum: lambda y, a, b: (np.where(a <= b, 1.0, 0.0) if np.ndim(a) else 1.0 * (a < b), 1.0 * (np.asarray(b) < a)),
    np.where: lambda y, c, a, b: (0.0, 1.0 * np.asarray(c, bool), 1.0 - np.asarray(c, bool)),
    np.clip: lambda y, x, *ends: (1.0 * (y == x), *[0.0] * len(ends)),
    np.nan_to_num: lambda y, a: (1.0,),
    as_float: lambda y, a: (1.0,),
}
ELEMENTWISE_NAMES: Final = {"where", "clip", "sigmoid", "heaviside", "nan_to_num", "as_float"}

MOVING: Final = {
    get, put, write_view, np.reshape, np.ravel, np.transpose, np.concatenate, np.stack, np.vstack, np.hstack, np.column_stack, np.dstack,
    np.array, np.asarray, np.tile, np.repeat, np.broadcast_to, np.flip, np.fliplr, np.flipud, np.rot90, np.roll, np.squeeze,
    np.expand_dims, np.swapaxes, np.moveaxis, np.take, np.pad, np.copy, np.diag, np.diagonal, np.split, np.array_split, np.vsplit,
    np.hsplit, np.insert, np.delete, np.triu, np.tril, np.take_along_axis, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.compress,
    np.extract, np.lib.stride_tricks.as_strided, np.lib.stride_tricks.sliding_window_view, np.resize, np.block, np.asanyarray,
    np.ascontiguousarray, np.rollaxis, np.diagflat, np.dsplit, np.broadcast_arrays,
}  # fmt: skip
FIRST_AXIS_PRODUCTS: Final = {np.dot, np.matmul, np.outer, np.inner, np.vdot, np.tensordot, np.einsum}
MULTILINEAR: Final = {np.convolve, np.correlate, np.kron, np.cross, np.trace, np.fft.fft}
SMALL: Final = 4096  # numbers of an input that is differentiated one by one


def is_elementwise(fn: Any) -> bool:
    """Whether it works on each number by itself."""
    return (isinstance(fn, np.ufunc) and fn.nout == 1 and fn.signature is None) or getattr(
        fn, "__name__", ""
    ) in ELEMENTWISE_NAMES


def pulled(vertex: Vertex, g: Array, value_of: ValueOf, out: Any) -> Iterator[tuple[Vertex, Array]]:
    """The gradients of the inputs of a vertex, given the gradient of its value; nothing for what has none."""
    fn, args = vertex.fn, vertex.args
    if fn in MOVING or (fn is part and args[1] in MOVING):
        yield from _moved(vertex, g, value_of)
    elif is_elementwise(fn):
        yield from _elementwise(fn, vertex, g, value_of, out)
    elif fn in FIRST_AXIS_PRODUCTS:
        yield from _product(vertex, g, value_of)
    elif fn in FOLDS:
        x = args[0]
        if isinstance(x, Vertex):
            yield x, np.asarray(FOLDS[fn](vertex, g, value_of, out))
        else:  # np.sum of a list
            inner = Vertex(np.array, (x,), {}, None, "array")
            stacked = np.array(filled(x, value_of))
            holder = Vertex(None, (), {}, stacked, "leaf")
            copy = Vertex(fn, (holder, *args[1:]), vertex.kwargs, out, "")
            yield from pulled(
                inner, np.asarray(FOLDS[fn](copy, g, lambda v: stacked if v is holder else value_of(v), out)), value_of, stacked
            )
    elif fn is scatter:
        yield from _scattered(vertex, g, value_of)
    elif fn is masked_call:
        yield from _masked(vertex, g, value_of, out)
    elif fn is as_type or _is_step_function(fn):
        return
    else:
        yield from _numeric(vertex, g, value_of)


def _is_step_function(fn: Any) -> bool:
    return getattr(fn, "__name__", "") == "held" or fn in (
        np.argmax,
        np.argmin,
        np.argsort,
        np.nonzero,
        np.round,
        np.any,
        np.all,
        np.array_equal,
        np.allclose,
        np.searchsorted,
    )


def unbroadcast(g: Array, shape: tuple[int, ...]) -> Array:
    """The gradient of what was broadcast: summed over the axes along which it was repeated."""
    if g.shape == shape:
        return g
    extra = g.ndim - len(shape)
    g = g.sum(axis=tuple(range(extra))) if extra > 0 else g
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    return g.sum(axis=axes, keepdims=True) if axes else g


def _elementwise(fn: Any, vertex: Vertex, g: Array, value_of: ValueOf, out: Any) -> Iterator[tuple[Vertex, Array]]:
    args = vertex.args
    values = filled(args, value_of)
    if fn is np.clip and len(args) < 3:
        values = (*values, *[v for v in filled(vertex.kwargs, value_of).values() if v is not None])
    if np.asarray(out).dtype.kind != "f" or (
        isinstance(fn, np.ufunc) and fn in (np.sign, np.floor, np.ceil, np.rint, np.trunc)
    ):
        return
    partials = PARTIALS[fn](out, *values) if fn in PARTIALS else None
    for k, arg in enumerate(args):
        if not isinstance(arg, Vertex) or np.asarray(values[k]).dtype.kind == "b":
            continue
        slope = partials[k] if partials is not None else _slope(fn, values, k)
        yield arg, unbroadcast(np.asarray(g * slope), np.shape(values[k]))


def _slope(fn: Any, values: tuple[Any, ...], k: int) -> Array:
    """Central differences of an element-wise function, of fourth order."""
    x = np.asarray(values[k], dtype=np.float64)
    h = 1e-3 * np.maximum(1.0, np.abs(x))

    def at(shift: float) -> Array:
        return fn(*values[:k], x + shift * h, *values[k + 1 :])

    return (8.0 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12.0 * h)


# ---------------------------------------------------------------- moving numbers about


def origins(vertex: Vertex, value_of: ValueOf) -> tuple[Array, list[tuple[Vertex, int]]]:
    """For each number of the value: where it stands among all numbers of the inputs, from 1; 0 for a constant.

    Returns
    -------
    places : array of int
    offsets : list of (Vertex, int)
        Each input, and the place of its first number.
    """
    offsets: list[tuple[Vertex, int]] = []
    count = 1

    def numbered(tree: Any) -> Any:
        nonlocal count
        if isinstance(tree, Vertex):
            value = np.asarray(value_of(tree))
            offsets.append((tree, count))
            found = np.arange(count, count + value.size).reshape(value.shape)
            count += value.size
            return found
        if isinstance(tree, (list, tuple)):
            return type(tree)(numbered(item) for item in tree)
        return np.zeros(np.shape(tree), dtype=np.int64)

    fn, args, kwargs = vertex.fn, vertex.args, filled(vertex.kwargs, value_of)
    if fn is put:
        base = numbered(args[0])
        pairs = [(filled(index, value_of), numbered(value)) for index, value in args[1:]]
        return np.asarray(put(base, *pairs)), offsets
    if fn is write_view:
        return write_view(numbered(args[0]), numbered(args[1]), *filled(args[2:], value_of)), offsets
    if fn is part:
        i, inner, inner_args, inner_kwargs = args
        moved = (numbered(inner_args[0]), *filled(inner_args[1:], value_of))
        return np.asarray(inner(*moved, **filled(inner_kwargs, value_of))[i]), offsets
    if fn is np.insert:
        given = dict(zip(("arr", "obj", "values", "axis"), args, strict=False)) | vertex.kwargs
        whole, what = numbered(given["arr"]), numbered(given["values"])
        return np.insert(whole, filled(given["obj"], value_of), what, given.get("axis")), offsets
    if fn is np.pad:
        kwargs = {key: value for key, value in kwargs.items() if key not in ("constant_values",)}
    if fn in (np.array, np.asarray, np.copy):
        kwargs = {}
        return np.array(numbered(args[0])), offsets
    assert fn is not None
    return np.asarray(fn(numbered(args[0]), *filled(args[1:], value_of), **kwargs)), offsets


def _moved(vertex: Vertex, g: Array, value_of: ValueOf) -> Iterator[tuple[Vertex, Array]]:
    if vertex.fn in (get, put) and _is_part(vertex):
        yield from _of_part(vertex, g, value_of)
        return
    places, offsets = origins(vertex, value_of)
    total = offsets[-1][1] + np.size(value_of(offsets[-1][0])) if offsets else 1
    sums = np.bincount(np.ravel(places).astype(np.int64), weights=np.ravel(np.broadcast_to(g, places.shape)), minlength=total)
    for other, start in offsets:
        value = np.asarray(value_of(other))
        if value.dtype.kind == "f":
            yield other, sums[start : start + value.size].reshape(value.shape)


def _is_part(vertex: Vertex) -> bool:
    """Whether it reads or writes one part of an array, at a plain index: then no number has to be followed by itself."""
    index = vertex.args[1][0] if vertex.fn is put and len(vertex.args) == 2 else vertex.args[1]
    alone = vertex.fn is get or len(vertex.args) == 2
    return alone and isinstance(vertex.args[0], Vertex) and not vertex.kwargs and is_constant(index)


def _of_part(vertex: Vertex, g: Array, value_of: ValueOf) -> Iterator[tuple[Vertex, Array]]:
    """The gradients of an array of which one part is read, or written; and of what is written."""
    array = vertex.args[0]
    value = np.asarray(value_of(array))
    index, written = (vertex.args[1], None) if vertex.fn is get else vertex.args[1]
    if value.dtype.kind == "f":
        slope = np.zeros(value.shape) if vertex.fn is get else np.array(np.broadcast_to(g, value.shape), dtype=np.float64)
        slope[index] = g if vertex.fn is get else 0.0
        yield array, slope
    if isinstance(written, Vertex) and np.asarray(value_of(written)).dtype.kind == "f":
        shape = np.shape(value_of(written))
        own = np.asarray(np.broadcast_to(g, value.shape)[index])
        yield written, unbroadcast(own.reshape((1,) * (len(shape) - own.ndim) + own.shape), shape)


def _scattered(vertex: Vertex, g: Array, value_of: ValueOf) -> Iterator[tuple[Vertex, Array]]:
    ufunc, target, index, *values = vertex.args
    if ufunc not in (np.add, np.subtract):
        yield from _numeric(vertex, g, value_of)
        return
    if isinstance(target, Vertex):
        yield target, g
    if values and isinstance(values[0], Vertex):
        sign = 1.0 if ufunc is np.add else -1.0
        yield values[0], unbroadcast(sign * g[filled(index, value_of)], np.shape(value_of(values[0])))


def _masked(vertex: Vertex, g: Array, value_of: ValueOf, out: Any) -> Iterator[tuple[Vertex, Array]]:
    ufunc, where, base, *args = vertex.args
    mask = np.broadcast_to(np.asarray(filled(where, value_of), bool), np.shape(out))
    if isinstance(base, Vertex):
        yield base, unbroadcast(g * ~mask, np.shape(value_of(base)))
    inner = Vertex(ufunc, tuple(args), {}, None, "")
    yield from _elementwise(ufunc, inner, g * mask, value_of, out)


# ---------------------------------------------------------------- products


def _product(vertex: Vertex, g: Array, value_of: ValueOf) -> Iterator[tuple[Vertex, Array]]:
    """Products of arrays, as einsum."""
    fn, args = vertex.fn, vertex.args
    values = filled(args, value_of)
    if fn is np.einsum:
        form, operands, nodes = str(values[0]), list(values[1:]), list(args[1:])
    else:
        operands, nodes = list(values[:2]), list(args[:2])
        form = _form(fn, *(np.ndim(v) for v in operands), values[2:], filled(vertex.kwargs, value_of))  # type: ignore[call-arg, arg-type]
        if fn in (np.outer, np.vdot):
            operands = [np.ravel(v) for v in operands]
    if not form or "..." in form or any(len(set(t)) < len(t) for t in form.split("->")[0].split(",")):
        yield from _numeric(vertex, g, value_of)
        return
    form = form.replace(" ", "")
    if "->" not in form:
        letters = form.replace(",", "")
        form += "->" + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    terms, result = form.split("->")
    inputs = terms.split(",")
    for k, node in enumerate(nodes):
        if not isinstance(node, Vertex):
            if any(True for _ in vertices_in(node)):
                yield from _numeric(vertex, g, value_of)
                return
            continue
        others = [(inputs[j], operands[j]) for j in range(len(inputs)) if j != k]
        sizes = dict(zip(inputs[k], np.shape(operands[k]), strict=True))
        missing = "".join(c for c in inputs[k] if c not in result and all(c not in t for t, _ in others))
        extra = [(missing, np.ones([sizes[c] for c in missing]))] if missing else []
        every = [(result, g), *others, *extra]
        found = np.einsum(
            ",".join(t for t, _ in every) + "->" + inputs[k], *(np.asarray(v) for _, v in every), optimize=len(every) > 2
        )
        yield node, unbroadcast(found, np.shape(operands[k])).reshape(np.shape(value_of(node)))


def _form(fn: Any, m: int, n: int, rest: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The einsum subscripts of a product of arrays with m and n axes."""
    a, b = "abcdefgh"[:m], "nopqrstu"[:n]
    if fn is np.outer:
        return "a,n->an"
    if fn is np.vdot:
        return "a,a->"
    if m == 0 or n == 0:
        return f"{a},{b}->{a}{b}"
    if fn is np.inner:
        return f"{a},{b[:-1]}{a[-1]}->{a[:-1]}{b[:-1]}"
    if fn is np.tensordot:
        axes = rest[0] if rest else kwargs.get("axes", 2)
        if isinstance(axes, int):
            axes = (range(m - axes, m), range(axes))
        first, second = ([x] if isinstance(x, int) else list(x) for x in axes)
        letters = list(b)
        for i, j in zip(first, second, strict=True):
            letters[j % n] = a[i % m]
        b = "".join(letters)
        return f"{a},{b}->{''.join(c for c in a if c not in b)}{''.join(c for c in b if c not in a)}"
    if n == 1:
        return f"{a},{a[-1]}->{a[:-1]}"
    if fn is np.matmul and (m > 2 or n > 2):
        batch = "xyzw"[: max(m, n) - 2]
        if (m > 2 and n > 2 and m != n) or m == 1:
            return ""
        left = (batch if m > 2 else "") + "ij"
        right = (batch if n > 2 else "") + "jk"
        return f"{left},{right}->{batch}ik"
    b = b[:-2] + a[-1] + b[-1]
    return f"{a},{b}->{a[:-1]}{b[:-2]}{b[-1]}"


# ---------------------------------------------------------------- anything else


def _numeric(vertex: Vertex, g: Array, value_of: ValueOf) -> Iterator[tuple[Vertex, Array]]:
    """Central differences of the whole operation in each number of each input; nothing for inputs that are large."""
    assert vertex.fn is not None
    for other in dict.fromkeys((*vertices_in(vertex.args), *vertices_in(vertex.kwargs))):
        value = np.asarray(value_of(other), dtype=np.float64)
        if np.asarray(value_of(other)).dtype.kind != "f" or value.size > SMALL:
            continue
        slopes, flat = np.zeros(value.size), value.ravel()

        def at(k: int, h: float, other: Vertex = other, value: Array = value) -> Any:
            moved = value.copy()
            moved.flat[k] += h
            mine = moved if moved.ndim else moved[()]
            args = filled(vertex.args, lambda v: mine if v is other else value_of(v))
            return np.asarray(vertex.fn(*args, **filled(vertex.kwargs, value_of)), dtype=np.float64)  # type: ignore[misc]

        for k in range(value.size):
            h = 1e-5 * max(1.0, abs(float(flat[k])))
            slopes[k] = float(np.sum(g * (at(k, h) - at(k, -h)))) / (2.0 * h)
        yield other, slopes.reshape(value.shape)
