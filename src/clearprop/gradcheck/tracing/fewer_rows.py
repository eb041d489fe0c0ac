"""Shapes and indices of a program that counts on more rows than there are: its data were invented, and have fewer."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

MANY_ROWS: Final = 1000
"""Rows, at least, of which a program with invented data has fewer than it says."""


def fitted(count: int, shape: Any) -> tuple[int, ...] | None:
    """The shape for `count` numbers where `reshape(60000, 784)` names more rows than there are; None where it may stay.

    Examples
    --------
    >>> fitted(300 * 784, (60000, 784)), fitted(300 * 784, (-1, 784))
    ((300, 784), None)
    """
    sizes = [*shape] if isinstance(shape, (tuple, list)) else [shape]
    large = [k for k, n in enumerate(sizes) if n >= MANY_ROWS]
    if -1 in sizes or not large or math.prod(sizes) == count:
        return None
    rest = math.prod(n for k, n in enumerate(sizes) if k != large[0])
    if not rest or count % rest:
        return None
    return tuple(count // rest if k == large[0] else n for k, n in enumerate(sizes))


def within(index: Any, shape: tuple[int, ...]) -> Any:
    """An index without the row numbers beyond the rows that there are; where none is left, numbers of rows that are.

    Examples
    --------
    >>> within(np.array([1, 7, 2]), (3, 5))
    array([1, 2])
    """
    parts = index if isinstance(index, tuple) else (index,)
    found: list[Any] = []
    for each, size in zip(parts, shape, strict=False):
        numbers = np.asarray(each) if isinstance(each, (np.ndarray, list)) else None
        if numbers is None or numbers.dtype.kind not in "iu" or not size:
            found.append(each)
        else:
            inside = numbers[numbers < size]
            found.append(inside if inside.size else numbers[:size] % size)
    return (*found, *parts[len(found) :]) if isinstance(index, tuple) else found[0]
