"""What an array is called in signatures, and how it is described in errors."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from clearprop.errors import OptionError

Array = NDArray[Any]
"""A NumPy array of any dtype; its shape is given in the docstring, in the letters of the legend in `clearprop.nn`."""

DType = Literal["float32", "float64"] | type[np.floating[Any]] | np.dtype[Any]
"""What `dtype` arguments take: a name, or NumPy's own type or dtype of it."""

FLOATS = ("float32", "float64")


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
