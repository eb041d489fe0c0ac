"""A scalar function of a tree as an objective: called with a fresh copy of the tree each time, and watched for side effects."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from clearprop.arrays import Array, describe
from clearprop.errors import OptionError, ShapeError
from clearprop.gradcheck.numeric.objective import Objective
from clearprop.gradcheck.numeric.trees import flatten, is_tensor, rebuild

CHEAP = 2000  # numbers up to which it is asked whether the function computes in single precision


class FunctionObjective(Objective):
    """f(tree) -> number, with the tree's leaves as arrays.

    Parameters
    ----------
    f : callable
        May return a pair (value, gradient) as well; the gradient is then the one to check.
    grad : callable, tree or None
        The gradient as a function of the tree, or at this point only; None if `f` returns it.
    x : tree
        The point of the check.

    Attributes
    ----------
    notes : list of str
        Peculiarities of the function, in sentences.
    random : bool
        Whether two calls at the same point differ.
    """

    def __init__(self, f: Callable[[Any], Any], grad: Any, x: Any) -> None:
        self.f, self.grad, self.x = f, grad, x
        self.notes: list[str] = []
        leaves = flatten(x)
        whole = [name for name, array in leaves.items() if array.dtype.kind in "iub" and array.ndim]
        if whole:
            self.notes.append(f"Integers have no derivative; converted to float64: {', '.join(whole)}.")
        self.arrays = {name: np.array(array, dtype=np.float64, order="C") for name, array in leaves.items()}
        if not any(array.size for array in self.arrays.values()):
            raise OptionError(f"There is nothing to differentiate in x, {describe(x)}; give at least one number.")
        self._watch()

    def value(self) -> float:
        self.evaluations += 1
        return number(self._first(self._call(rebuild(self.x, self.arrays)))[0])

    def gradient(self) -> dict[str, Array] | None:
        """The gradient by leaf, if it is known as a function."""
        if self.grad is not None and not callable(self.grad):
            return None
        return self._named(self._given())

    def given(self) -> dict[str, Array]:
        """The gradient at the first point, in the dtype in which it came.

        Raises
        ------
        ShapeError
            If its structure is not that of x.
        """
        if self.grad is not None and not callable(self.grad):
            return self._match(flatten(self.grad))
        return self._match(flatten(self._given()))

    def _given(self) -> Any:
        tree = rebuild(self.x, self.arrays)
        return self._first(self._call(tree))[1] if self.grad is None else self.grad(tree)

    def _casts(self) -> bool:
        """Whether changes that double precision resolves, and single precision does not, make no difference at all."""
        if sum(array.size for array in self.arrays.values()) > CHEAP:
            return False

        def at(change: float) -> float:
            moved = {name: array * (1.0 + change) for name, array in self.arrays.items()}
            return number(self._first(self._call(rebuild(self.x, moved)))[0])

        start, far = at(0.0), at(1e-3)
        expected = abs(far - start) * 1e-6  # for a change of one part in 10^9
        if not expected > 1e4 * self.eps * abs(start):
            return False
        return at(1e-9) == start == at(-1e-9)

    def _named(self, tree: Any) -> dict[str, Array]:
        leaves = self._match(flatten(tree))
        fitting = {name: leaves[name].astype(np.float64) for name in self.arrays}
        return {  # what has another size is told in the report, and does not serve as a gradient
            name: fitting[name].reshape(array.shape) if fitting[name].size == array.size else np.full(array.shape, np.nan)
            for name, array in self.arrays.items()
        }

    def _call(self, tree: Any) -> Any:
        with np.errstate(all="ignore"):
            return self.f(tree)

    def _first(self, result: Any) -> tuple[Any, Any]:
        """The value, and the gradient if f returns both."""
        if isinstance(result, tuple) and len(result) == 2:
            return result
        if self.grad is None:
            raise OptionError(f"grad is None, so f must return (value, gradient), not {describe(result)}.")
        return result, None

    def _match(self, leaves: dict[str, Array]) -> dict[str, Array]:
        """Leaves of the gradient under the names of x: by name where these agree, else by their order."""
        if set(leaves) >= set(self.arrays):
            return {name: leaves[name] for name in self.arrays}
        if len(leaves) == len(self.arrays) and not (isinstance(self.x, dict) and len(leaves) > 1):
            return dict(zip(self.arrays, leaves.values(), strict=True))
        missing = [name for name in self.arrays if name not in leaves]
        found = ", ".join(leaves) or "nothing"
        raise ShapeError(
            f"The gradient must have the structure of x, with {', '.join(self.arrays)}; it lacks {', '.join(missing)}"
            f" and has {found}. Return it as a {type(self.x).__name__} of the same form."
        )

    def _watch(self) -> None:
        """Call twice at the same point: notes a changed input, a low precision, and values that differ."""
        tree = rebuild(self.x, self.arrays)
        first = self._first(self._call(tree))[0]
        after = flatten(tree)
        changed = [name for name, array in self.arrays.items() if not _unchanged(after, name, array)]
        if changed:
            self.notes.append(
                f"The function changes its input ({', '.join(changed)}). Every call here got a copy; a training loop would"
                " not make one. Work on a copy inside the function."
            )
        dtype = np.asarray(first.detach().cpu().numpy() if is_tensor(first) else first).dtype
        if dtype.kind == "f" and dtype.itemsize < 8:
            self.eps = float(np.finfo(dtype).eps)
            self.notes.append(
                f"The function was given float64 and returns {dtype}: its rounding hides relative errors below about"
                f" {500 * self.eps ** (2 / 3):.0e}. Compute in float64 for a sharper check."
            )
        elif self._casts():
            self.eps = float(np.finfo(np.float32).eps)
            self.notes.append(
                "The function computes in float32 inside: a change of its input by one part in 10^9 is lost. Its rounding hides"
                f" relative errors below about {500 * self.eps ** (2 / 3):.0e}. Compute in float64 for a sharper check."
            )
        second = self._first(self._call(rebuild(self.x, self.arrays)))[0]
        self.random = not _same(number(first), number(second), self.eps)
        if self.random:
            self.notes.append(
                f"The function is not deterministic: two calls at the same point gave {number(first)!r} and"
                f" {number(second)!r}. Fix its seed inside the function (dropout, shuffling), then check again."
            )


def number(value: Any) -> float:
    """The one number that a function returned.

    Raises
    ------
    ShapeError
        If it is an array of several; a gradient needs a scalar function.
    """
    if is_tensor(value):
        value = value.detach().cpu().numpy()
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "fiub":
        raise ShapeError(f"The function must return one real number, not {describe(value)}; return the loss, say.")
    return float(array.reshape(()))


def _same(a: float, b: float, eps: float) -> bool:
    """Equal up to the last digits, which depend on the order of summation."""
    return a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= 64 * eps * max(abs(a), abs(b))


def _unchanged(after: dict[str, Array], name: str, before: Array) -> bool:
    return name in after and np.array_equal(after[name], before, equal_nan=True)
