"""New values of an operation, as an edit makes them: with another function, other operands, another axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from clearprop.gradcheck.tracing.trace import Vertex, filled

ValueOf = Callable[[Vertex], Any]
"""The value of an input, after what was edited before it."""
Make = Callable[[Vertex, ValueOf, int], Any]
"""The new value of an operation, for one of its line, at one point."""


def run_again(graph: Any, vertex: Vertex, value_of: ValueOf) -> Any:
    """The operation itself, run again."""
    if vertex.fn is None:
        return vertex.value
    return vertex.fn(*filled(vertex.args, value_of), **filled(vertex.kwargs, value_of))


def argument(k: int) -> Make:
    """One argument alone."""
    return lambda vertex, value_of, point: filled(vertex.args[k], value_of)


def with_function(fn: Any, order: tuple[int, int] = (0, 1)) -> Make:
    """Another function of the same arguments, in an order."""
    return lambda vertex, value_of, point: fn(*(filled(vertex.args[i], value_of) for i in order))


def weighed(k: int, number: float) -> Make:
    """One argument times a number."""

    def make(vertex: Vertex, value_of: ValueOf, point: int) -> Any:
        args = list(filled(vertex.args, value_of))
        args[k] = args[k] * number
        return vertex.fn(*args)  # type: ignore[misc]

    return make


def product_of(order: tuple[int, int], turns: tuple[int, int]) -> Make:
    """The product of matrices, swapped or transposed."""

    def make(vertex: Vertex, value_of: ValueOf, point: int) -> Any:
        args = [np.asarray(filled(vertex.args[i], value_of)) for i in order]
        return np.matmul(*(a.T if turn else a for a, turn in zip(args, turns, strict=True)))

    return make


def aligned(a: Any, b: Any) -> Any:
    """The element-wise product."""
    return np.asarray(a) * np.asarray(b)


def folded(fn: Any, axis: Any, keep: bool) -> Make:
    """The fold along another axis."""
    return lambda vertex, value_of, point: fn(filled(vertex.args[0], value_of), axis=axis, keepdims=keep)


def refolded(fn: Any) -> Make:
    """Another fold along the same axis."""
    return lambda vertex, value_of, point: fn(*filled(vertex.args, value_of), **filled(vertex.kwargs, value_of))


def then(graph: Any, fn: Any) -> Make:
    """A function of the value."""
    return lambda vertex, value_of, point: fn(run_again(graph, vertex, value_of))


def then_sum(graph: Any, axis: int, keep: bool) -> Make:
    """The value, summed along an axis."""
    return lambda vertex, value_of, point: np.sum(run_again(graph, vertex, value_of), axis=axis, keepdims=keep)


def to_power(power: float) -> Make:
    """Another power."""
    return lambda vertex, value_of, point: np.power(filled(vertex.args[0], value_of), power)


def with_square(k: int) -> Make:
    """One argument squared."""

    def make(vertex: Vertex, value_of: ValueOf, point: int) -> Any:
        args = list(filled(vertex.args, value_of))
        args[k] = args[k] ** 2
        return vertex.fn(*args)  # type: ignore[misc]

    return make


def compared(number: float) -> Make:
    """A comparison with another number."""
    return lambda vertex, value_of, point: vertex.fn(filled(vertex.args[0], value_of), number)  # type: ignore[misc]


def added(vertex: Vertex, value_of: ValueOf, point: int) -> Any:
    """The written values, added instead."""
    out = np.array(filled(vertex.args[0], value_of), dtype=np.float64)
    for index, value in vertex.args[1:]:
        where = filled(index, value_of)
        out[where] = out[where] + filled(value, value_of)
    return out


def shifted(shift: int) -> Make:
    """The part that lies beside."""

    def make(vertex: Vertex, value_of: ValueOf, point: int) -> Any:
        index = filled(vertex.args[1], value_of)
        array = filled(vertex.args[0], value_of)
        if isinstance(index, slice):
            moved = slice(*(None if part is None else part + shift for part in (index.start, index.stop)))
        else:
            moved = index + shift
        return array[moved]

    return make


def other_half(vertex: Vertex, value_of: ValueOf, point: int) -> Any:
    """The other part of what was cut in two."""
    index, array = filled(vertex.args[1], value_of), filled(vertex.args[0], value_of)
    if index.start is None:
        return array[index.stop :]
    return array[: index.start] if index.stop is None else array[::-1]
