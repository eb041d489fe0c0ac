"""Inputs of forward functions: rows and columns, pictures, sequences, words, by the names of the parameters.

A layer as a function shows what it takes only by names: `conv_forward(x, w, b, conv_param)` wants pictures, `rnn_forward` wants
sequences. Each layout gives every parameter a shape; the likelier ones come first, and the first that runs is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.guesses import N_HIDDEN, N_IN, N_OUT, Pool, key_of, pools, required
from clearprop.gradcheck.tracing.wrappers import plain

N, T, WORDS, CHANNELS, FILTERS, SIDE = 2, 3, 7, 4, 3, 4
GATES: Final = (1, 4, 3)
"""Blocks of columns in the weights of a plain cell, an LSTM and a GRU."""
ACTIVATIONS: Final = ("relu", "sigmoid", "tanh")
OPTIONS: Final = r"(param|opt|config|hyper)"
HINTS: Final = (
    (r"conv|pool|spatial|im2col|flatten", "pictures"),
    (r"embed|word", "words"),
    (r"lstm|rnn|gru|cell|temporal|seq|time|recurrent", "sequences"),
)
"""What the name of a function says of its input."""

Shape = tuple[int, ...]


def likely_inputs(name: str, forward: Callable[..., Any], seed: int) -> Iterator[dict[str, Any]]:
    """Arguments of a forward function by name, the likelier ones first.

    Parameters
    ----------
    name : str
        Name of the function, which may say what it takes.
    """
    makers = {"rows": _rows, "pictures": _pictures, "sequences": _sequences, "words": _words}
    first = [kind for pattern, kind in HINTS if re.search(pattern, name, re.IGNORECASE)]
    for kind in dict.fromkeys([*first, *makers]):
        yield from makers[kind](forward, seed)


def options_of(name: str, names: list[str]) -> dict[str, Any]:
    """A dictionary of settings, with the keys that layers ask for."""
    pool = "pool" in name or not any(key_of(n).startswith(("w", "f")) for n in names)
    sizes = {"pool_height": 2, "pool_width": 2, "f": 2, "stride": 2 if pool else 1, "pad": 0 if pool else 1}
    return {**sizes, "mode": "train", "p": 0.5, "eps": 1e-5, "momentum": 0.9}


def _rows(forward: Callable[..., Any], seed: int) -> Iterator[dict[str, Any]]:
    """Matrices of rows or columns."""
    for make in pools(seed=seed):
        for activation in ACTIVATIONS if any(_is_activation(n) for n in required(forward)) else ("",):
            for n_out in (N_OUT, N_IN):
                yield _from_pool(forward, make(), n_out, activation, np.random.default_rng(seed))


def _from_pool(forward: Callable[..., Any], pool: Pool, n_out: int, activation: str, rng: Any) -> dict[str, Any]:
    columns, names = pool.layout.startswith("column"), required(forward)
    made: dict[str, Any] = {}
    for name in names:
        low = key_of(name)
        if _is_activation(name):
            made[name] = activation
        elif re.search(OPTIONS, low):
            made[name] = options_of(low, names)
        elif low in ("gamma", "beta", "g"):
            made[name] = rng.normal(size=N_IN)
        elif low.startswith(("w", "k", "theta", "filter")):
            made[name] = rng.normal(size=(n_out, N_IN) if columns else (N_IN, n_out))
        elif low.startswith("b") and not low.startswith("batch"):
            made[name] = rng.normal(size=(n_out, 1) if columns else n_out)
        else:
            given = pool.candidates(name)
            made[name] = plain(given[0]) if given else rng.normal(size=np.shape(plain(pool.X)))
    return made


def _is_activation(name: str) -> bool:
    return re.match(r"^(activation|act|nonlin(earity)?|activation_(function|type|name))$", name, re.IGNORECASE) is not None


def _pictures(forward: Callable[..., Any], seed: int) -> Iterator[dict[str, Any]]:
    """Pictures with the channels first, and last."""
    first, last = (N, CHANNELS, SIDE, SIDE), (N, SIDE, SIDE, CHANNELS)
    for x, w, b, g in (
        (first, (FILTERS, CHANNELS, 3, 3), (FILTERS,), (CHANNELS,)),
        (first, (FILTERS, CHANNELS, 3, 3), (FILTERS,), (1, CHANNELS, 1, 1)),
        (first, (FILTERS, CHANNELS, 3, 3), (FILTERS, 1), (CHANNELS, 1)),
        (last, (3, 3, CHANNELS, FILTERS), (1, 1, 1, FILTERS), (CHANNELS,)),
        ((SIDE, SIDE), (3, 3), (), ()),
    ):
        yield _by_shape(forward, seed, lambda low, x=x, w=w, b=b, g=g: _of_layer(low, x, w, b, g))  # type: ignore[misc]


def _of_layer(low: str, x: Shape, w: Shape, b: Shape, g: Shape) -> Shape:
    """Shape of a layer's argument."""
    if low in ("gamma", "beta"):
        return g
    if low.startswith(("w", "k", "filter", "f")):
        return w
    return b if low.startswith("b") else x


