"""Numbers as text: every digit where there are few, aligned in columns; a selection where there are many."""

from __future__ import annotations

from typing import cast

import numpy as np

from clearprop.arrays import Array

WIDE, FEW = 4, 16  # columns and numbers, up to which every digit is written
MOST = 60  # digits of a number that mean anything
SHORT = 6  # significant digits, beyond that
EDGE = 3  # rows and columns that are shown at each end of a large matrix
MANY = 10  # rows or columns, beyond which a matrix is large: the scores of ten digits are all shown


def write(value: Array | float, digits: int | None = None) -> str:
    """A number, vector or matrix as text; of several matrices (B, n, n), one after the other.

    Parameters
    ----------
    value : array or float
    digits : int, optional
        Significant digits; by default all that there are in small arrays, and six in large ones.

    Examples
    --------
    >>> print(write(np.array([[1.0, -0.5], [0.25, 100.0]])))
       1  -0.5
    0.25   100
    >>> print(write(np.arange(12.0)[None, :]))
    0  1  2  ...  9  10  11
    """
    value = np.asarray(value)
    if value.ndim == 0:
        return number(cast(float, value[()]), digits)  # still of its own dtype, which says how many digits it has
    if value.ndim > 2:
        shown = [write(part, digits) for part in value[:EDGE]]
        return "\n\n".join([*shown, f"... ({len(value) - EDGE} more)"] if len(value) > EDGE else shown)
    return matrix(np.atleast_2d(value), digits)


def matrix(value: Array, digits: int | None) -> str:
    """Rows of numbers (m, n), right-aligned in columns."""
    if digits is None and (value.shape[1] > WIDE or value.size > FEW):
        digits = SHORT
    rows, columns = selection(value.shape[0]), selection(value.shape[1])
    cells = [["..." if i is None or j is None else number(value[i, j], digits) for j in columns] for i in rows]
    if not cells or not columns:
        return "(empty)"
    widths = [max(len(row[j]) for row in cells) for j in range(len(columns))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)


def selection(n: int) -> list[int | None]:
    """Indices of the rows or columns that are shown, out of n; None where some are left out.

    Examples
    --------
    >>> selection(4), selection(100)
    ([0, 1, 2, 3], [0, 1, 2, None, 97, 98, 99])
    """
    return list(range(n)) if n <= MANY else [*range(EDGE), None, *range(n - EDGE, n)]


def number(value: float, digits: int | None = None) -> str:
    """One number: the shortest text that means exactly it, or so many significant digits.

    Examples
    --------
    >>> number(0.1), number(2.0), number(1 / 3, 4), number(-0.0), number(1e-20)
    ('0.1', '2', '0.3333', '0', '1e-20')
    """
    if value == 0:
        return "0"  # whatever its sign
    if digits is not None:
        return f"{value:.{min(digits, MOST)}g}"
    if np.isfinite(value) and 1e-4 <= abs(value) < 1e16:
        return np.format_float_positional(value, trim="-")
    return np.format_float_scientific(value, trim="-") if np.isfinite(value) else str(value)
