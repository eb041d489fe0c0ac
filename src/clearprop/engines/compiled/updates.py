"""The optimizers of the kernel: the functions of `optim`, compiled for registers."""

from __future__ import annotations

import math
from typing import Any

from clearprop.engines.compiled.lane_math import compile_elementwise
from clearprop.engines.compiled.lanes import expanded, load, store
from clearprop.engines.compiled.verified import original
from clearprop.optim import SGD, AdaGrad, Adam, Optimizer, RMSProp

GRADIENT_DESCENT, ADAGRAD, RMSPROP, ADAM = range(4)
OPTIMIZER_CODES: dict[type[Optimizer], int] = {SGD: GRADIENT_DESCENT, AdaGrad: ADAGRAD, RMSProp: RMSPROP, Adam: ADAM}

sgd, adagrad = compile_elementwise(original(SGD, "update")), compile_elementwise(original(AdaGrad, "update"))
rmsprop, adam = compile_elementwise(original(RMSProp, "update")), compile_elementwise(original(Adam, "update"))


@expanded
def squared_norm(grad: Any, first: int, last: int) -> float:
    """Sum of squares of a part of the gradient, in double precision."""
    s = 0.0
    for i in range(first, last):
        s += float(grad[i]) * float(grad[i])
    return s


@expanded
def clip_factor(squares: float, clip_norm: float) -> float:
    """Scale factor that clips a gradient with this squared norm."""
    norm = math.sqrt(squares)
    return clip_norm / norm if norm > clip_norm else 1.0


@expanded
def update(
    code: int, theta: Any, grad: Any, one: Any, two: Any, first: int, last: int, factor: float, decay: float, c: Any,
    lanes: int,
) -> None:  # fmt: skip
    """Move a part of theta, given factor * gradient + decay * theta; c holds the learning rate, then the constants."""
    for i in range(first, last, lanes):
        w = load(theta, i)
        g = load(grad, i) * factor + w * decay
        if code == GRADIENT_DESCENT:
            w, v = sgd(w, g, load(one, i), c[0], c[1], c[2])
            store(one, i, v)
        elif code == ADAGRAD:
            w, s = adagrad(w, g, load(one, i), c[0], c[1])
            store(one, i, s)
        elif code == RMSPROP:
            w, s = rmsprop(w, g, load(one, i), c[0], c[1], c[2])
            store(one, i, s)
        else:
            w, m, s = adam(w, g, load(one, i), load(two, i), c[0], c[1], c[2], c[3], c[4], c[5])
            store(one, i, m)
            store(two, i, s)
        store(theta, i, w)
