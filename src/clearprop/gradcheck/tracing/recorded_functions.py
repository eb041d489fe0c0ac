"""Functions that stand in the graph for what has no function of its own: one result of several, a write into a view, a mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def part(i: int, fn: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """The i-th result of a function that returns several."""
    return fn(*args, **kwargs)[i]


def scatter(ufunc: Any, target: Any, index: Any, *values: Any) -> Any:
    """ufunc.at, on a copy."""
    out = np.array(target)
    ufunc.at(out, index, *values)
    return out


def masked_call(ufunc: Any, where: Any, base: Any, *args: Any) -> Any:
    """ufunc(*args) where `where` holds, and the base elsewhere."""
    out = np.array(np.broadcast_to(base, np.broadcast_shapes(*map(np.shape, args))), dtype=np.float64)
    return ufunc(*args, where=np.asarray(where, bool), out=out)


def write_view(whole: Any, new: Any, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """A copy of `whole` in which the view fn(whole, *args, **kwargs) has the value `new`."""
    out = np.array(whole)
    fn(out, *args, **kwargs)[...] = new
    return out


def as_type(x: Any, dtype: str) -> Any:
    """A copy of another type."""
    return np.asarray(x).astype(dtype)[()]
