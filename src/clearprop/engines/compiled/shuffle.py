"""The permutation: NumPy's own, the same numbers from the same generator, in less than half the time (`generator`)."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import CFUNCTYPE, c_int64
from functools import cache

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.compiled.generator import address_of_generator
from clearprop.engines.compiled.lanes import INTERPRETED
from clearprop.engines.compiled.library import address
from clearprop.engines.compiled.memory import address_of
from clearprop.engines.compiled.units import SHUFFLE

LARGEST = 2**32  # more examples than that take NumPy's other path


def permutation(rng: np.random.Generator, n: int) -> Array:
    """`rng.permutation(n)`, which leaves the generator in the same state as well.

    Examples
    --------
    >>> bool((permutation(np.random.default_rng(0), 9) == np.random.default_rng(0).permutation(9)).all())
    True
    """
    if INTERPRETED or n >= LARGEST:
        return rng.permutation(n)
    order = np.empty(n, np.int64)
    with rng.bit_generator.lock:
        shuffler()(address_of_generator(rng), address_of(order), n)
    return order


@cache
def shuffler() -> Callable[[int, int, int], None]:
    """The function that draws a permutation, given the addresses of the generator and of the array, and its length."""
    found: Callable[[int, int, int], None] = CFUNCTYPE(None, c_int64, c_int64, c_int64)(address(SHUFFLE, "float64"))
    return found
