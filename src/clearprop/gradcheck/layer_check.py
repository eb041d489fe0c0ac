"""Checking a layer on its own: its backward pass against finite differences of its forward pass."""

from __future__ import annotations

import copy
import time
from dataclasses import replace
from typing import Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, describe
from clearprop.errors import OptionError, ShapeError
from clearprop.gradcheck.function_check import check_gradient
from clearprop.gradcheck.net_check import check_objective
from clearprop.gradcheck.numeric.comparator import TOLERANCE
from clearprop.gradcheck.numeric.methods import Method
from clearprop.gradcheck.numeric.net_objective import NetObjective
from clearprop.gradcheck.report import GradientReport
from clearprop.nn import ElementwiseLoss, Embedding, Layer, Loss, Net
from clearprop.nn.loss import Reduction

EXAMPLES = 5


class Projection(ElementwiseLoss):
    """The weighted sum of all outputs, sum(y_hat * y): a scalar with the derivative y.

    dL/dy_hat = y.

    Parameters
    ----------
    reduction : {"mean", "sum"}
    broadcast : bool
    """

    def __init__(self, reduction: Reduction = "sum", broadcast: bool = False) -> None:
        super().__init__(reduction, broadcast)

    @staticmethod
    def f(y_hat: Array, y: Array) -> Array:
        return y_hat * y

    @staticmethod
    def df(y_hat: Array, y: Array) -> Array:
        return y + 0.0 * y_hat


@checked
def check_layer(
    layer: Layer | Any, shape: int | tuple[int, ...], method: Method = "auto", tolerance: float = TOLERANCE, seed: int = 0
) -> GradientReport:
    """Compare dx and the gradients of a layer's parameters with finite differences of sum(c * y), for random numbers c.

    Parameters
    ----------
    layer : Layer
        It is copied. Parameters that are all 0, or not drawn yet, are drawn first, since 0 hides errors. Any other object with
        forward(x) and backward(dy) will do; of such a one, dx alone is checked. Layers for images are checked in a net, by
        `check`, between an `Unflatten` and a `Flatten`.
    shape : int or (int, int)
        Shape of the input, (B, n_in), or n_in alone.
    method, tolerance, seed
        As for `check`.

    Returns
    -------
    GradientReport
        With an entry for each parameter, and for "x"; not for the x of an `Embedding`, whose categories cannot be shifted.

    Examples
    --------
    >>> import clearprop as cp
    >>> check_layer(cp.Softmax(), 4).ok
    True
    >>> class Squash(cp.Tanh):
    ...     def backward(self, saved, dy):
    ...         return dy * (1 - saved)
    >>> check_layer(Squash(), (3, 2))["x"].verdict
    'wrong'
    """
    started = time.perf_counter()
    if isinstance(layer, (type, Loss)):
        raise OptionError(f"layer must be an object with forward(x) and backward(dy), not {describe(layer)}.")
    if min((shape,) if isinstance(shape, int) else shape, default=0) < 1:
        raise ShapeError(f"shape must be that of a batch, (B, n_in), or n_in alone, not {shape!r}.")
    if not isinstance(layer, Layer):
        return check_plain_layer(layer, (EXAMPLES, shape) if isinstance(shape, int) else shape, method, tolerance, seed)
    rows, columns = (EXAMPLES, shape) if isinstance(shape, int) else (*shape, 0, 0)[:2]
    if not rows or not columns or (isinstance(shape, tuple) and len(shape) != 2):
        raise ShapeError(f"shape must be that of a batch, (B, n_in), or n_in alone, not {shape!r}.")
    rng = np.random.default_rng(seed)
    twin = layer.copy()
    if any(parameter.any() for parameter in twin.parameters().values()):
        twin.complete(rng)
    else:
        twin.initialise(rng)
    net = Net(twin, seed=None, dtype="float64")
    X = rng.normal(size=(rows, columns))
    if isinstance(layer, Embedding) and columns == layer.n_in:
        X[:, layer.categories] = rng.integers([layer.sizes[k] for k in layer.categories], size=(rows, len(layer.categories)))
    y_hat = net.forward(X, training=True)[0]
    if not isinstance(y_hat, np.ndarray) or y_hat.ndim != 2:
        raise ShapeError(f"forward of {layer!r} must return a batch (B, n_out) and the saved values; got {describe(y_hat)}.")
    objective = NetObjective(net, Projection(), X, rng.normal(size=y_hat.shape))
    report = check_objective(objective, f"{layer!r}, input {(rows, columns)}", method, tolerance, seed, started)
    tags = [tag for tag, _ in objective.layers]
    tensors = [replace(tensor, name=_own_name(tensor.name, tags)) for tensor in report.tensors]
    return replace(report, tensors=tensors)


def check_plain_layer(layer: Any, shape: tuple[int, ...], method: Method, tolerance: float, seed: int) -> GradientReport:
    """Compare the dx of any object that has forward(x) and backward(dy) with differences of sum(c * y).

    Raises
    ------
    OptionError
        If it has no such methods, or one of them returns nothing.
    """
    rng = np.random.default_rng(seed)
    x, title = rng.normal(size=shape), f"{type(layer).__name__}, input {shape}"
    if not all(callable(getattr(layer, name, None)) for name in ("forward", "backward")):
        raise OptionError(f"A layer needs the methods forward(x) and backward(dy); {describe(layer)} has not both.")

    def run(x: Array) -> tuple[Any, Any, Any]:
        twin = copy.deepcopy(layer)
        out = twin.forward(x)
        y, saved = out if isinstance(out, tuple) and len(out) == 2 else (out, None)
        if y is None:
            raise OptionError(f"forward of {type(layer).__name__} returns None; is a return missing?")
        return twin, np.asarray(y, dtype=np.float64), saved

    c = rng.normal(size=run(x)[1].shape)

    def backward(x: Array) -> Array:
        twin, _, saved = run(x)
        dx = twin.backward(c) if saved is None else twin.backward(saved, c)
        if dx is None:
            raise OptionError(f"backward of {type(layer).__name__} returns None; is a return missing?")
        return np.asarray(dx, dtype=np.float64)

    return check_gradient(lambda x: float((run(x)[1] * c).sum()), backward, x, method, tolerance, seed, title)


def _own_name(name: str, tags: list[str]) -> str:
    """The layer's own name for an array: "W" for "W1", "gamma" for "BatchNorm1.gamma", "x" for "X"."""
    for tag in tags:
        name = name.removeprefix(f"{tag}.").removesuffix(tag) if tag else name
    return "x" if name == "X" else name
