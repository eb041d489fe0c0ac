"""Basins of attraction: the minimum at which a descent ends, for many starts at once, and for many step sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, describe, numbers
from clearprop.descent.path import NEAR, Row, as_optimizer
from clearprop.descent.surfaces import SURFACES, Point, Surface
from clearprop.errors import OptionError, ShapeError
from clearprop.headroom import require_memory
from clearprop.optim import Optimizer
from clearprop.registry import count

WANDERING, DIVERGED = -1, -2  # in the place of the number of a minimum
SETTLED = 500  # steps after which a path that has not come to rest will not do so any more
REST = 10  # points in a row that must be near a minimum; a path that jumps about may be near one by chance


@dataclass(frozen=True, eq=False)
class BasinMap:
    """The minimum at which a descent ends, for every start of a grid.

    Attributes
    ----------
    surface : Surface
    optimizer : Optimizer
    x : array (n_x,)
    y : array (n_y,)
    reached : array (n_y, n_x) of int
        Number of the minimum, 0 being the lowest; `WANDERING` if it comes to rest at none; `DIVERGED`.
    """

    surface: Surface
    optimizer: Optimizer
    x: Array
    y: Array
    reached: Array

    @checked
    def share(self, number: int = 0) -> float:
        """The share of the starts that end at minimum `number`."""
        return float(np.mean(self.reached == number))


@checked
def endings(surface: Surface, starts: Array, optimizer: Optimizer | str | float, steps: int = SETTLED) -> Array:
    """The end point of a descent from each of many starts.

    The rules of all optimizers are element-wise, so the coordinates of all starts form one long parameter vector.

    Parameters
    ----------
    surface : Surface
    starts : array (K, 2)
    optimizer : Optimizer, str or float
        As for `descend`, but without `clip_norm`, which depends on all starts together.
    steps : int

    Returns
    -------
    array (K, 2)
        NaN or infinite where the descent diverged.

    Examples
    --------
    >>> from clearprop.descent import Himmelblau
    >>> endings(Himmelblau(), np.array([[4.0, 3.0], [-3.0, -3.0]]), 0.01).round(3)
    array([[ 3.   ,  2.   ],
           [-3.779, -3.283]])
    """
    for points in _march(surface, starts, optimizer, steps):  # noqa: B007  the last ones count
        pass
    return points


def _march(surface: Surface, starts: Array, optimizer: Optimizer | str | float, steps: int) -> Iterator[Array]:
    """All points (K, 2): the starts, and those after each step."""
    starts = np.asarray(starts, dtype=np.float64)
    if starts.ndim != 2 or starts.shape[1] != 2:
        raise ShapeError(f"Starts are points of the plane, an array of shape (K, 2), not {describe(starts)}.")
    optimizer, steps = as_optimizer(optimizer), count("steps", steps, least=0)
    if optimizer.clip_norm is not None:
        raise OptionError(f"clip_norm={optimizer.clip_norm} depends on all starts together; leave it out, or call descend.")
    optimizer.reset()
    theta = starts.T.ravel().copy()
    yield starts
    for _ in range(steps):
        with np.errstate(all="ignore"):
            optimizer.step(theta, np.concatenate(surface.gradient(*theta.reshape(2, -1))))
        yield theta.reshape(2, -1).T.copy()


@checked
def settle(surface: Surface, starts: Array, optimizer: Optimizer | str | float, steps: int = SETTLED) -> Array:
    """For each start (K, 2), the number of the minimum at which the descent comes to rest, `WANDERING`, or `DIVERGED`.

    Examples
    --------
    >>> from clearprop.descent import Himmelblau
    >>> settle(Himmelblau(), np.array([[4.0, 3.0], [-3.0, -3.0]]), 0.01)
    array([0, 2])
    """
    reached = np.full(len(starts), WANDERING)
    for step, points in enumerate(_march(surface, starts, optimizer, steps)):
        if step > steps - REST:
            now = which_minimum(surface, points)
            first = step == max(steps - REST + 1, 0)
            reached = now if first else np.where(now == reached, now, np.minimum(now, WANDERING))
    return reached


def which_minimum(surface: Surface, points: Array) -> Array:
    """For each point (K, 2), the number of the minimum that it is close to, `WANDERING`, or `DIVERGED`."""
    diverged = ~(np.abs(points) < 1e6).all(axis=1)
    if not surface.minima:
        return np.where(diverged, DIVERGED, WANDERING)
    with np.errstate(all="ignore"):
        distances = np.linalg.norm(points[:, np.newaxis] - np.array(surface.minima), axis=2)  # (K, minima)
        near = np.where(distances.min(axis=1, initial=np.inf) <= NEAR, distances.argmin(axis=1), WANDERING)
    return np.where(diverged, DIVERGED, near)


@checked
def map_basins(
    function: Surface | str, optimizer: Optimizer | str | float = 0.1, steps: int = SETTLED, resolution: int = 101
) -> BasinMap:
    """The minimum that each start in the surface's box leads to.

    Parameters
    ----------
    function, optimizer
        As for `descend`.
    steps : int
        Steps of each descent.
    resolution : int
        Starts along each side.

    Examples
    --------
    >>> round(map_basins("published", optimizer=0.1, resolution=21).share(0), 2)
    0.45
    """
    surface, optimizer = SURFACES.make(function), as_optimizer(optimizer)
    resolution = count("resolution", resolution, least=2)
    require_memory(f"a map of {resolution:,} x {resolution:,} starts", 200 * resolution**2, "take a coarser one")
    x, y = (np.linspace(low, high, resolution) for low, high in surface.box)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    reached = settle(surface, grid, optimizer, steps)
    return BasinMap(surface, optimizer, x, y, reached.reshape(resolution, resolution))


@checked
def sweep_steps(
    function: Surface | str,
    rates: Sequence[float] | Array,
    start: Point | None = None,
    steps: int = SETTLED,
    resolution: int = 41,
) -> list[Row]:
    """The end of plain gradient descent for each of many fixed step sizes.

    Parameters
    ----------
    function : Surface or str
    rates : sequence of float
    start : pair of float, optional
        Default: the surface's own.
    steps, resolution
        As for `map_basins`.

    Returns
    -------
    list of dict
        For each rate `lr`: `reached` from the start (as in `BasinMap`), and the shares of all starts in the box that end at
        the lowest minimum (`lowest`), at any (`any`), and nowhere because they diverge (`diverged`).

    Examples
    --------
    >>> [row["reached"] for row in sweep_steps("published", [0.1, 0.3, 3.0], resolution=3)]
    [2, 2, -2]
    """
    surface = SURFACES.make(function)
    first = np.array([surface.start if start is None else start])
    rows = []
    for lr in numbers("rates", rates).astype(np.float64).ravel().tolist():
        reached = map_basins(surface, lr, steps, resolution).reached
        own = int(settle(surface, first, lr, steps)[0])
        shares = {"lowest": reached == 0, "any": reached >= 0, "diverged": reached == DIVERGED}
        rows.append({"lr": lr, "reached": own, **{name: float(np.mean(found)) for name, found in shares.items()}})
    return rows
