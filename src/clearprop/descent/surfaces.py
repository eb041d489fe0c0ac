"""Surfaces: functions of two variables with their gradients and minima.

One is that of the published practical; the others are the usual test functions of optimization.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, TypeAlias

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.registry import Configured, Registry, number

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
        Default start of a descent.
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

    @checked
    def curvature(self, point: Point, h: float = 1e-5) -> tuple[float, float]:
        """Smallest and largest second derivative at a point, in any direction.

        They are the eigenvalues of the Hessian, from differences of the gradient. Near a minimum, plain gradient descent
        converges if, and only if, the step size is below 2 / largest.

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


class Published(Surface):
    """f(x, y) = x^2 + y^2 + x (y + 2) + cos 3x: a bowl with ripples and three minima.

    Source: Radboud University, NWI-IMC070 Deep Learning, assignment 1 (2023).

    Examples
    --------
    >>> round(float(Published()(-1.0882, 0.5441)), 5)
    -2.28071
    """

    formula = r"x^2 + y^2 + x\,(y + 2) + \cos 3x"
    start = (3.0, 2.0)
    minima = ((-1.0881627, 0.5440814), (-2.8537211, 1.4268606), (0.6059388, -0.3029694))

    def __call__(self, x: Values, y: Values) -> Any:
        return x**2 + y**2 + x * (y + 2) + np.cos(3 * x)

    def gradient(self, x: Values, y: Values) -> tuple[Any, Any]:
        return 2 * x - 3 * np.sin(3 * x) + y + 2, x + 2 * y


class QuadraticBowl(Surface):
    """f(x, y) = (x^2 + condition y^2) / 2: the simplest valley; the larger the condition number, the narrower."""

    formula = r"\frac{1}{2}\,(x^2 + \kappa\,y^2)"
    start = (-4.0, 2.0)
    minima = ((0.0, 0.0),)

    def __init__(self, condition: float = 10.0) -> None:
        self.condition = number("condition", condition, lambda c: c > 0, "positive")

    def __call__(self, x: Values, y: Values) -> Any:
        return 0.5 * (x**2 + self.condition * y**2)

    def gradient(self, x: Values, y: Values) -> tuple[Any, Any]:
        return x, self.condition * y


class Rosenbrock(Surface):
    """f(x, y) = (1 - x)^2 + 100 (y - x^2)^2: a long, narrow, bent valley.

    Source: Rosenbrock, "An automatic method for finding the greatest or least value of a function" (1960).
    """

    formula = r"(1 - x)^2 + 100\,(y - x^2)^2"
    start = (-1.2, 1.0)
    box = ((-2.0, 2.0), (-1.0, 3.0))
    minima = ((1.0, 1.0),)

    def __call__(self, x: Values, y: Values) -> Any:
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    def gradient(self, x: Values, y: Values) -> tuple[Any, Any]:
        return -2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)


class Beale(Surface):
    """f(x, y) = (1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2: flat, with steep corners.

    Source: Beale, "On an iterative method for finding a local minimum of a function of more than one variable" (1958).
    """

    formula = r"\sum_{k=1}^{3}\,(c_k - x + x y^k)^2"
    start = (1.0, 1.0)
    box = ((-4.5, 4.5), (-4.5, 4.5))
    minima = ((3.0, 0.5),)
    constants = (1.5, 2.25, 2.625)

    def __call__(self, x: Values, y: Values) -> Any:
        first, second, third = (c - x + x * y**k for k, c in enumerate(self.constants, 1))
        return first**2 + second**2 + third**2

    def gradient(self, x: Values, y: Values) -> tuple[Any, Any]:
        dx: Any = 0 * x
        dy: Any = 0 * y
        for k, c in enumerate(self.constants, 1):
            term = c - x + x * y**k
            dx = dx + 2 * term * (y**k - 1)
            dy = dy + 2 * term * k * x * y ** (k - 1)
        return dx, dy


class Himmelblau(Surface):
    """f(x, y) = (x^2 + y - 11)^2 + (x + y^2 - 7)^2: four minima, all of height 0.

    Source: Himmelblau, "Applied nonlinear programming" (1972).
    """

    formula = r"(x^2 + y - 11)^2 + (x + y^2 - 7)^2"
    start = (0.0, 0.0)
    minima = ((3.0, 2.0), (-2.8051181, 3.1313125), (-3.7793103, -3.2831860), (3.5844283, -1.8481265))

    def __call__(self, x: Values, y: Values) -> Any:
        return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2

    def gradient(self, x: Values, y: Values) -> tuple[Any, Any]:
        first, second = x**2 + y - 11, x + y**2 - 7
        return 4 * x * first + 2 * second, 2 * first + 4 * y * second


class Saddle(Surface):
    """f(x, y) = x^2 - y^2: flat at the origin, but without any minimum; the slightest y grows."""

    formula = "x^2 - y^2"
    start = (-4.0, 0.001)

    def __call__(self, x: Values, y: Values) -> Any:
        return x**2 - y**2

    def gradient(self, x: Values, y: Values) -> tuple[Any, Any]:
        return 2 * x, -2 * y


SURFACES: Registry[Surface] = Registry(
    "surface",
    Surface,
    {
        "published": Published,
        "bowl": QuadraticBowl,
        "rosenbrock": Rosenbrock,
        "beale": Beale,
        "himmelblau": Himmelblau,
        "saddle": Saddle,
    },
    aliases={"radboud": "published"},
)
