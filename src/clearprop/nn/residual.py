"""The residual block: what some layers compute is added to their input."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array, describe
from clearprop.errors import OptionError, ShapeError
from clearprop.nn.layer import Layer


class Residual(Layer):
    """y = x + f(x), where f is some layers, one after the other, that keep the number of units.

    With f = 0 the block is the identity: a deep stack of such blocks begins as a shallow net, and learns corrections to it.

    Source: He et al., "Deep residual learning for image recognition", CVPR 2016, equation 1.

    Parameters
    ----------
    *layers : Layer
        f, from its input to its output. Their parameters are those of the block, as "0.W", "0.b", "2.W", ...: the number of the
        layer, and its own name.

    Notes
    -----
    x enters y twice: as it is, with derivative 1, and through f. The sum rule gives dx = dy + f'(x) dy, in which the first
    term reaches the layers before the block undiminished, however deep the stack.

    Examples
    --------
    >>> import clearprop as cp
    >>> block = cp.Residual(cp.Linear(2, 2), cp.ReLU())
    >>> block.layers[0].W = [[1, 0], [0, -1]]
    >>> block(np.array([[3.0, 5.0]]))
    array([[6., 5.]])
    >>> cp.Net(cp.Linear(3, 2), block, cp.Linear(2, 1)).n_out
    1
    """

    def __init__(self, *layers: Layer) -> None:
        if not layers:
            raise OptionError("Residual needs at least one layer, such as Residual(Linear(8, 8), ReLU()).")
        self.layers = layers
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise OptionError(f"Residual is made of layers, not of {describe(layer)}; activations are objects: ReLU().")
            if layer.in_net:
                raise OptionError(f"{layer!r} already belongs to a Net or another Residual; use layer.copy().")
            layer.in_net = True
        self.n_in = next((layer.n_in for layer in self.layers if layer.n_in is not None), None)
        self.width(self.n_in)
        for k, layer in enumerate(self.layers):
            for name, array in layer.parameters().items():
                self.use(f"{k}.{name}", array, layer.gradients()[name])
            for name in layer.buffers:
                vars(self)[f"{k}.{name}"] = getattr(layer, name)
        self.names = tuple(f"{k}.{name}" for k, layer in enumerate(self.layers) for name in layer.names)
        self.buffers = tuple(f"{k}.{name}" for k, layer in enumerate(self.layers) for name in layer.buffers)

    def forward(self, x: Array, training: bool = False) -> tuple[Array, list[Any]]:
        """x + f(x); saves what each layer of f saves."""
        y, saved = x, []
        for layer in self.layers:
            y, kept = layer.forward(y, training)
            saved.append(kept)
        if y.shape != x.shape:
            raise ShapeError(f"{self!r} adds x to f(x), but x is {describe(x)} and f(x) is {describe(y)}.")
        return x + y, saved

    def backward(self, saved: list[Any], dy: Array) -> Array:
        """dx = dy + what comes back through f; the layers add their own gradients."""
        dx = dy
        for layer, kept in zip(reversed(self.layers), reversed(saved), strict=True):
            dx = layer.backward(kept, dx)
        return dy + dx

    def width(self, n_in: int | None) -> int | None:
        super().width(n_in)
        n = self.n_in if n_in is None else n_in
        width = n
        for layer in self.layers:
            width = layer.width(width)
        if width != n:
            raise ShapeError(f"{self!r} adds x to f(x), but f makes {width} outputs of {n} inputs; end it with as many units.")
        return n

    def use(self, name: str, values: Array, gradient: Array) -> None:
        """Make these very arrays a parameter of one of the layers, and its gradient."""
        super().use(name, values, gradient)
        k, own = name.split(".", 1)
        self.layers[int(k)].use(own, values, gradient)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in self.buffers and "." in name:
            k, own = name.split(".", 1)
            setattr(self.layers[int(k)], own, value)

    @checked
    def initialise(self, rng: np.random.Generator | int) -> Residual:
        """Draw the parameters of all layers anew, one layer after the other."""
        rng = np.random.default_rng(rng)
        for layer in self.layers:
            layer.initialise(rng)
        return self.with_one_generator()

    @checked
    def complete(self, rng: np.random.Generator | int) -> Residual:
        """Draw what the layers do not hold yet."""
        rng = np.random.default_rng(rng)
        for layer in self.layers:
            layer.complete(rng)
        return self.with_one_generator()

    def with_one_generator(self) -> Residual:
        """Let every Dropout in the block draw from one generator, which is then that of the block."""
        drawing = [layer for layer in self.layers if layer.rng is not None]
        for layer in drawing:
            layer.rng = self.rng = drawing[0].rng
        return self

    def __repr__(self) -> str:
        return f"Residual({', '.join(map(repr, self.layers))})"
