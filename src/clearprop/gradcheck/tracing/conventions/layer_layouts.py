"""Layouts of what a layer takes: rows, pictures, sequences, and what it is made with, by the names of the arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.guesses import N_IN, N_OUT, Pool, key_of, pools
from clearprop.gradcheck.tracing.wrappers import leaf

PICTURES: Final = ((2, N_IN, 6, 6), (2, 6, 6, N_IN), (N_IN, 6, 6), (6, 6, N_IN), (6, 6), (2, 1, 6, 6), (2, 6, 6))
"""Shapes of pictures: with the channels first and last, one without the batch, one without channels."""
SEQUENCES: Final = ((2, 3, N_IN), (3, 2, N_IN), (3, N_IN))
PICTURE_NAMES: Final = r"conv|pool|flat|2d|img|image"
SEQUENCE_NAMES: Final = r"rnn|lstm|gru|attention|sequence"
FILTER, WINDOW = 3, 2


def layouts(name: str, seed: int) -> list[Callable[[], Pool]]:
    """Makers of inputs for a class of that name, the likelier ones first."""
    rows = pools(seed=seed)
    pictures = [lambda shape=shape: _pool(shape, seed) for shape in PICTURES]
    sequences = [lambda shape=shape: _pool(shape, seed) for shape in SEQUENCES]
    if re.search(PICTURE_NAMES, name, re.IGNORECASE):
        return [*pictures, *rows]
    if re.search(SEQUENCE_NAMES, name, re.IGNORECASE):
        return [*sequences, *rows]
    return [*rows, *pictures[:3], *sequences[:1]]


def single_examples(seed: int) -> list[Callable[[], Pool]]:
    """Makers of one example, as a row and as a column."""
    return [lambda shape=shape: _pool(shape, seed) for shape in ((1, N_IN), (N_IN, 1))]  # type: ignore[misc]


def _pool(shape: tuple[int, ...], seed: int) -> Pool:
    X = np.random.default_rng(seed).normal(size=shape)
    Y = np.eye(N_OUT)[np.arange(shape[0]) % N_OUT]
    return Pool(leaf(X, "data"), leaf(Y, "data"), f"an array of the shape {shape}")


def made_with(name: str, kind: Any, pool: Pool, seed: int = 0) -> list[Any]:
    """Values for an argument with which a layer is made: its parameters, or the sizes of its windows; none if it is another."""
    low, shape = key_of(name), np.shape(pool.X)
    rng = np.random.default_rng(seed + 1)
    picture = len(shape) == 4
    columns = pool.layout.startswith("column")
    n_in = shape[1] if picture or (len(shape) == 2 and not columns) else shape[0] if len(shape) == 2 else shape[-1]
    if low in ("w", "weight", "weights", "filters", "kernel", "kernels"):
        sizes = (N_OUT, n_in, FILTER, FILTER) if picture else (N_OUT, n_in) if columns else (n_in, N_OUT)
        number = [N_OUT] if low in ("filters", "kernel") and not picture else []
        return [leaf(rng.normal(size=sizes), "data"), *number]
    if low in ("b", "bias", "biases"):
        return [leaf(rng.normal(size=(N_OUT, 1) if columns else N_OUT), "data"), True]
    if low in ("gamma", "beta"):
        return [leaf(rng.normal(size=n_in), "data"), 0.9]
    pooling = re.search(r"pool", getattr(kind, "__name__", ""), re.IGNORECASE) is not None
    for pattern, value in (
        (r"^(kernel|filter|k|f|patch|window|conv)_?(size|dim|h|w|height|width|shape)?s?$", WINDOW if pooling else FILTER),
        (r"^(pool)(ing)?_?(size|dim|h|w|height|width|shape)?$|^(size|h|w|height|width)$", WINDOW),
        (r"^strides?$", WINDOW if pooling else 1),
        (r"^(pad|padding|p)$", 0),
        (r"^(num|n)?_?(filters?|kernels?|output_?(channels?|depth)|out_?(channels?|depth|c)|depth|nf|c_?out)$", N_OUT),
        (r"^(num|n)?_?(input_?(channels?|depth)|in_?(channels?|depth|c)|channels?|c_?in)$", n_in),
    ):
        if re.match(pattern, low.replace("_", "")) or re.match(pattern, name.lower()):
            return [value, (value, value)]
    if re.match(r"^(input_?shape|in_?shape|shape|input_?(size|dims?))$", name.lower()) and len(shape) > 2:
        return [shape[1:] if picture else shape, shape]
    return []
