"""The grid: which settings are tried. All combinations of lists, or random draws from lists and ranges."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.arguments import checked
from clearprop.errors import OptionError
from clearprop.headroom import require_memory
from clearprop.registry import count, number, require

Combination = dict[str, Any]


@checked
@dataclass(frozen=True)
class Between:
    """A range from which a random search draws.

    Parameters
    ----------
    low, high : int or float
        Two whole numbers give whole numbers, both ends included.
    log : bool
        Whether the logarithm is uniform, as suits learning rates, and not the number itself.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> Between(1, 100, log=True).draw(rng), round(Between(0.0, 0.5).draw(rng), 3)
    (18, 0.135)
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        low, high = number("low", self.low), number("high", self.high)
        require(low < high, "high", self.high, f"above low = {self.low!r}")
        require(not self.log or low > 0, "low", self.low, "positive on a logarithmic scale")

    @checked
    def draw(self, rng: np.random.Generator) -> float:
        """One value."""
        whole = isinstance(self.low, int) and isinstance(self.high, int)
        low, high = float(self.low), float(self.high) + whole
        value = math.exp(rng.uniform(math.log(low), math.log(high))) if self.log else float(rng.uniform(low, high))
        # Rounding may carry exp(log(high)) over the edge.
        return min(int(value), int(self.high)) if whole else min(value, high)


Axis = Sequence[Any] | Between


@checked
def expand_grid(grid: Mapping[str, Axis], draws: int | None = None, seed: int = 0) -> list[Combination]:
    """The settings of every trial.

    Parameters
    ----------
    grid : dict of str to sequence or Between
        For each setting, the values that it takes.
    draws : int, optional
        Draw so many random combinations; by default, all combinations are taken, the last setting changing fastest.
    seed : int
        Seed for the random combinations; the k-th does not depend on how many there are.

    Raises
    ------
    OptionError
        If there is nothing to try for a setting, or a range without `draws`.

    Examples
    --------
    >>> expand_grid({"lr": [0.1, 1.0], "batch_size": [1, 10]})[1:3]
    [{'lr': 0.1, 'batch_size': 10}, {'lr': 1.0, 'batch_size': 1}]
    >>> len(expand_grid({"lr": Between(1e-4, 1.0, log=True)}, draws=5))
    5
    """
    for name, axis in grid.items():
        if isinstance(axis, str) or not isinstance(axis, (Between, Sequence, np.ndarray)):
            raise OptionError(f"The grid needs a list of values for {name}, such as [{axis!r}], not {axis!r}.")
        require(isinstance(axis, Between) or len(axis) > 0, f"grid[{name!r}]", axis, "a list of at least one value")
        if isinstance(axis, Between) and draws is None:
            raise OptionError(f"{name} is a range, {axis!r}, which has no end of values; say how many draws to make.")
    if draws is not None:
        draws = count("draws", draws)
        require_memory(f"{draws:,} draws", 500 * draws, "draw fewer")
        return [_draw(grid, np.random.default_rng(np.random.SeedSequence([seed, k]))) for k in range(draws)]
    axes = [list(axis) for axis in grid.values() if not isinstance(axis, Between)]
    combinations = math.prod(map(len, axes))
    require_memory(f"a grid of {combinations:,} combinations", 500 * combinations, "draw some of them at random")
    return [dict(zip(grid, map(_scalar, values), strict=True)) for values in itertools.product(*axes)]


def _draw(grid: Mapping[str, Axis], rng: np.random.Generator) -> Combination:
    return {
        name: axis.draw(rng) if isinstance(axis, Between) else _scalar(axis[int(rng.integers(len(axis)))])
        for name, axis in grid.items()
    }


def _scalar(value: Any) -> Any:
    """NumPy's numbers as Python's, so that a row is JSON-able whatever the grid was made with."""
    return value.item() if isinstance(value, np.generic) else value
