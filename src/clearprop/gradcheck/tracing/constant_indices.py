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


def point(shape: tuple[int, ...], index: Any) -> tuple[int, ...] | None:
    """The place of one number in an array, counted from 0; None for an index of anything else.

    Examples
    --------
    >>> point((4, 3), (-1, 2)), point((4, 3), 1)
    ((3, 2), None)
    """
    parts = index if isinstance(index, tuple) else (index,)
    if len(parts) != len(shape) or not all(isinstance(part, (int, np.integer)) for part in parts):
        return None
    return tuple(int(part) % size for part, size in zip(parts, shape, strict=True))


def disjoint(shape: tuple[int, ...], one: Any, other: Any) -> bool:
    """Whether two constant indices of an array have no element in common.

    Examples
    --------
    >>> disjoint((6, 6), (slice(0, 2), 1), (slice(2, 4), 1)), disjoint((6, 6), 3, (slice(2, 4), 1))
    (True, False)
    """
    first, second = (index if isinstance(index, tuple) else (index,) for index in (one, other))
    kinds = (int, np.integer, slice)
    if all(isinstance(part, kinds) for part in (*first, *second)):  # the usual case, told fast: apart along some axis
        return any(_apart(a, b, n) for a, b, n in zip(first, second, shape, strict=False))
    if int(np.prod(shape)) > LARGEST:
        return False
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    return not np.intersect1d(numbers[one], numbers[other]).size


def _apart(one: Any, other: Any, size: int) -> bool:
    """Whether two places or slices of one axis have nothing in common."""
    a, b = (
        range(*part.indices(size)) if isinstance(part, slice) else range(int(part) % size, int(part) % size + 1)
        for part in (one, other)
    )
    if not a or not b or max(a[0], a[-1]) < min(b[0], b[-1]) or max(b[0], b[-1]) < min(a[0], a[-1]):
        return True
    if len(a) == 1 or len(b) == 1:
        return a[0] not in b if len(a) == 1 else b[0] not in a
    return abs(a.step) != 1 and abs(b.step) != 1 and set(a).isdisjoint(b)
