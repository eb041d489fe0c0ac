"""Arrays: their types in signatures, their description in errors, and assignment that keeps views intact."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from clearprop.errors import DataError, OptionError, ShapeError

Array = NDArray[Any]
"""A NumPy array of any dtype; its shape is given in the docstring, in the letters of the legend in `clearprop.nn`."""

REAL = "fiub"  # kinds of dtypes whose elements are real numbers
LONGEST = 80  # characters of a value in a message
SIZED = (list, tuple, dict, set, frozenset)
FOREIGN = ("pandas", "scipy", "torch", "polars", "xarray")
"""Packages whose objects print themselves over many lines."""
FloatName = Literal["float32", "float64"]
FLOATS: tuple[FloatName, ...] = get_args(FloatName)
Dtype = FloatName | np.dtype[Any] | type[np.floating[Any]]
"""A dtype that networks are computed in, by name or as NumPy has it."""


def brief(value: object) -> str:
    """The `repr` of a value on one line of at most 80 characters, for error messages.

    Examples
    --------
    >>> brief([1, 2]), brief([1] * 100), brief(10**400)
    ('[1, 2]', 'a list of length 100', 'a whole number of 401 digits')
    """
    if isinstance(value, int) and value.bit_length() > LONGEST * 3:
        return f"a whole number of {int(value.bit_length() * 0.30103) + 1} digits"
    long = isinstance(value, SIZED) and (len(value) > 8 or any(isinstance(item, np.ndarray) for item in value))
    if long or isinstance(value, np.ndarray) or type(value).__module__.startswith(FOREIGN):
        return describe(value)
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a stranger's __repr__
        text = f"a {type(value).__name__}"
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def describe(x: object) -> str:
    """Type, dtype and shape of `x` in a few words, for error messages.

    Examples
    --------
    >>> describe(np.zeros((3, 2)))
    'a float64 array of shape (3, 2)'
    >>> describe([1, 2])
    'a list of length 2'
    """
    if isinstance(x, np.ndarray):
        return f"a {x.dtype} array of shape {x.shape}"
    if isinstance(x, SIZED):
        return f"a {type(x).__name__} of length {len(x)}"
    if type(x).__module__.startswith(FOREIGN):
        shape = getattr(x, "shape", None)
        return f"a {type(x).__name__}" + (f" of shape {tuple(shape)}" if isinstance(shape, tuple) else "")
    return f"{brief(x)} ({type(x).__name__})"


def numbers(what: str, value: Any) -> Array:
    """`value` as an array of real numbers: what is one already, memory-mapped or not, as it is.

    Raises
    ------
    DataError
        If it holds texts, complex numbers, dates or objects, is ragged, sparse or masked, or is no array at all.

    Examples
    --------
    >>> numbers("X", [[1, 2], [3, 4]]).shape
    (2, 2)
    >>> numbers("X", [[1, 2], [3]])
    Traceback (most recent call last):
    clearprop.errors.DataError: X must be an array of numbers, not a list of length 2, whose rows differ in length or kind.
    """
    if type(value) in (np.ndarray, np.memmap) and value.dtype.kind in REAL and value.ndim:
        return value
    if type(value).__module__.startswith("scipy.sparse"):
        raise DataError(f"{what} is {describe(value)}, a sparse matrix; give the dense array, {what}.toarray().")
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise DataError(f"{what} is {describe(value)} with masked values; fill or remove them.")
    try:
        found = np.asarray(value)
    except Exception:  # NumPy refuses ragged lists, and a stranger's __array__ may raise anything
        raise DataError(
            f"{what} must be an array of numbers, not {describe(value)}, whose rows differ in length or kind."
        ) from None
    if found.ndim == 0 and found.dtype.kind in "fiu":
        raise ShapeError(f"{what} must be an array of at least one axis, not {describe(value)}, which has the shape ().")
    if found.dtype.kind not in REAL or found.ndim == 0:
        held = f"{describe(value)}" if found.ndim == 0 else f"{describe(found)}"
        hint = "; turn them into numbers, or leave them out" if found.dtype.kind in "OUSMm" and found.ndim else ""
        raise DataError(f"{what} must be an array of real numbers, not {held}{hint}.")
    return found


def pair_of(what: str, given: Any) -> tuple[Array, Array]:
    """X and y from a pair of arrays.

    Raises
    ------
    DataError
        If it is no pair, or either is no array of numbers.
    """
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise DataError(f"{what} must be a pair (X, y) of arrays, or a Dataset or Split, not {describe(given)}.")
    return numbers("X", given[0]), numbers("y", given[1])


def overwrite(array: Array, values: Any, name: str, owner: object = None) -> None:
    """Copy `values` into `array`, which other arrays may be views of; `name` and `owner` are for the error.

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> W = np.zeros((2, 2))
    >>> overwrite(W, [[1, 2], [3, 4]], "W")
    >>> W
    array([[1., 2.],
           [3., 4.]])
    """
    try:
        given = np.asarray(values)
    except Exception:  # ragged, or a stranger's __array__
        given = numbers(name, values)
    if given.shape != array.shape:
        whose = "" if owner is None else f" of {owner!r}"
        raise ShapeError(
            f"{name}{whose} has shape {array.shape} and cannot be set to {describe(values)}; give an array of that shape,"
            f" or write {name}[:] = ... to broadcast."
        )
    array[...] = numbers(name, given)


def float_dtype(dtype: object) -> np.dtype[Any]:
    """`dtype` as a NumPy dtype, if it is one that networks are computed in.

    Raises
    ------
    OptionError
        If it is neither float32 nor float64.
    """
    try:
        known: np.dtype[Any] | None = None if dtype is None else np.dtype(dtype)  # type: ignore[call-overload]
    except (TypeError, ValueError, SyntaxError):  # what NumPy raises depends on what it was given
        known = None
    if known is None or known.name not in FLOATS:
        raise OptionError(f"dtype must be float32 or float64, not {brief(dtype)}.")
    return known


def added_up(numbers: Array) -> float:
    """Sum in double precision, one number after the other, as a loop would add them; `np.sum` adds in another order.

    Examples
    --------
    >>> added_up(np.array([1e16, 1.0, 1.0, -1e16]))
    0.0
    """
    return float(np.cumsum(numbers, dtype=np.float64)[-1:].sum())
