"""np.matrix, as programs of some years ago use it: always two axes, and `*` is the product of matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.numpy_functions import array_of
from clearprop.gradcheck.tracing.traced import Traced, call, plain
from clearprop.gradcheck.tracing.wrappers import Arr

FOLDS: Final = ("sum", "mean", "std", "var", "max", "min", "prod", "any", "all", "argmax", "argmin")


class Matrix(Arr):
    """An array with two axes; what is computed from it is one, too."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __getitem__(self, index: Any) -> Any:
        return super().__getitem__(self._kept(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(self._kept(index), value)

    def _kept(self, index: Any) -> Any:
        """An index that keeps both axes, unless it is of a single number."""
        parts = (*(index if isinstance(index, tuple) else (index,)), slice(None))[:2]
        if all(_is_number(part) for part in parts):
            return index
        kept = tuple(_as_slice(part, size) for part, size in zip(parts, self.shape, strict=False))
        return kept if isinstance(index, tuple) else kept[0]

    def __mul__(self, other: Any) -> Any:
        return product(self, other)

    def __rmul__(self, other: Any) -> Any:
        return product(other, self)

    def __imul__(self, other: Any) -> Any:
        self.become(product(self, other))
        return self

    def __pow__(self, power: Any) -> Any:
        made = self
        for _ in range(int(power) - 1):
            made = product(made, self)
        return made

    def ravel(self, *args: Any) -> Any:
        return call(np.reshape, (self, (1, -1)), {})

    def flatten(self, *args: Any) -> Any:
        return call(np.reshape, (self, (1, -1)), {}, view=False)

    def getA(self) -> Arr:
        """The same numbers as a usual array."""
        return Arr(self.vertex)

    @property
    def A(self) -> Arr:
        return self.getA()

    @property
    def A1(self) -> Any:
        return call(np.ravel, (self.getA(),), {})

    @property
    def I(self) -> Any:  # noqa: E743  # its name in NumPy
        return call(np.linalg.inv, (self,), {})


def _fold(name: str) -> Callable[..., Any]:
    function = getattr(np, name)

    def method(self: Matrix, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
        if axis is None:
            return call(function, (self,), kwargs)
        return call(function, (self,), {"axis": axis, **kwargs, "keepdims": True})

    method.__name__ = name
    return method


for _name in FOLDS:
    setattr(Matrix, _name, _fold(_name))


def product(a: Any, b: Any) -> Any:
    """a * b, where one of them is a matrix: the product of matrices, unless one is a number."""
    if not np.ndim(plain(a)) or not np.ndim(plain(b)):
        return call(np.multiply, (a, b), {})
    return call(np.matmul, (matrix(a), matrix(b)), {})


def matrix(thing: Any, *args: Any, **kwargs: Any) -> Any:
    """np.matrix and np.asmatrix."""
    if isinstance(thing, str):
        thing = np.array(np.asmatrix(thing))
    made = array_of("array", thing) if isinstance(thing, (Traced, list, tuple)) else array_of("array", np.asarray(thing))
    made = made if made.ndim == 2 else call(np.reshape, (made, (1, -1)), {})
    return Matrix(made.vertex)


def folded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of NumPy that asks a matrix for its own way of summing, as NumPy does."""

    def replacement(x: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(x, name)(*args, **kwargs) if isinstance(x, Matrix) else function(x, *args, **kwargs)

    replacement.__name__ = name
    return replacement


def _is_number(part: Any) -> bool:
    return np.ndim(plain(part)) == 0 and not isinstance(part, (slice, type(None), type(Ellipsis)))


def _as_slice(part: Any, size: int) -> Any:
    """An index that keeps the axis: of one row, the slice that holds it."""
    if not _is_number(part) or isinstance(plain(part), (bool, np.bool_)):
        return part
    k = int(plain(part))
    if not -size <= k < size:
        raise IndexError(f"index {k} is out of bounds for axis of size {size}")
    return slice(k % size, k % size + 1)
