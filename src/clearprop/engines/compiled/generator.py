"""NumPy's own generator, called from the kernel: the same numbers as in Python, which leave it in the same state.

Permutations are drawn here in half of NumPy's time. NumPy draws an integer again until it is small enough, and the processor,
which cannot foresee how often, loses its way at every third; here each draw is followed by an exchange, of a number with
itself where the draw was too large, and nothing has to be foreseen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from clearprop.engines.compiled.compiler.primitives import instruction
from clearprop.engines.compiled.compiler.values import FLOAT64, INT, Pointer, Value, cast
from clearprop.engines.compiled.lanes import INTERPRETED

STATE, NEXT_UINT32, NEXT_DOUBLE = 0, 2, 3  # words of NumPy's bitgen_t (numpy/random/bitgen.h): what to call, and with what


def address_of_generator(rng: np.random.Generator) -> int:
    """Where NumPy's bitgen_t of a generator lies; interpreted, `INTERPRETED_GENERATORS` finds the generator by it."""
    address = int(rng.bit_generator.ctypes.bit_generator.value)
    if INTERPRETED:
        INTERPRETED_GENERATORS[address] = rng
    return address


INTERPRETED_GENERATORS: dict[int, np.random.Generator] = {}


def draw_uniform(generator: int) -> float:
    """A number between 0 and 1, as `rng.random()` draws it."""
    return float(INTERPRETED_GENERATORS[int(generator)].random())


@instruction(draw_uniform)
def _draw_uniform(builder: Any, generator: Value) -> Value:
    return Value(FLOAT64, _drawn(builder, generator, NEXT_DOUBLE, ir.DoubleType()))


def draw_integer(generator: int) -> int:
    """32 random bits."""
    raise NotImplementedError("interpreted, the whole permutation is drawn by NumPy")


@instruction(draw_integer)
def _draw_integer(builder: Any, generator: Value) -> Value:
    return Value(INT, builder.zext(_drawn(builder, generator, NEXT_UINT32, ir.IntType(32)), INT.ir_type))


def _drawn(builder: Any, generator: Value, word: int, kind: Any) -> Any:
    words = builder.inttoptr(cast(builder, generator, INT).ir, INT.ir_type.as_pointer())
    state, function = (builder.load(builder.gep(words, [INT.ir_type(k)])) for k in (STATE, word))
    signature = ir.FunctionType(kind, [INT.ir_type])
    return builder.call(builder.inttoptr(function, signature.as_pointer()), [state])


def shuffle(generator: int, order: Any, n: int) -> None:
    """`rng.permutation(n)`: 0, 1, 2, ..., of which each, from the last on, is exchanged with one that is drawn."""
    for j in range(n):
        order[j] = j
    i = n - 1
    half = 1
    while 2 * half <= i:
        half *= 2
    while i > 0:
        mask = 2 * half - 1  # the least of the form 11...1 that is not below i
        while i >= half:
            j = draw_integer(generator) & mask
            drawn = j <= i
            k = j if drawn else i
            order[i], order[k] = order[k], order[i]
            i -= int(drawn)
        half //= 2


def shuffle_order(generator: int, order: int, n: int) -> None:
    """`shuffle`, for an order that is known by its address."""
    shuffle(generator, integers_at(order), n)


def integers_at(address: int) -> Any:
    """The integers that lie at an address."""
    raise NotImplementedError("interpreted, the whole permutation is drawn by NumPy")


@instruction(integers_at)
def _integers_at(builder: Any, address: Value) -> Value:
    return cast(builder, address, Pointer(INT))
