"""One value of a watched program, with the operation that made it, and where that stands."""

# ruff: noqa: E501  (tables, several entries to a line)
from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any

import numpy as np

Stack = tuple[tuple[CodeType, int], ...]
"""Where an operation stands: code and instruction of each frame of the program, innermost first."""


class Vertex:
    """One value of the program.

    Attributes
    ----------
    number : int
        Its place in the order of making.
    fn : callable or None
        The function that made it; None for a leaf.
    args, kwargs : tuple, dict
        Its arguments; vertices stand for traced values, also inside lists, tuples, dicts and slices.
    inputs : tuple of Vertex
        The vertices in `args` and `kwargs`.
    value : array or number
    stack : Stack
    names : list of str
        The names that the program gave it, as they stand in the source: "W1", "self.params['b1']".
    bits : int
        Leaves and steps that it depends on, a bit for each.
    mark : int
        For a parameter: the bit that says that something depends on it as it is now.
    kind : str
        "leaf", "random", "literal", "data", "made" (zeros and the like), or the name of the operation.
    origin : Vertex or None
        For a parameter or a part of one: the leaf that it began as.
    version : int
        Number of steps since.
    step_of : Vertex or None
        The value that a step moved.
    read : bool
        Whether anything has been made of it.
    """

    __slots__ = (
        "args", "bits", "fn", "inputs", "kind", "kwargs", "mark", "names", "number", "origin", "read", "stack", "step_of", "value",
        "version",
    )  # fmt: skip

    def __init__(self, fn: Callable[..., Any] | None, args: Any, kwargs: dict[str, Any], value: Any, kind: str) -> None:
        self.fn, self.args, self.kwargs, self.value, self.kind = fn, args, kwargs, value, kind
        self.inputs: tuple[Vertex, ...] = ()
        self.names: list[str] = []
        self.stack: Stack = ()
        self.number = self.bits = self.mark = self.version = 0
        self.origin: Vertex | None = None
        self.step_of: Vertex | None = None
        self.read = False

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.value)

    @property
    def size(self) -> int:
        return int(np.size(self.value))

    @property
    def floating(self) -> bool:
        return isinstance(self.value, (float, np.floating)) or (
            isinstance(self.value, np.ndarray) and self.value.dtype.kind == "f"
        )

    def __repr__(self) -> str:
        return f"<{self.number} {self.kind} {'/'.join(self.names)} {self.shape}>"
