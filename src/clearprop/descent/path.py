"""The path of an optimizer on a surface, step by step."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, describe
from clearprop.descent.surfaces import SURFACES, Point, Surface
from clearprop.errors import ShapeError
from clearprop.headroom import require_memory
from clearprop.optim import OPTIMIZERS, SGD, Optimizer
from clearprop.registry import count, number

Row = dict[str, Any]
NEAR = 0.05  # a path that ends within this distance of a minimum has reached it


@dataclass(frozen=True, eq=False)
class Path:
    """The points of a descent, and the values of f at them.

    Attributes
    ----------
    surface : Surface
    optimizer : Optimizer
    points : array (steps + 1, 2)
        The start, and the point after each step; fewer, if f or a coordinate overflowed.
    values : array (steps + 1,)
        f at those points.
    rates : array (steps,)
        The learning rate of each step.
    stopped : str or None
        Reason why the path is shorter than asked for; None if it is not.
    """

    surface: Surface
    optimizer: Optimizer
    points: Array
    values: Array
    rates: Array
    stopped: str | None = None

    @property
    def end(self) -> Point:
        """The last point."""
        return float(self.points[-1, 0]), float(self.points[-1, 1])

    @property
    def final(self) -> float:
        """f at the last point."""
        return float(self.values[-1])

    @property
    def lowest(self) -> float:
        """The smallest f along the path."""
        return float(self.values.min())

    @property
    def minimum(self) -> int | None:
        """Number of the minimum near which the path ends (0 is the lowest), or None."""
        distances = [float(np.hypot(*(self.points[-1] - np.array(minimum)))) for minimum in self.surface.minima]
        nearest = int(np.argmin(distances)) if distances else 0
        return nearest if distances and distances[nearest] <= NEAR else None

    def rows(self) -> list[Row]:
        """One JSON-able row for each point: `step`, `x`, `y`, `f`, and `lr` of the step to it (None for the start)."""
        rates = [None, *self.rates.tolist()]
        return [
            {"step": step, "x": float(x), "y": float(y), "f": float(f), "lr": lr}
            for step, ((x, y), f, lr) in enumerate(zip(self.points, self.values, rates, strict=True))
        ]


@checked
def descend(
    function: Surface | str,
    start: Point | None = None,
    optimizer: Optimizer | str | float = 0.1,
    steps: int = 10,
) -> Path:
    """Run an optimizer on a surface.

    Parameters
    ----------
    function : Surface or str
        A surface, or its name in `SURFACES`.
    start : pair of float, optional
        Default: the surface's own.
    optimizer : Optimizer, str or float
        A number is the fixed step size of plain gradient descent. For a step size that decays, give a schedule:
        `SGD(lr=ExponentialDecay(0.2, 0.8))` makes step t (0 for the first) 0.2 * 0.8^t long. The optimizer itself is not
        changed.
    steps : int

    Returns
    -------
    Path

    Raises
    ------
    UnknownNameError
        If there is no surface or optimizer of that name.
    ShapeError
        If the start is not a pair of numbers.

    Examples
    --------
    >>> from clearprop.optim import SGD, ExponentialDecay
    >>> path = descend("published", (3, 2), SGD(lr=ExponentialDecay(0.2, 0.8)), steps=10)
    >>> round(path.final, 5), path.minimum
    (-2.16415, None)
    """
    surface = SURFACES.make(function)
    theta = as_point(surface.start if start is None else start)
    steps = count("steps", steps, least=0)
    optimizer = as_optimizer(optimizer)
    optimizer.reset()
    require_memory(f"a path of {steps:,} steps", 250 * steps, "take fewer steps")
    points, stopped = [theta.copy()], None
    with np.errstate(all="ignore"):
        for step in range(1, steps + 1):
            optimizer.step(theta, np.array(surface.gradient(*theta)))
            if not (np.isfinite(theta).all() and np.isfinite(surface(*theta))):
                stopped = f"f is not finite after step {step}"
                break
            points.append(theta.copy())
        values = np.array([surface(*point) for point in points])
    whole = np.array(points)
    rates = np.array([optimizer.rate(step) for step in range(len(whole) - 1)])
    return Path(surface, optimizer, whole, values, rates, stopped)


def as_optimizer(given: Optimizer | str | float) -> Optimizer:
    """A copy of the optimizer, one by its name, or plain gradient descent with a fixed step size."""
    if isinstance(given, (Optimizer, str)):
        return deepcopy(OPTIMIZERS.make(given))
    return SGD(lr=number("step", given, lambda lr: lr >= 0, "zero or more"))


def as_point(given: Any) -> Array:
    """A point (2,) of float64.

    Raises
    ------
    ShapeError
        If it is not two finite numbers.
    """
    try:
        point = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        point = np.zeros(0)
    if point.shape != (2,) or not np.isfinite(point).all():
        raise ShapeError(f"A point of the plane is a pair of finite numbers such as (3, 2), not {describe(given)}.")
    return point
