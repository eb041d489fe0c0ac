"""The layer: two methods, forward and backward, and the arrays that they use.

`forward` returns, beside its value, exactly what the derivative will need. Nothing is cached out of sight: what
back-propagation costs in memory is what `forward` hands over as `saved`.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import Any, TypeVar

import numpy as np

from clearprop.arrays import Array, describe
from clearprop.errors import ShapeError
from clearprop.registry import Configured

L = TypeVar("L", bound="Layer")


class Layer(Configured, ABC):
    """A function y = f(x) of a batch, and its derivative.

    A layer with parameters names them in `names`, and keeps each under its name, and its gradient under "d" + name:
    `W` and `dW`. Inside a `Net` these arrays are views into the net's flat `theta` and `grad`.

    Your own layer needs `forward` and `backward`, and nothing else:

    >>> import clearprop as cp
    >>> class Square(cp.Layer):
    ...     def forward(self, x, training=False):
    ...         return x * x, x
    ...     def backward(self, saved, dy):
    ...         return dy * 2 * saved
    >>> Square()(np.array([[1.0, 2.0, 3.0]]))
    array([[1., 4., 9.]])

    Attributes
    ----------
    names : tuple of str
        The trained parameters, in the order in which they lie in `theta`.
    buffers : tuple of str
        Arrays that are carried along and stored, but not trained (the running mean of a BatchNorm).
    rng : numpy.random.Generator or None
        The layer's own source of randomness, if it has one (Dropout).
    n_in : int or None
        How many inputs the layer takes; None if it takes any number.
    """

    names: tuple[str, ...] = ()
    buffers: tuple[str, ...] = ()
    rng: np.random.Generator | None = None
    n_in: int | None = None
    in_net = False  # set by the Net that owns the layer: its arrays are then views, and no second net may take them

    @abstractmethod
    def forward(self, x: Array, training: bool = False) -> tuple[Array, Any]:
        """The value y of the layer, and what `backward` needs.

        Parameters
        ----------
        x : array (B, n_in)
            A batch, one example a row.
        training : bool
            Whether this is a training step; only Dropout and BatchNorm care.

        Returns
        -------
        y : array (B, n_out)
        saved : anything
        """

    @abstractmethod
    def backward(self, saved: Any, dy: Array) -> Array:
        """Add the gradients of the parameters to `dW`, `db`, ..., and return `dx`.

        Parameters
        ----------
        saved : anything
            What `forward` returned.
        dy : array (B, n_out)
            Gradient of the batch loss with respect to `y`.

        Returns
        -------
        dx : array (B, n_in)
            Gradient of the batch loss with respect to `x`.
        """

    def width(self, n_in: int | None) -> int | None:
        """Number of outputs for `n_in` inputs (None: not known yet); the same number, unless a layer says otherwise.

        Raises
        ------
        ShapeError
            If the layer cannot take `n_in` inputs.
        """
        if n_in is not None and self.n_in is not None and n_in != self.n_in:
            raise ShapeError(f"{self!r} takes {self.n_in} inputs, but the layer before it has {n_in} outputs.")
        return n_in if self.n_in is None else self.n_in

    def initialise(self: L, rng: np.random.Generator | int) -> L:
        """Draw fresh parameters from `rng` (a generator, or a seed), and return the layer itself."""
        return self

    def __call__(self, x: Array) -> Array:
        """The value of the layer alone, as after training."""
        return self.forward(x)[0]

    def parameters(self) -> dict[str, Array]:
        """The trained arrays, by name."""
        return {name: getattr(self, name) for name in self.names}

    def gradients(self) -> dict[str, Array]:
        """Their gradients, by the name of the parameter."""
        return {name: getattr(self, "d" + name) for name in self.names}

    def allocate(self, **shapes: tuple[int, ...]) -> None:
        """Give the layer arrays of zeros (float64) for its parameters and gradients, for use outside any net."""
        for name, shape in shapes.items():
            setattr(self, name, np.zeros(shape))
            setattr(self, "d" + name, np.zeros(shape))

    def check_input(self, x: Array) -> None:
        """Raise a `ShapeError` unless `x` is a batch (B, n_in)."""
        if x.ndim != 2 or x.shape[1] != self.n_in:
            hint = "give one example as x[None, :]" if x.ndim == 1 else f"its last axis must be {self.n_in} long"
            raise ShapeError(f"{self!r} needs a batch of shape (B, {self.n_in}), not {describe(x)}: {hint}.")

    def copy(self: L) -> L:
        """An independent copy that belongs to no net."""
        twin = copy.deepcopy(self)
        twin.in_net = False
        return twin
