"""Arrays: their types in signatures, their description in errors, and assignment that keeps views intact."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from clearprop.errors import OptionError, ShapeError

Array = NDArray[Any]
"""A NumPy array of any dtype; its shape is given in the docstring, in the letters of the legend in `clearprop.nn`."""

FloatName = Literal["float32", "float64"]
FLOATS: tuple[FloatName, ...] = get_args(FloatName)
Dtype = FloatName | np.dtype[Any] | type[np.floating[Any]]
"""A dtype that networks are computed in, by name or as NumPy has it."""


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
    if isinstance(x, (list, tuple)):
        return f"a {type(x).__name__} of length {len(x)}"
    return f"{x!r} ({type(x).__name__})"


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
    given = np.asarray(values)
    if given.shape != array.shape:
        whose = "" if owner is None else f" of {owner!r}"
        raise ShapeError(
            f"{name}{whose} has shape {array.shape} and cannot be set to {describe(values)}; give an array of that shape,"
            f" or write {name}[:] = ... to broadcast."
        )
    array[...] = given


def float_dtype(dtype: object) -> np.dtype[Any]:
    """`dtype` as a NumPy dtype, if it is one that networks are computed in.

    Raises
    ------
    OptionError
        If it is neither float32 nor float64.
    """
    try:
        known: np.dtype[Any] | None = None if dtype is None else np.dtype(dtype)  # type: ignore[call-overload]
    except TypeError:
        known = None
    if known is None or known.name not in FLOATS:
        raise OptionError(f"dtype must be float32 or float64, not {dtype!r}.")
    return known


def added_up(numbers: Array) -> float:
    """Sum in double precision, one number after the other, as a loop would add them; `np.sum` adds in another order.

    Examples
    --------
    >>> added_up(np.array([1e16, 1.0, 1.0, -1e16]))
    0.0
    """
    return float(np.cumsum(numbers, dtype=np.float64)[-1:].sum())