def _sequences(forward: Callable[..., Any], seed: int) -> Iterator[dict[str, Any]]:
    """One step of a cell, then whole sequences; rows, then the columns in which a cell of matrices W @ [h, x] wants them."""
    for gates in GATES:
        for x in ((N, N_IN), (N, T, N_IN), (T, N, N_IN), (T, N_IN)):
            yield _by_shape(forward, seed, lambda low, x=x, gates=gates: _of_cell(low, x, gates, rows=True))  # type: ignore[misc]
    for x in ((N_IN, N), (N_IN, N, T), (N_IN, 1)):
        yield _by_shape(forward, seed, lambda low, x=x: _of_cell(low, x, 1, rows=False))  # type: ignore[misc]


def _of_cell(low: str, x: Shape, gates: int, rows: bool) -> Shape:
    """Shape of an argument of a recurrent cell."""
    wide = gates * N_HIDDEN
    if low.startswith("b"):
        return (wide,) if rows else (wide, 1)
    if low.startswith(("w", "u")):
        n_in = N_HIDDEN if re.search(r"^(u|w_?(h|hh|aa)$)", low) else N_IN
        return (n_in, wide) if rows else (wide, n_in)
    if re.search(r"(h|c|a|state)", low.replace("batch", "")) and not low.startswith("x"):
        return x[:1] * (len(x) > 2 or (rows and x[0] == N)) + (N_HIDDEN,) if rows else (N_HIDDEN, *x[1:2])
    return x


def _words(forward: Callable[..., Any], seed: int) -> Iterator[dict[str, Any]]:
    """Numbers of words, and a table of their vectors."""
    rng = np.random.default_rng(seed)
    for shape in ((N, T), (T,)):
        made = _by_shape(forward, seed, lambda low: (WORDS, N_IN) if low.startswith(("w", "e", "table")) else ())
        yield {
            n: rng.integers(WORDS, size=shape) if np.shape(v) == () and not isinstance(v, dict) else v for n, v in made.items()
        }


def _by_shape(forward: Callable[..., Any], seed: int, shape_of: Callable[[str], Shape]) -> dict[str, Any]:
    """Random arguments of the shapes that a layout says; settings, masks and numbers of groups by their names."""
    rng, names = np.random.default_rng(seed), required(forward)
    made: dict[str, Any] = {}
    for name in names:
        low = key_of(name)
        if re.search(OPTIONS, low):
            made[name] = options_of(low, names)
        elif name == "G" or low in ("groups", "stride", "poolsize", "pool", "size"):
            made[name] = 2
        elif low in ("pad", "padding"):
            made[name] = 1
        else:
            made[name] = rng.normal(size=shape_of(low))
    return made
