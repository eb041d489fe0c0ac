"""Derivatives of folds: sums, means, extremes, variances, running sums, sorting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.trace import Vertex, filled

ValueOf = Callable[[Vertex], Any]


def _expanded(vertex: Vertex, g: Array, x: Array, value_of: ValueOf) -> tuple[Array, Any]:
    """The gradient of a fold, in a shape that broadcasts against x; and the axis."""
    kwargs = filled(vertex.kwargs, value_of)
    axis = kwargs.get("axis", filled(vertex.args[1], value_of) if len(vertex.args) > 1 else None)
    if axis is None or (kwargs.get("keepdims") and np.ndim(g) == x.ndim):
        return np.reshape(g, (1,) * x.ndim) if np.size(g) == 1 else np.asarray(g), axis
    axes = tuple(a % x.ndim for a in (axis if isinstance(axis, (tuple, list)) else (axis,)))
    return np.reshape(g, tuple(1 if i in axes else n for i, n in enumerate(x.shape))), axis


def _sum(vertex: Vertex, g: Array, value_of: ValueOf, out: Any) -> Array:
    x = np.asarray(value_of(vertex.args[0]))
    return np.broadcast_to(_expanded(vertex, g, x, value_of)[0], x.shape)


def _mean(vertex: Vertex, g: Array, value_of: ValueOf, out: Any) -> Array:
    x = np.asarray(value_of(vertex.args[0]))
    return np.broadcast_to(_expanded(vertex, g, x, value_of)[0], x.shape) * (np.size(out) / x.size)


def _extreme(vertex: Vertex, g: Array, value_of: ValueOf, out: Any) -> Array:
    x = np.asarray(value_of(vertex.args[0]))
    wide, _ = _expanded(vertex, g, x, value_of)
    best = _expanded(vertex, np.asarray(out), x, value_of)[0]
    hit = (x == best).astype(np.float64)
    axes = tuple(i for i, n in enumerate(np.broadcast_to(best, np.broadcast_shapes(best.shape, (1,) * x.ndim)).shape) if n == 1)
    return wide * hit / np.maximum(hit.sum(axis=axes, keepdims=True), 1.0)


def _var(vertex: Vertex, g: Array, value_of: ValueOf, out: Any) -> Array:
    x = np.asarray(value_of(vertex.args[0]))
    wide, axis = _expanded(vertex, g, x, value_of)
    axis = tuple(axis) if isinstance(axis, list) else axis
    count = x.size / np.size(out) - filled(vertex.kwargs, value_of).get("ddof", 0)
    return wide * 2.0 * (x - x.mean(axis=axis, keepdims=True)) / count


def _std(vertex: Vertex, g: Array, value_of: ValueOf, out: Any) -> Array:
    return _var(vertex, np.asarray(g) / (2.0 * np.maximum(out, 1e-300)), value_of, out)


def _cumsum(vertex: Vertex, g: Array, value_of: ValueOf, out: Any) -> Array:
    x = np.asarray(value_of(vertex.args[0]))
    kwargs = filled(vertex.kwargs, value_of)
    axis = kwargs.get("axis", vertex.args[1] if len(vertex.args) > 1 else None)
    if axis is None:
        return np.cumsum(g[::-1])[::-1].reshape(x.shape)
    return np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis)


def _prod(vertex: Vertex, g: Array, value_of: ValueOf, out: Any) -> Array:
    x = np.asarray(value_of(vertex.args[0]))
    wide = _expanded(vertex, np.asarray(g) * out, x, value_of)[0]
    return wide / np.where(x == 0, 1e-300, x)


def _sort(vertex: Vertex, g: Array, value_of: ValueOf, out: Any) -> Array:
    x = np.asarray(value_of(vertex.args[0]))
    axis = vertex.kwargs.get("axis", -1)
    back = np.zeros_like(x)
    np.put_along_axis(back, np.argsort(x, axis=axis), g, axis=axis)
    return back


FOLDS: dict[Any, Callable[..., Array]] = {
    np.sum: _sum, np.mean: _mean, np.average: _mean, np.max: _extreme, np.min: _extreme, np.amax: _extreme, np.amin: _extreme,
    np.var: _var, np.std: _std, np.cumsum: _cumsum, np.prod: _prod, np.sort: _sort, np.nansum: _sum, np.nanmean: _mean,
}  # fmt: skip
