"""The net: layers in a row, and all their parameters in one flat vector."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arrays import Array, describe, float_dtype
from clearprop.errors import OptionError, ShapeError
from clearprop.nn.layer import Layer

if TYPE_CHECKING:
    from torch import nn


class Net:
    """Layers, one after the other.

    Parameters
    ----------
    *layers : Layer
        A layer that appears twice shares its parameters: they lie in `theta` once, and get the sum of both gradients.
    seed : int, numpy.random.Generator or None
        From which the first parameters are drawn, layer after layer. None keeps the values that the layers have.
    dtype : {"float32", "float64"}
        In which everything is computed.

    Attributes
    ----------
    layers : list of Layer
    theta : array (P,)
        All parameters. Every layer's `W` and `b` are views into it, so that an optimizer changes them by changing this.
    grad : array (P,)
        All gradients; every layer's `dW` and `db` are views into it. `backward` adds to it; `zero_grad` clears it.
    dtype : numpy.dtype

    Examples
    --------
    >>> import clearprop as cp
    >>> net = cp.Net(cp.Linear(2, 10), cp.Tanh(), cp.Linear(10, 2), seed=0)
    >>> net.theta.shape
    (52,)
    >>> net(np.zeros((3, 2))).shape
    (3, 2)
    """

    def __init__(self, *layers: Layer, seed: int | np.random.Generator | None = 0, dtype: object = "float32") -> None:
        if not layers:
            raise OptionError("A Net needs at least one layer, such as Net(Linear(2, 1)).")
        for layer in layers:
            if not isinstance(layer, Layer):
                raise OptionError(f"A Net is made of layers, not of {describe(layer)}; activations are objects, as in Tanh().")
            if layer.in_net:
                raise OptionError(f"{layer!r} already belongs to another Net, whose theta it is a view of; use layer.copy().")
        self.layers = list(layers)
        self.dtype = float_dtype(dtype)
        self.n_in, self.n_out = _widths(self.layers)
        if seed is not None:
            rng = np.random.default_rng(seed)
            for layer in self.unique_layers():
                layer.initialise(rng)
        self._bind()

    def unique_layers(self) -> list[Layer]:
        """The layers, each once, in the order of their first appearance."""
        return list({id(layer): layer for layer in self.layers}.values())

    def _bind(self) -> None:
        """Move all parameters into one vector, and make the layers' arrays views into it."""
        named = [(layer, name) for layer in self.unique_layers() for name in layer.names]
        arrays = [getattr(layer, name) for layer, name in named]
        self.theta: Array = np.concatenate([a.ravel() for a in arrays] or [np.zeros(0)]).astype(self.dtype)
        self.grad: Array = np.zeros_like(self.theta)
        start = 0
        for (layer, name), array in zip(named, arrays, strict=True):
            end = start + array.size
            setattr(layer, name, self.theta[start:end].reshape(array.shape))
            setattr(layer, "d" + name, self.grad[start:end].reshape(array.shape))
            start = end
        for layer in self.layers:
            layer.in_net = True
            for name in layer.buffers:
                setattr(layer, name, getattr(layer, name).astype(self.dtype))

    def forward(self, X: Array, training: bool = False) -> tuple[Array, list[Any]]:
        """The output (B, n_out) for a batch (B, n_in), and what every layer saved for its derivative."""
        a = np.asarray(X, dtype=self.dtype)
        if a.ndim != 2:
            hint = "give one example as X[None, :]" if a.ndim == 1 else "flatten each example to a row: X.reshape(len(X), -1)"
            raise ShapeError(f"A net takes a batch of shape (B, n), not {describe(a)}: {hint}.")
        saved = []
        for layer in self.layers:
            a, kept = layer.forward(a, training)
            saved.append(kept)
        return a, saved

    def backward(self, saved: list[Any], dy: Array) -> Array:
        """Add every parameter's gradient to `grad`, given that of the output; returns that of the input (B, n_in)."""
        for layer, kept in zip(reversed(self.layers), reversed(saved), strict=True):
            dy = layer.backward(kept, dy)
        return dy

    def __call__(self, X: Array) -> Array:
        """The output (B, n_out) alone, as after training."""
        return self.forward(X)[0]

    def zero_grad(self) -> None:
        """Set every gradient to zero."""
        self.grad[:] = 0

    def copy(self) -> Net:
        """An independent net with the same layers and parameters, and a gradient of zeros."""
        return deepcopy(self)

    __copy__ = copy  # layers cannot be shared between nets

    def astype(self, dtype: object) -> Net:
        """A copy that computes in another dtype, for instance in float64 for a gradient check."""
        return _rebuild(deepcopy(self.layers), float_dtype(dtype).name)

    def to_torch(self) -> nn.Sequential:
        """The same function as a `torch.nn.Sequential`, with copies of all parameters; see `clearprop.nn.torch_bridge`.

        Raises
        ------
        MissingExtraError
            If PyTorch is not installed.
        UnsupportedError
            If a layer has no counterpart in PyTorch.
        """
        from clearprop.nn.torch_bridge import to_torch

        return to_torch(self)

    @staticmethod
    def from_torch(module: nn.Module) -> Net:
        """A net that computes what a `torch.nn.Sequential` does, with copies of its parameters.

        Raises
        ------
        MissingExtraError
            If PyTorch is not installed.
        UnsupportedError
            If it holds a module that has no counterpart in clearprop.
        """
        from clearprop.nn.torch_bridge import from_torch

        return from_torch(module)

    def __reduce__(self) -> tuple[Any, ...]:
        # Copies and pickles of the arrays would no longer be views into one vector, so a net is put together again.
        return _rebuild, (self.layers, self.dtype.name)

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: int) -> Layer:
        return self.layers[index]

    def __repr__(self) -> str:
        return f"Net({', '.join(map(repr, self.layers))}, dtype={self.dtype.name!r})"

    def summary(self, batch_size: int = 1) -> str:
        """A table of layers, shapes, parameters and bytes, as text; print it.

        Parameters
        ----------
        batch_size : int
            For the bytes that a training step saves for its derivatives.
        """
        from clearprop.nn.summary import summary_text

        return summary_text(self, batch_size)

    def _repr_html_(self) -> str:
        from clearprop.nn.summary import summary_html

        return summary_html(self)


def _widths(layers: list[Layer]) -> tuple[int | None, int | None]:
    """Numbers of inputs and outputs of a row of layers; raises a `ShapeError` where two neighbours do not fit."""
    n_in: int | None = None
    width: int | None = None
    for layer in layers:
        if width is None and n_in is None:
            n_in = layer.n_in
        width = layer.width(width)
    return n_in, width


def _rebuild(layers: list[Layer], dtype: str) -> Net:
    for layer in layers:
        layer.in_net = False
    return Net(*layers, seed=None, dtype=dtype)
