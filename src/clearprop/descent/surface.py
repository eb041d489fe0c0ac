"""The surface: a function of two variables that knows its gradient, its minima, and where it is worth looking at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, TypeAlias

import numpy as np

from clearprop.arrays import Array
from clearprop.registry import Configured

Point = tuple[float, float]
Values: TypeAlias = Array | float
"""A coordinate, or an array of them."""


class Surface(Configured, ABC):
    """A function f(x, y).

    Attributes
    ----------
    formula : str
        In TeX, without the dollar signs.
    start : pair of float
        From where a descent begins, unless it is told otherwise.
    box : pair of pairs of float
        ((lowest x, highest x), (lowest y, highest y)) of the part that is drawn.
    minima : tuple of pairs of float
        All local minima, the lowest first; empty where there is none.
    """

    formula: str = ""
    start: Point = (0.0, 0.0)
    box: tuple[Point, Point] = ((-5.0, 5.0), (-5.0, 5.0))
    minima: tuple[Point, ...] = ()

    @abstractmethod
    def __call__(self, x: Values, y: Values) -> Any:
        """f(x, y), element by element, for arrays of one shape or for numbers."""

    @abstractmethod
    def gradient(self, x: Values, y: Values) -> tuple[Any, Any]:
        """df/dx and df/dy, element by element."""

    def curvature(self, point: Point, h: float = 1e-5) -> tuple[float, float]:
        """Smallest and largest second derivative at a point, in any direction.

        They are the eigenvalues of the matrix of second derivatives, from differences of the gradient. Near a minimum, the
        steps of plain gradient descent die out if, and only if, the step size is below 2 / largest.

        Examples
        --------
        >>> from clearprop.descent import QuadraticBowl
        >>> [round(value, 6) for value in QuadraticBowl(condition=10).curvature((0.0, 0.0))]
        [1.0, 10.0]
        """
        x, y = (np.float64(value) for value in point)
        columns = [
            [(above - below) / (2 * h) for above, below in zip(self.gradient(*ahead), self.gradient(*behind), strict=True)]
            for ahead, behind in (((x + h, y), (x - h, y)), ((x, y + h), (x, y - h)))
        ]
        matrix = np.array(columns)
        low, high = np.linalg.eigvalsh((matrix + matrix.T) / 2)
        return float(low), float(high)
