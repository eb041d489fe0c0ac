"""Tiny numbers that a program adds against a division by zero, and that may stand elsewhere in its backward pass.

`(x - mean) / (std + 1e-6)` and `1 / sqrt(var + 1e-6)` are one and the same but for the tiny number. Where the spread is small
this is seen, and is no mistake in the gradient: it is judged with a number that is smaller still.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.trace import Vertex

TINY: Final = 1e-4
SMALLER: Final = 1e-7
ADDING: Final = (np.add, np.subtract, np.maximum, np.minimum, np.clip)


def has_tiny_numbers(graph: Graph) -> bool:
    """Whether a program adds tiny numbers."""
    return any(_is_tiny(arg) for vertex in graph.vertices if vertex.fn in ADDING for arg in vertex.args)


@contextlib.contextmanager
def made_smaller(graph: Graph) -> Iterator[None]:
    """Within, all tiny numbers that are added are smaller."""
    kept: list[tuple[Vertex, tuple[Any, ...]]] = []
    try:
        for vertex in graph.vertices:
            if vertex.fn in ADDING and any(_is_tiny(arg) for arg in vertex.args):
                kept.append((vertex, vertex.args))
                vertex.args = tuple(_number(arg) * SMALLER if _is_tiny(arg) else arg for arg in vertex.args)
        yield
    finally:
        for vertex, args in kept:
            vertex.args = args


def _number(arg: Any) -> float:
    return float(np.ravel(arg.value if isinstance(arg, Vertex) else arg)[0])


def _is_tiny(arg: Any) -> bool:
    """Whether an argument is a tiny number of the source."""
    if isinstance(arg, Vertex):
        return arg.fn is None and arg.kind == "literal" and arg.size == 1 and 0.0 < abs(_number(arg)) <= TINY
    return isinstance(arg, (float, np.floating)) and 0.0 < abs(float(arg)) <= TINY
