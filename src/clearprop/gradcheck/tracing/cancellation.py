"""Cancellation: sums whose terms cancel, and of which nothing but rounding is left.

A bias in front of a batch normalisation has no effect: its derivative is a sum of numbers that cancel. What a program gets
for it is of the size of 1e-16 times these numbers, and so is the true derivative; the two have nothing in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.trace import Vertex, filled

SMALL: Final = 1e-9  # length of what may be rounding, and nothing else
LEFT: Final = 1e-12  # of the numbers that cancel
DEEPEST: Final = 40  # operations between a sum and what a parameter moves by
FOLDS: Final = (np.sum, np.mean)
PRODUCTS: Final = (np.matmul, np.dot)
SCALES: Final = (np.multiply, np.divide)


def is_rounding(value: Array, vertex: Vertex, value_of: Callable[[Vertex], Any]) -> bool:
    """Whether a value is nothing but the rounding of a sum that cancels.

    Parameters
    ----------
    value : Array
    vertex : Vertex
        The operation that made it.
    value_of : callable
        The value of each of its inputs.
    """
    size = float(np.linalg.norm(value))
    if not 0.0 < size < SMALL:
        return False
    with np.errstate(all="ignore"):
        return size <= LEFT * float(np.linalg.norm(_cancelling(vertex, value_of, DEEPEST)))


def slope_cancels(slope: Array, users: Iterable[Vertex], slopes: dict[Vertex, Array]) -> bool:
    """Whether a derivative is nothing but rounding, measured by those of the sums that its value is a term of."""
    size = float(np.linalg.norm(slope))
    if not 0.0 < size < SMALL:
        return False
    sums = [slopes[user] for user in users if user.fn in (np.add, np.subtract) and user in slopes]
    return size <= LEFT * sum(float(np.abs(each).sum()) for each in sums)


def _cancelling(vertex: Vertex, value_of: Callable[[Vertex], Any], depth: int) -> Array:
    """The value that there would be if all numbers that are added up in it were positive."""
    parts = [arg for arg in vertex.args if isinstance(arg, Vertex)]
    numbers = [abs(np.asarray(filled(arg, value_of), dtype=np.float64)) for arg in vertex.args] if _adds(vertex) else []
    kwargs = filled(vertex.kwargs, value_of)
    if depth and vertex.fn in (np.add, np.subtract):
        return np.add(*(_cancelling(part, value_of, depth - 1) for part in parts)) if len(parts) == 2 else np.add(*numbers)
    if depth and vertex.fn in SCALES and parts and min(np.size(n) for n in numbers) == 1:
        whole = vertex.args[0]
        if isinstance(whole, Vertex) and numbers[1].size == 1:
            return np.asarray(vertex.fn(_cancelling(whole, value_of, depth - 1), numbers[1]))
    if vertex.fn in FOLDS and parts:
        return np.asarray(vertex.fn(abs(np.asarray(value_of(parts[0]))), *filled(vertex.args[1:], value_of), **kwargs))
    if vertex.fn in PRODUCTS and len(numbers) == 2:
        return np.asarray(vertex.fn(*numbers))
    if depth and len(parts) == 1 and vertex.size == parts[0].size:  # in another shape
        return _cancelling(parts[0], value_of, depth - 1)
    return abs(np.asarray(value_of(vertex), dtype=np.float64))


def _adds(vertex: Vertex) -> bool:
    return vertex.fn in (np.add, np.subtract, *SCALES, *PRODUCTS)
