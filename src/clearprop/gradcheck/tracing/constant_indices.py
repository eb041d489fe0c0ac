"""Indices that depend on nothing: whether two are the same, or have nothing in common."""

from __future__ import annotations

from typing import Any

import numpy as np

LARGEST = 20000  # elements of an array whose parts are compared one by one


def is_constant(index: Any) -> bool:
    """Whether an index is made of plain whole numbers and slices."""
    if isinstance(index, tuple):
        return all(is_constant(part) for part in index)
    if isinstance(index, slice):
        return all(is_constant(part) for part in (index.start, index.stop, index.step))
    return index is None or index is Ellipsis or isinstance(index, (int, np.integer))


def same_index(one: Any, other: Any) -> bool:
    """Whether two constant indices are the same."""
    one, other = shortest(one), shortest(other)
    return type(one) is type(other) and one == other if not isinstance(one, (int, np.integer)) else one == other


def shortest(index: Any) -> Any:
    """An index without the slices at its end that take all: W[i, :] is W[i]."""
    if not isinstance(index, tuple) or any(each is None or each is Ellipsis for each in index):
        return index
    while len(index) > 1 and isinstance(index[-1], slice) and index[-1] == slice(None):
        index = index[:-1]
    return index[0] if len(index) == 1 else index


def disjoint(shape: tuple[int, ...], one: Any, other: Any) -> bool:
    """Whether two constant indices of an array have no element in common."""
    first, second = (index if isinstance(index, tuple) else (index,) for index in (one, other))
    if all(isinstance(part, (int, np.integer)) for part in (*first, *second)):  # the usual case, told fast
        pairs = zip(first, second, shape, strict=False)
        return any(int(a) % n != int(b) % n for a, b, n in pairs)
    if int(np.prod(shape)) > LARGEST:
        return False
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    return not np.intersect1d(numbers[one], numbers[other]).size
