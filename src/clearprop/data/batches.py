"""The order in which one epoch visits the examples, drawn from an explicit generator.

The order is drawn once and handed to the engine, so that two engines with the same order take the same steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from clearprop.arguments import checked
from clearprop.errors import OptionError
from clearprop.headroom import require_memory
from clearprop.registry import choose, require

Order = Literal["shuffle", "sequential", "replacement"]
Remainder = Literal["keep", "drop"]
ORDERS: tuple[Order, ...] = get_args(Order)
REMAINDERS: tuple[Remainder, ...] = get_args(Remainder)


@checked
def draw_order(
    rng: np.random.Generator | int,
    n: int,
    batch_size: int,
    order: Order = "shuffle",
    remainder: Remainder = "keep",
    permutation: Callable[[np.random.Generator, int], NDArray[Any]] = np.random.Generator.permutation,
) -> NDArray[Any]:
    """Row numbers for one epoch; batch k is `order[k * batch_size : (k + 1) * batch_size]`.

    Parameters
    ----------
    rng : numpy.random.Generator or int
        Source of randomness, or a seed; not used by "sequential".
    n : int
        Number of examples.
    batch_size : int
        Examples per batch.
    order : {"shuffle", "sequential", "replacement"}
        A fresh permutation of the examples; the examples as they are; or n independent draws, so that in one epoch some
        examples come twice and some never.
    remainder : {"keep", "drop"}
        Treatment of the examples left over when `batch_size` does not divide n: a smaller last batch, or none.
    permutation : callable
        Draws a permutation; an engine may have a faster way to draw the same one.

    Returns
    -------
    array (n,) of int
        Shorter than n only where a remainder was dropped.

    Raises
    ------
    OptionError
        If `n` or `batch_size` is not positive, a word is unknown, or dropping the remainder would leave nothing.

    Examples
    --------
    >>> draw_order(0, 5, batch_size=2, order="sequential", remainder="drop")
    array([0, 1, 2, 3])
    """
    require(n > 0, "n", n, "a positive number of examples")
    require(batch_size > 0, "batch_size", batch_size, "a positive number of examples")
    choose("order", order, ORDERS)
    choose("remainder", remainder, REMAINDERS)
    require_memory(f"an order of {n:,} examples", 24 * n)
    length = n
    if remainder == "drop":
        length = n - n % batch_size
        if length == 0:
            raise OptionError(f"batch_size={batch_size} with remainder='drop' leaves none of {n} examples; lower it.")
    if order == "sequential":
        return np.arange(length)
    rng = np.random.default_rng(rng)
    # The whole epoch is drawn before the remainder is dropped, so that every example has the same chance to be in it.
    drawn = permutation(rng, n) if order == "shuffle" else rng.integers(n, size=n)
    return drawn[:length]
