"""The shuffle: NumPy's permutation, the same numbers from the same generator, in less than half the time.

With a small net, drawing the order of the examples takes longer than training on them. NumPy draws an integer again until it is
small enough, and the processor, which cannot foresee how often, loses its way at every third; here each draw is followed by an
exchange, of a number with itself where the draw was too large, and nothing has to be foreseen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from clearprop.arrays import Array
from clearprop.engines.compiled.cache import keep_on_disk
from clearprop.engines.compiled.lanes import INTERPRETED, integers_at

STATE, NEXT_UINT32 = 0, 2  # words of NumPy's bitgen_t (numpy/random/bitgen.h): what to call, and with what
LARGEST = 2**32  # more examples than that take NumPy's other path


@intrinsic
def _draw(typing: Any, function: Any, state: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(32), [ir.IntType(64)])
        drawn = builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [arguments[1]])
        return builder.zext(drawn, ir.IntType(64))

    return types.int64(types.int64, types.int64), generate


@keep_on_disk
@njit
def _shuffle(generator: int, order: Any) -> None:
    """0, 1, 2, ..., of which each, from the last to the second, is exchanged with one drawn from it and those before it."""
    for i in range(len(order)):
        order[i] = i
    words = integers_at(generator)
    function, state = words[NEXT_UINT32], words[STATE]
    i = len(order) - 1
    while i > 0:
        half = 1
        while 2 * half <= i:
            half *= 2
        mask = 2 * half - 1  # the least of the form 11...1 that is not below i
        while i >= half:
            j = _draw(function, state) & mask
            drawn = j <= i
            k = j if drawn else i
            order[i], order[k] = order[k], order[i]
            i -= int(drawn)


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
        _shuffle(rng.bit_generator.ctypes.bit_generator.value, order)
    return order
