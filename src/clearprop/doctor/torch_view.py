"""The view of a PyTorch module that the doctor's quantities can read: its leaves as layers, seen through hooks."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.nn import BatchNorm, Dropout, Layer, Linear, Net, ReLU, Sigmoid, Softmax, Tanh


class Opaque(Layer):
    """A module that clearprop has no layer for; its values are seen, but it cannot be run by itself."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def forward(self, x: Array, training: bool = False) -> tuple[Array, None]:
        """x as it is; PyTorch does the work."""
        return x, None

    def backward(self, saved: Any, dy: Array) -> Array:
        """dy as it is."""
        return dy

    def width(self, n_in: int | None) -> int | None:
        """None: it is not known."""
        return None


class TorchView(Net):
    """A module's leaves as layers, with copies of their weights; called, it runs the module itself.

    Parameters
    ----------
    module : torch.nn.Module
    """

    def __init__(self, module: Any) -> None:
        self.module = module
        self.leaves = [leaf for leaf in module.modules() if not list(leaf.children())]
        super().__init__(*[stand_in(leaf) for leaf in self.leaves], seed=None, dtype="float64")

    def refresh(self) -> None:
        """Copy the weights and their gradients."""
        for leaf, layer in zip(self.leaves, self.layers, strict=True):
            for name, theirs in NAMES.get(type(layer), {}).items():
                parameter = getattr(leaf, theirs, None)
                if parameter is None:
                    continue
                getattr(layer, name)[:] = turned(parameter)
                getattr(layer, "d" + name)[:] = 0 if parameter.grad is None else turned(parameter.grad)

    def __call__(self, X: Array) -> Array:
        """The module's outputs in evaluation mode."""
        import torch

        training = self.module.training
        self.module.eval()
        with torch.no_grad():
            like = next(iter(self.module.parameters()), torch.zeros(1))
            y_hat = self.module(self.shaped(X, like))
        self.module.train(training)
        return as_rows(y_hat)

    def shaped(self, X: Array, like: Any) -> Any:
        """A tensor with the shape of the examples that the loader gave."""
        import torch

        shape = self.example_shape
        return torch.as_tensor(np.ascontiguousarray(X)).to(like.dtype).to(like.device).reshape(len(X), *shape)

    example_shape: tuple[int, ...] = (-1,)


NAMES: dict[type, dict[str, str]] = {
    Linear: {"W": "weight", "b": "bias"},
    BatchNorm: {"gamma": "weight", "beta": "bias"},
}


def stand_in(leaf: Any) -> Layer:
    """The layer of a leaf."""
    from torch import nn

    if isinstance(leaf, nn.Linear):
        return Linear(leaf.in_features, leaf.out_features, bias=leaf.bias is not None)
    if isinstance(leaf, nn.BatchNorm1d):
        return BatchNorm(leaf.num_features)
    if isinstance(leaf, nn.Dropout):
        return Dropout(leaf.p)
    kinds: dict[type, type[Layer]] = {nn.ReLU: ReLU, nn.Sigmoid: Sigmoid, nn.Tanh: Tanh, nn.Softmax: Softmax}
    return kinds[type(leaf)]() if type(leaf) in kinds else Opaque(type(leaf).__name__)


def turned(tensor: Any) -> Array:
    """A parameter as an array; the weights of a Linear lie the other way round."""
    array: Array = tensor.detach().cpu().double().numpy()
    return array.T if array.ndim == 2 else array


def as_rows(tensor: Any) -> Array:
    """A tensor as a float64 matrix, one example a row."""
    array: Array = tensor.detach().cpu().double().numpy()
    return array.reshape(len(array), -1)
