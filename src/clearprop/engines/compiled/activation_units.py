"""The units of activations: f and its derivative, for rows of a batch, and for blocks of a narrow net.

Any activation is compiled whose `f` and `df` are element-wise expressions, a person's own included: their source is translated
as it stands, and the numbers that the layer hands to them (`constants`) or that they take from the module are constants of the
unit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from clearprop.engines.compiled.lanes import fill, lanes_of, load, store, total, wide
from clearprop.engines.compiled.linkage import call
from clearprop.engines.compiled.loss_blocks import softmax_block
from clearprop.engines.compiled.loss_rows import softmax_row
from clearprop.engines.compiled.memory import Floats

Functions = tuple[Callable[..., Any], ...]
F_ROWS, DF_ROWS, F_BLOCK, DF_BLOCK = range(4)


@cache
def elementwise_functions(
    f: Callable[..., Any], df: Callable[..., Any], constants: tuple[float, ...] = (), reads_z: bool = False
) -> Functions:
    """The functions of an element-wise activation; rows and blocks alike are one long row of numbers."""

    def activate_at(a: Any, z: Any, k: int) -> None:
        """a <- f(a) for one register, whose input is kept in z if the derivative will read it."""
        given = load(a, k)
        if reads_z:
            store(z, k, given)
        store(a, k, f(given, *constants))

    def activate(a: Floats, z: Floats, first: int, last: int, n: int, width: int) -> None:
        """a <- f(a)."""
        pair, z_pair, k = wide(a), wide(z), first
        while k + lanes_of(pair) <= last:
            activate_at(pair, z_pair, k)
            k += lanes_of(pair)
        for j in range(k, last, lanes_of(a)):
            activate_at(a, z, j)

    def differentiate(a: Floats, z: Floats, da: Floats, first: int, last: int, n: int, width: int) -> None:
        """da <- da * f'."""
        kept = z if reads_z else a
        pair, d_pair, k = wide(kept), wide(da), first
        while k + lanes_of(pair) <= last:
            store(d_pair, k, load(d_pair, k) * df(load(pair, k), *constants))
            k += lanes_of(pair)
        for j in range(k, last, lanes_of(a)):
            store(da, j, load(da, j) * df(load(kept, j), *constants))

    return activate, differentiate, activate, differentiate


def softmax_rows(a: Floats, z: Floats, first: int, last: int, n: int, width: int) -> None:
    """a <- softmax of each row."""
    for begin in range(first, last, width):
        softmax_row(a, begin, n, width, a, begin, lanes_of(a))


def d_softmax_rows(a: Floats, z: Floats, da: Floats, first: int, last: int, n: int, width: int) -> None:
    """dz_j = a_j (da_j - sum_k da_k a_k), in each row."""
    for begin in range(first, last, width):
        inner = 0.0
        for j in range(begin, begin + width, lanes_of(a)):
            inner += total(load(da, j) * load(a, j))
        for j in range(begin, begin + width, lanes_of(a)):
            store(da, j, load(a, j) * (load(da, j) - fill(a, inner)))


def softmax_blocks(a: Floats, z: Floats, first: int, last: int, n: int, width: int) -> None:
    """The same for a block of examples, which is as wide as one register or two."""
    if width > lanes_of(a):
        softmax_block(wide(a), first, wide(a), first, n, lanes_of(wide(a)))
    else:
        softmax_block(a, first, a, first, n, lanes_of(a))


def d_softmax_blocks(a: Floats, z: Floats, da: Floats, first: int, last: int, n: int, width: int) -> None:
    """The derivative for a block of examples."""
    if width > lanes_of(a):
        d_softmax_block(wide(a), wide(da), first, n)
    else:
        d_softmax_block(a, da, first, n)


def d_softmax_block(a: Any, da: Any, first: int, n: int) -> None:
    """dz_j = a_j (da_j - sum_k da_k a_k), for each example of a block."""
    inner = fill(a, 0.0)
    for j in range(n):
        k = first + j * lanes_of(a)
        inner = inner + load(da, k) * load(a, k)
    for j in range(n):
        k = first + j * lanes_of(a)
        store(da, k, load(a, k) * (load(da, k) - inner))


SOFTMAX: Functions = (softmax_rows, d_softmax_rows, softmax_blocks, d_softmax_blocks)


def apply(activation: Any, k: int, unit: int, *given: Any) -> None:
    """Function k of the activation, expanded here if it is known, else called."""
    if activation is None:
        call(unit, *given)
    else:
        activation[k](*given)
