"""Activations: functions applied to every number on its own, a = f(z), and their derivatives.

Each class holds two plain expressions, the function `f(z)` and its derivative `df(a)`, the latter written in terms of the
*value* a, which is all that has to be saved. These very functions are what the compiled engine compiles.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from clearprop.arrays import Array
from clearprop.nn.layer import Layer


class Activation(Layer):
    """A layer that applies a function of one variable to each element.

    Since a_bi depends on z_bi alone, the chain rule has one term: dz = da * f'(z), element by element.
    """

    @staticmethod
    @abstractmethod
    def f(z: Array) -> Array:
        """The function, element-wise."""

    @staticmethod
    @abstractmethod
    def df(a: Array) -> Array:
        """Its derivative, in terms of its value a = f(z)."""

    def forward(self, x: Array, training: bool = False) -> tuple[Array, Array]:
        """a = f(z); saves a."""
        with np.errstate(over="ignore"):  # exp(-z) may overflow to inf for z << 0, and 1 / (1 + inf) = 0 is the limit
            a = self.f(x)
        return a, a

    def backward(self, saved: Array, dy: Array) -> Array:
        """dz = da * f'(z), with f' computed from the saved a."""
        return dy * self.df(saved)


class Sigmoid(Activation):
    """f(z) = 1 / (1 + exp(-z)), between 0 and 1.

    With e = exp(-z), f' = e / (1 + e)^2. Since 1 - f = e / (1 + e), that is f' = f (1 - f).

    Examples
    --------
    >>> Sigmoid()(np.array([[0.0, 2.0]])).round(4)
    array([[0.5   , 0.8808]])
    """

    @staticmethod
    def f(z: Array) -> Array:
        return 1.0 / (1.0 + np.exp(-z))

    @staticmethod
    def df(a: Array) -> Array:
        return a * (1.0 - a)


class Tanh(Activation):
    """f(z) = tanh z = sinh z / cosh z, between -1 and 1.

    The quotient rule gives f' = (cosh^2 z - sinh^2 z) / cosh^2 z = 1 - tanh^2 z = 1 - f^2.

    Examples
    --------
    >>> Tanh()(np.array([[0.0, 0.5]])).round(4)
    array([[0.    , 0.4621]])
    """

    @staticmethod
    def f(z: Array) -> Array:
        return np.tanh(z)

    @staticmethod
    def df(a: Array) -> Array:
        return 1.0 - a * a


class ReLU(Activation):
    """f(z) = max(z, 0).

    f' is 1 where z > 0 and 0 where z < 0. At z = 0 there is no derivative; 0 is used, as everywhere in this field.
    Since a > 0 exactly where z > 0, the value a suffices.

    Examples
    --------
    >>> ReLU()(np.array([[-1.0, 2.0]]))
    array([[0., 2.]])
    """

    @staticmethod
    def f(z: Array) -> Array:
        return np.maximum(z, 0.0)

    @staticmethod
    def df(a: Array) -> Array:
        return a > 0.0
