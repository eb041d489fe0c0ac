"""Toy data in the plane, of any size and noise: rings, crosses, spirals, clusters, moons, and surfaces to fit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.errors import OptionError
from clearprop.registry import count, number, unknown_name

Maker = Callable[[int, float, np.random.Generator], tuple[Array, Array]]
MOST = 100_000  # points


def rings(n: int, noise: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """A disc within a ring."""
    y = np.arange(n) % 2
    radius = np.where(y == 0, 1.0, 0.4) + rng.normal(0, noise, n)
    angle = rng.uniform(0, 2 * np.pi, n)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), y


def xor(n: int, noise: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Four quadrants; opposite ones share their class."""
    X = rng.uniform(-1, 1, (n, 2))
    y = (X[:, 0] * X[:, 1] < 0).astype(np.int64)
    return X + rng.normal(0, noise, X.shape), y


def spirals(n: int, noise: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Two arms, one turn and a quarter each."""
    y = np.arange(n) % 2
    way = np.sqrt(rng.uniform(0.02, 1, n))
    angle = 2.5 * np.pi * way + np.pi * y
    return np.column_stack([way * np.cos(angle), way * np.sin(angle)]) + rng.normal(0, noise / 3, (n, 2)), y


def blobs(n: int, noise: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Three clusters at the corners of a triangle."""
    y = np.arange(n) % 3
    angle = 2 * np.pi * y / 3 + np.pi / 2
    return 0.7 * np.column_stack([np.cos(angle), np.sin(angle)]) + rng.normal(0, 0.1 + noise, (n, 2)), y


def moons(n: int, noise: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Two half rings that reach into each other."""
    y = np.arange(n) % 2
    angle = rng.uniform(0, np.pi, n)
    X = np.column_stack([np.cos(angle), np.sin(angle)])
    X[y == 1] = [1.0, 0.5] - X[y == 1]
    return 0.7 * (X - [0.5, 0.25]) + rng.normal(0, noise, (n, 2)), y


def slope(n: int, noise: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """A plane to fit: (x1 + x2) / 2."""
    X = rng.uniform(-1, 1, (n, 2))
    return X, (X.sum(axis=1) / 2 + rng.normal(0, noise, n))[:, None]


def hills(n: int, noise: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Hills and hollows to fit: sin(3 x1) cos(3 x2)."""
    X = rng.uniform(-1, 1, (n, 2))
    return X, (np.sin(3 * X[:, 0]) * np.cos(3 * X[:, 1]) + rng.normal(0, noise, n))[:, None]


TOYS: dict[str, Maker] = {
    "circles": rings, "xor": xor, "spirals": spirals, "blobs": blobs, "moons": moons, "slope": slope, "hills": hills,
}  # fmt: skip
"""Makers by name; the last two are surfaces, whose targets are numbers."""


@checked
def make_toy(name: str, n: int = 400, noise: float = 0.1, seed: int | np.random.Generator = 0) -> tuple[Array, Array]:
    """Draw points of one kind.

    Parameters
    ----------
    name : str
        One of `TOYS`.
    n : int
        Number of points, at least 4.
    noise : float
        Standard deviation of what is added; the points lie within about 1 of the origin.
    seed : int or numpy.random.Generator

    Returns
    -------
    X : array (n, 2)
    y : array (n,) of classes, or (n, 1) of numbers

    Raises
    ------
    OptionError
        If there is no such kind, or a number is out of range.

    Examples
    --------
    >>> X, y = make_toy("xor", 6, noise=0.0, seed=0)
    >>> X.shape, bool(((X[:, 0] * X[:, 1] < 0) == y).all())
    ((6, 2), True)
    """
    if name not in TOYS:
        raise OptionError(unknown_name("toy", name, list(TOYS)))
    n = count("n", n, 4)
    if n > MOST:
        raise OptionError(f"n must be at most {MOST:,} points, not {n:,}.")
    noise = number("noise", noise, lambda spread: 0 <= spread <= 10, "between 0 and 10")
    return TOYS[name](n, noise, np.random.default_rng(seed))
