"""The cost of a gradient: forward differences, central differences and back-propagation on growing networks.

Changing one parameter and evaluating the loss needs one evaluation of the net for each of its P parameters (two, for
central differences), and an evaluation costs about P multiplications itself: P^2 in all. Back-propagation gets the whole
gradient from one forward and one backward pass, at a cost proportional to P. This study measures both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.engines import ENGINES, Engine
from clearprop.nn import CrossEntropy, Loss, Net, mlp
from clearprop.registry import require

Row = dict[str, Any]
DEPTHS = (1, 2, 4, 8, 16)
WIDTH, EXAMPLES = 8, 8  # units of each hidden layer; examples in the batch whose loss is differentiated
FORWARD_STEP, CENTRAL_STEP = 1e-8, 6e-6  # about the square and the cube root of the rounding error


def forward_differences(f: Callable[[], float], theta: Array, h: float = FORWARD_STEP) -> Array:
    """(f(theta + h e_i) - f(theta)) / h for every i: P + 1 evaluations of f, which reads theta (P,)."""
    grad, start = np.empty_like(theta), f()
    for i, kept in enumerate(theta.copy()):
        theta[i] = kept + h
        grad[i] = (f() - start) / h
        theta[i] = kept
    return grad


def central_differences(f: Callable[[], float], theta: Array, h: float = CENTRAL_STEP) -> Array:
    """(f(theta + h e_i) - f(theta - h e_i)) / 2h for every i: 2 P evaluations of f, which reads theta (P,)."""
    grad = np.empty_like(theta)
    for i, kept in enumerate(theta.copy()):
        theta[i] = kept + h
        above = f()
        theta[i] = kept - h
        grad[i] = (above - f()) / (2 * h)
        theta[i] = kept
    return grad


@checked
def measure_costs(
    depths: Sequence[int] = DEPTHS, engine: Engine | str = "scalar", seed: int = 0, least: float = 0.05
) -> list[Row]:
    """Time the gradient of one small batch in networks 4-8-...-8-3 with tanh, by three methods.

    Parameters
    ----------
    depths : sequence of int
        Numbers of hidden layers. All layers have the same width, so that only P changes.
    engine : Engine or str
        On "scalar" every multiplication takes the same time, so that small networks already show the laws; on the others,
        overhead dominates small networks.
    seed : int
    least : float
        Seconds for which each method is repeated; the fastest repetition counts.

    Returns
    -------
    list of dict
        `method`, `depth`, `parameters` (P), `evaluations` of the net (a backward pass counts as one), `seconds`, and
        `error`: the largest difference from back-propagation, in units of the largest derivative.

    Examples
    --------
    >>> rows = measure_costs([1, 2], least=0.0)
    >>> [(row["method"], row["evaluations"]) for row in rows[:3]]
    [('forward differences', 68), ('central differences', 134), ('back-propagation', 2)]
    """
    engine, loss, rng = ENGINES.make(engine), CrossEntropy(), np.random.default_rng(seed)
    rows = []
    for depth in depths:
        require(depth >= 1, "depth", depth, "1 or more")
        net = mlp([4, *[WIDTH] * depth, 3], hidden="tanh", seed=rng, dtype="float64")
        rows += _three_methods(engine, net, loss, rng.normal(size=(EXAMPLES, 4)), rng.integers(3, size=EXAMPLES), least)
        for row in rows[-3:]:
            row["depth"] = depth
    return rows


def _three_methods(engine: Engine, net: Net, loss: Loss, X: Array, y: Array, least: float) -> list[Row]:
    P = net.theta.size

    def value() -> float:
        return loss(engine.forward(net, X), y)

    methods: dict[str, tuple[int, Callable[[], Array]]] = {
        "forward differences": (P + 1, lambda: forward_differences(value, net.theta)),
        "central differences": (2 * P, lambda: central_differences(value, net.theta)),
        "back-propagation": (2, lambda: engine.loss_and_grad(net, loss, X, y)[1]),
    }
    exact = methods["back-propagation"][1]()
    rows = []
    for method, (evaluations, gradient) in methods.items():
        error = float(np.abs(gradient() - exact).max() / np.abs(exact).max())
        seconds = _time(gradient, least)
        rows.append({"method": method, "parameters": P, "evaluations": evaluations, "seconds": seconds, "error": error})
    return rows


def _time(f: Callable[[], object], least: float) -> float:
    """Seconds of the fastest of as many calls as fill `least` seconds."""
    best, total = np.inf, 0.0
    while total <= least:
        began = perf_counter()
        f()
        seconds = max(perf_counter() - began, 1e-9)
        best, total = min(best, seconds), total + seconds
    return float(best)


def fit_exponents(rows: list[Row]) -> dict[str, float]:
    """The k in seconds ~ P^k of each method: the slope of a straight line through the larger half, both axes logarithmic.

    Examples
    --------
    >>> rows = [{"method": "slow", "parameters": P, "seconds": 1e-6 * P**2} for P in (10, 100, 1000)]
    >>> {method: round(k, 6) for method, k in fit_exponents(rows).items()}
    {'slow': 2.0}
    """
    exponents = {}
    for method in dict.fromkeys(row["method"] for row in rows):
        points = sorted((row["parameters"], row["seconds"]) for row in rows if row["method"] == method)
        large = points[min(len(points) // 2, max(len(points) - 2, 0)) :]
        if len({P for P, _ in large}) > 1:
            P, seconds = np.log(np.array(large)).T
            exponents[method] = float(np.polyfit(P, seconds, 1)[0])
    return exponents
