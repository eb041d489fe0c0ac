"""Activations: functions applied to every number on its own, a = f(z), and their derivatives.

Each class holds two plain expressions, the function `f(z)` and its derivative: `df(a)`, in terms of the *value*, or `df(z)`, in
terms of the input; what it reads is all that has to be saved. These very functions are what the compiled engine compiles.

The classical ones stand here. `rectifiers` has those that are linear for z > 0, `gates` those that multiply z by a gate.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Literal

import numpy as np

from clearprop.arrays import Array
from clearprop.nn.layer import Layer


class Activation(Layer):
    """A layer that applies a function of one variable to each element.

    Since a_bi depends on z_bi alone, the chain rule has one term: dz = da * f'(z), element by element.

    The derivative of some functions is shortest in terms of the value (sigmoid' = a (1 - a)), that of others needs the input.
    `reads` says which of the two `df` is given, and `forward` saves that one and no other.

    >>> import clearprop as cp
    >>> class Softsign(cp.Activation):
    ...     reads = "z"
    ...     @staticmethod
    ...     def f(z):
    ...         return z / (1.0 + np.abs(z))
    ...     @staticmethod
    ...     def df(z):
    ...         return 1.0 / ((1.0 + np.abs(z)) * (1.0 + np.abs(z)))
    >>> cp.check_layer(Softsign(), (3, 2)).ok
    True

    Attributes
    ----------
    reads : {"a", "z"}
        Argument of `df`: the value a = f(z), or the input z.
    """

    reads: Literal["a", "z"] = "a"

    @staticmethod
    @abstractmethod
    def f(z: Array, *constants: Any) -> Array:
        """The function, element-wise."""

    @staticmethod
    @abstractmethod
    def df(saved: Array, *constants: Any) -> Array:
        """Its derivative, in terms of its value a = f(z), or of z if that is what it `reads`."""

    def constants(self) -> tuple[float, ...]:
        """The numbers, besides z, on which `f` and `df` depend, such as the slope of a leaky ReLU."""
        return ()

    def slope(self, z: Array, a: Array) -> Array:
        """f' at each number, given both the input and the value."""
        return self.df(a if self.reads == "a" else z, *self.constants())

    def forward(self, x: Array, training: bool = False) -> tuple[Array, Array]:
        """a = f(z); saves a, or z if the derivative reads that."""
        with np.errstate(over="ignore"):  # exp(-z) may overflow to inf for z << 0, and 1 / (1 + inf) = 0 is the limit
            a = self.f(x, *self.constants())
        return a, a if self.reads == "a" else x

    def backward(self, saved: Array, dy: Array) -> Array:
        """dz = da * f'(z), with f' computed from what was saved."""
        with np.errstate(over="ignore"):
            return dy * self.df(saved, *self.constants())


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


class Identity(Activation):
    """f(z) = z, with f' = 1: no activation, where one has to be named.

    Examples
    --------
    >>> Identity()(np.array([[-1.0, 2.0]]))
    array([[-1.,  2.]])
    """

    @staticmethod
    def f(z: Array) -> Array:
        return z

    @staticmethod
    def df(a: Array) -> Array:
        return np.ones_like(a)
