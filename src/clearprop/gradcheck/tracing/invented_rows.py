"""Rows of invented data: a program that says `reshape(60000, 784)` or `X[order]` gets along with the rows that there are."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

MANY_ROWS: Final = 1000
"""Rows, at least, of which a program with invented data has fewer than it says."""


def fitted_shape(count: int, shape: Any) -> Any:
    """The shape that `count` numbers are brought to, with another number of rows where only that can be right.

    Examples
    --------
    >>> fitted_shape(20 * 784, (60000, 784))
    (20, 784)
    """
    sizes = [*shape] if isinstance(shape, (tuple, list)) else [shape]
    large = [k for k, n in enumerate(sizes) if n >= MANY_ROWS]
    if -1 in sizes or not large or math.prod(sizes) == count:
        return shape
    rest = math.prod(n for k, n in enumerate(sizes) if k != large[0])
    return tuple(count // rest if k == large[0] else n for k, n in enumerate(sizes)) if rest and not count % rest else shape


def within_rows(index: Any, shape: tuple[int, ...]) -> Any:
    """Arrays of indices without those beyond the rows that there are.

    Examples
    --------
    >>> within_rows(np.array([7, 1, 0, 5]), (3, 2))
    array([1, 0])
    """
    parts = index if isinstance(index, tuple) else (index,)
    found = []
    for each, size in zip(parts, shape, strict=False):
        numbers = np.asarray(each) if isinstance(each, (np.ndarray, list)) else None
        if numbers is None or numbers.dtype.kind not in "iu" or not size:
            found.append(each)
        else:
            inside = numbers[numbers < size]
            found.append(inside if inside.size else numbers[:size] % size)
    return (*found, *parts[len(found) :]) if isinstance(index, tuple) else found[0]
