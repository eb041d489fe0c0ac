"""The layer: two methods, forward and backward, and the arrays that they use.

`forward` returns, beside its value, exactly what the derivative will need. Nothing is cached out of sight: what
back-propagation costs in memory is what `forward` hands over as `saved`.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from math import prod
from typing import Any, TypeVar

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, describe, numbers, overwrite
from clearprop.errors import OptionError, ShapeError
from clearprop.headroom import require_memory
from clearprop.registry import Configured

L = TypeVar("L", bound="Layer")


class Layer(Configured, ABC):
    """A function y = f(x) of a batch, and its derivative.

    A layer with parameters lists them in `names`, and keeps each under its name and its gradient under "d" + name: `W` and
    `dW`. Inside a `Net` these arrays are views into the net's flat `theta` and `grad`, so that `layer.W = values` copies
    the values into the array, as `layer.W[:] = values` does.

    *A layer holds a parameter* once it was drawn, set, loaded or trained; until then, the array is NaN throughout. A fresh
    `Linear(2, 3)` holds biases of zero, but no weights. A `Net` draws what its layers do not hold, and leaves the rest.

    Your own layer needs `forward` and `backward`; if it has parameters, also `names`, `allocate` and `initialise`:

    >>> import clearprop as cp
    >>> class Square(cp.Layer):
    ...     def forward(self, x, training=False):
    ...         return x * x, x
    ...     def backward(self, saved, dy):
    ...         return dy * 2 * saved
    >>> Square()(np.array([[1.0, 2.0, 3.0]]))
    array([[1., 4., 9.]])
    >>> class Scale(cp.Layer):
    ...     names = ("s",)
    ...     def __init__(self, n):
    ...         self.n = self.n_in = n
    ...         self.allocate(s=(n,))
    ...     def initialise(self, rng):
    ...         self.s = np.random.default_rng(rng).uniform(0.5, 1.5, self.n)
    ...         return self
    ...     def forward(self, x, training=False):
    ...         return x * self.s, x
    ...     def backward(self, saved, dy):
    ...         self.ds += (dy * saved).sum(axis=0)
    ...         return dy * self.s
    >>> Scale(2).s, cp.Net(Scale(2), seed=0)[0].s.round(2)
    (array([nan, nan]), array([1.14, 0.77], dtype=float32))

    A saved model finds such a class by its name, once it is registered: `cp.nn.LAYERS.register(Square)`.

    Attributes
    ----------
    names : tuple of str
        The trained parameters, in the order in which they lie in `theta`.
    buffers : tuple of str
        Arrays that are carried along and stored, but not trained (the running mean of a BatchNorm).
    rng : numpy.random.Generator or None
        The layer's own source of randomness, if it has one (Dropout).
    n_in : int or None
        Number of inputs; None if the layer takes any number.
    """

    names: tuple[str, ...] = ()
    buffers: tuple[str, ...] = ()
    rng: np.random.Generator | None = None
    n_in: int | None = None
    in_net = False  # set by the Net that owns the layer: its arrays are then views, and no second net may take them

    @abstractmethod
    def forward(self, x: Array, training: bool = False) -> tuple[Array, Any]:
        """The value y of the layer, and whatever `backward` needs.

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
            Second value that `forward` returned.
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
        """Draw all parameters anew from `rng` (a generator, or a seed), and return the layer itself."""
        return self

    def undrawn(self) -> list[str]:
        """Names of the parameters that the layer does not hold yet: those whose arrays are NaN throughout."""
        arrays = {name: array for name, array in self.parameters().items() if array.size and np.isnan(array.flat[0])}
        return [name for name, array in arrays.items() if np.isnan(array).all()]

    @checked
    def complete(self: L, rng: np.random.Generator | int) -> L:
        """Draw the parameters that the layer does not hold yet, and return the layer itself.

        A layer without parameters is initialised: a Dropout takes its generator from `rng`.
        """
        missing = self.undrawn()
        if missing or not self.names:
            held = {name: array.copy() for name, array in self.parameters().items() if name not in missing}
            self.initialise(rng)
            for name, values in held.items():
                setattr(self, name, values)
        return self

    def __call__(self, x: Array) -> Array:
        """The value of the layer alone, as after training.

        Raises
        ------
        OptionError
            If the layer does not hold all its parameters yet.
        """
        missing = self.undrawn()
        if missing:
            raise OptionError(
                f"{self!r} holds no {' and no '.join(missing)} yet: call initialise(seed), assign to {missing[0]}, or put it"
                " into a Net."
            )
        return self.forward(numbers("x", x))[0]

    def parameters(self) -> dict[str, Array]:
        """The trained arrays, by name."""
        return {name: getattr(self, name) for name in self.names}

    def gradients(self) -> dict[str, Array]:
        """The gradients, by the name of the parameter."""
        return {name: getattr(self, "d" + name) for name in self.names}

    def allocate(self, **shapes: tuple[int, ...]) -> None:
        """Give the layer float64 arrays for its parameters (NaN, until they are drawn or set) and gradients (zeros).

        Raises
        ------
        ShortOfMemoryError
            If there is not enough memory for them, and for their copies in a net.
        """
        size = sum(prod(shape) for shape in shapes.values())
        require_memory(f"{type(self).__name__} of {size:,} parameters", 3 * 8 * size, "take fewer units")
        for name, shape in shapes.items():
            self.use(name, np.full(shape, np.nan), np.zeros(shape))

    def use(self, name: str, values: Array, gradient: Array) -> None:
        """Make these very arrays a parameter and its gradient, as a `Net` does with views into `theta` and `grad`."""
        vars(self).update({name: values, "d" + name: gradient})

    def __setattr__(self, name: str, value: Any) -> None:
        held = vars(self).get(name)
        if isinstance(held, np.ndarray) and value is not held and (name in self.names or name.removeprefix("d") in self.names):
            overwrite(held, value, name, owner=self)
        else:
            super().__setattr__(name, value)

    def check_input(self, x: Array) -> None:
        """Raise a `ShapeError` unless `x` is a batch (B, n_in)."""
        if x.ndim != 2 or x.shape[1] != self.n_in:
            hint = "give one example as x[None, :]" if x.ndim == 1 else f"its last axis must be {self.n_in} long"
            raise ShapeError(f"{self!r} needs a batch of shape (B, {self.n_in}), not {describe(x)}: {hint}.")

    def copy(self: L) -> L:
        """An independent copy that holds the same parameters and belongs to no net."""
        return copy.deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "in_net"}  # a copy belongs to no net
