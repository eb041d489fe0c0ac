"""Rectifiers: activations that grow like z for z > 0, and differ in what they do below.

A ReLU that is 0 for every example has the derivative 0 everywhere, and never recovers. These keep a slope below zero.
"""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.nn.activations import Activation
from clearprop.registry import number

# The fixed point of mean 0 and variance 1 (Klambauer et al., equation 14), to the digits of float64.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


class LeakyReLU(Activation):
    """f(z) = z for z > 0, and c z below, with a small slope c.

    f' is 1 where z > 0 and c where z < 0. Since c is not negative, a > 0 exactly where z > 0, so the value a suffices. At z = 0
    there is no derivative, unless c = 1; c is used, as in PyTorch.

    Source: Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models", ICML 2013.

    Parameters
    ----------
    negative_slope : float
        c, zero or more.

    Examples
    --------
    >>> LeakyReLU(0.1)(np.array([[-2.0, 3.0]]))
    array([[-0.2,  3. ]])
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = number("negative_slope", negative_slope, lambda c: c >= 0, "zero or more")

    def constants(self) -> tuple[float, ...]:
        """The slope below zero."""
        return (self.negative_slope,)

    @staticmethod
    def f(z: Array, c: float) -> Array:
        return np.where(z > 0.0, z, c * z)

    @staticmethod
    def df(a: Array, c: float) -> Array:
        return np.where(a > 0.0, np.ones_like(a), c)


class ELU(Activation):
    """f(z) = z for z > 0, and alpha (exp z - 1) below, which levels off at -alpha.

    For z < 0, f' = alpha exp z = f + alpha; for z > 0, f' = 1. With alpha = 1 both are 1 at z = 0, and f is smooth; else alpha
    is used there, as in PyTorch.

    Source: Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear units", ICLR
    2016, equation 15.

    Parameters
    ----------
    alpha : float
        Minus the value far below zero; positive.

    Examples
    --------
    >>> ELU()(np.array([[-1.0, 2.0]])).round(4)
    array([[-0.6321,  2.    ]])
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = number("alpha", alpha, lambda x: x > 0, "positive")

    def constants(self) -> tuple[float, ...]:
        """alpha."""
        return (self.alpha,)

    @staticmethod
    def f(z: Array, alpha: float) -> Array:
        # exp is taken of min(z, 0), lest it overflow where it is not used
        return np.where(z > 0.0, z, alpha * np.expm1(np.minimum(z, 0.0)))

    @staticmethod
    def df(a: Array, alpha: float) -> Array:
        return np.where(a > 0.0, np.ones_like(a), a + alpha)


class SELU(Activation):
    """f(z) = s z for z > 0, and s alpha (exp z - 1) below: an ELU, scaled.

    s = 1.0507 and alpha = 1.6733 are such that inputs of mean 0 and variance 1, and weights of variance 1 / n_in (LeCun),
    give outputs of mean 0 and variance 1 again, layer after layer.

    For z < 0, f' = s alpha exp z = f + s alpha; for z > 0, f' = s.

    Source: Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017, equation 2.

    Examples
    --------
    >>> SELU()(np.array([[-1.0, 2.0]])).round(4)
    array([[-1.1113,  2.1014]])
    """

    @staticmethod
    def f(z: Array) -> Array:
        return SELU_SCALE * np.where(z > 0.0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0.0)))

    @staticmethod
    def df(a: Array) -> Array:
        return np.where(a > 0.0, SELU_SCALE * np.ones_like(a), a + SELU_SCALE * SELU_ALPHA)


class Softplus(Activation):
    """f(z) = log(1 + exp z), a ReLU with a round corner.

    f' = exp z / (1 + exp z), which is sigmoid(z). In terms of the value: exp(-f) = 1 / (1 + exp z), so f' = 1 - exp(-f),
    which expm1 computes without loss where f is small.

    Source: Dugas et al., "Incorporating second-order functional knowledge for better option pricing", NIPS 2000.

    Examples
    --------
    >>> Softplus()(np.array([[0.0, 2.0]])).round(4)
    array([[0.6931, 2.1269]])
    """

    @staticmethod
    def f(z: Array) -> Array:
        return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))

    @staticmethod
    def df(a: Array) -> Array:
        return -np.expm1(-a)
