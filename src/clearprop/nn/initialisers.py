"""Initialisers: distributions of the first weights.

The aim of most of them is that a layer neither shrinks nor blows up what passes through it. If y_j = sum_i x_i W_ij with
independent terms of mean 0, then var(y) = n_in var(W) var(x): the forward pass keeps its scale when var(W) = 1 / n_in
(LeCun). The backward pass, dx = dy W^T, keeps its scale when var(W) = 1 / n_out; Xavier takes 2 / (n_in + n_out), between
the two. A ReLU halves the second moment of a symmetric z, E[a^2] = E[z^2] / 2, and the second moment is what the next layer's
variance is made of (a has no mean of 0 any more); so He doubles LeCun's: 2 / n_in.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, get_args

import numpy as np

from clearprop.arrays import Array
from clearprop.registry import Configured, Registry, choose, number

Distribution = Literal["uniform", "normal"]
DISTRIBUTIONS: tuple[Distribution, ...] = get_args(Distribution)


class Initialiser(Configured, ABC):
    """A distribution that the first values of a parameter are drawn from."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], n_in: int, n_out: int) -> Array:
        """Values (float64) of the given shape, for a layer of `n_in` inputs and `n_out` outputs."""


class Zeros(Initialiser):
    """All zeros. Right for biases; weights of zero would keep all units of a layer the same throughout training."""

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], n_in: int, n_out: int) -> Array:
        return np.zeros(shape)


class Normal(Initialiser):
    """N(mean, std^2), whatever the size of the layer."""

    def __init__(self, std: float = 1.0, mean: float = 0.0) -> None:
        self.std = number("std", std, lambda s: s >= 0, "zero or more")
        self.mean = number("mean", mean)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], n_in: int, n_out: int) -> Array:
        return rng.normal(self.mean, self.std, shape)


class Uniform(Initialiser):
    """Uniform between `low` and `high`, whatever the size of the layer."""

    def __init__(self, low: float = -0.05, high: float = 0.05) -> None:
        self.high = number("high", high)
        self.low = number("low", low, lambda x: x <= self.high, f"at most high = {high}")

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], n_in: int, n_out: int) -> Array:
        return rng.uniform(self.low, self.high, shape)


class VarianceScaling(Initialiser):
    """Mean 0, and a variance that depends on the size of the layer.

    Parameters
    ----------
    distribution : {"uniform", "normal"}
        Uniform(-a, a) has variance a^2 / 3, so a = sqrt(3 var).
    """

    def __init__(self, distribution: Distribution = "uniform") -> None:
        self.distribution: Distribution = choose("distribution", distribution, DISTRIBUTIONS)

    @staticmethod
    @abstractmethod
    def variance(n_in: int, n_out: int) -> float:
        """The variance of one weight."""

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], n_in: int, n_out: int) -> Array:
        variance = self.variance(n_in, n_out)
        if self.distribution == "normal":
            return rng.normal(0, np.sqrt(variance), shape)
        limit = np.sqrt(3 * variance)
        return rng.uniform(-limit, limit, shape)


class Xavier(VarianceScaling):
    """Variance 2 / (n_in + n_out), for tanh and sigmoid.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010,
    equation 16: uniform between -a and a, a = sqrt(6 / (n_in + n_out)).
    """

    @staticmethod
    def variance(n_in: int, n_out: int) -> float:
        return 2 / (n_in + n_out)


class He(VarianceScaling):
    """Variance 2 / n_in, for ReLU.

    Source: He et al., "Delving deep into rectifiers", ICCV 2015, equation 10.
    """

    @staticmethod
    def variance(n_in: int, n_out: int) -> float:
        return 2 / n_in


class LeCun(VarianceScaling):
    """Variance 1 / n_in. Source: LeCun et al., "Efficient backprop" (1998), section 4.6."""

    @staticmethod
    def variance(n_in: int, n_out: int) -> float:
        return 1 / n_in


INITIALISERS: Registry[Initialiser] = Registry(
    "initialiser",
    Initialiser,
    {
        "zeros": Zeros,
        "normal": Normal,
        "uniform": Uniform,
        "xavier": Xavier,
        "he": He,
        "lecun": LeCun,
    },
    aliases={"glorot": "xavier", "kaiming": "he"},
)
