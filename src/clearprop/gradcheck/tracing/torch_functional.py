"""torch.nn.functional, and the losses and activations of torch.nn, for programs that differentiate them by hand."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from clearprop.gradcheck.tracing.torch_standin import Tensor, relu, sigmoid, softmax, tensor_of
from clearprop.gradcheck.tracing.traced import call, plain
from clearprop.gradcheck.tracing.wrappers import leaf


def one_hot(y: Any, n: int = -1, num_classes: int = -1) -> Any:
    """A row for each class, with a 1 at its place."""
    return tensor_of(leaf(np.eye(max(n, num_classes, int(plain(y).max()) + 1))[plain(y)], "data"))


def log_softmax(x: Any, dim: int = -1) -> Any:
    """log softmax(x) = x - log sum exp(x), along one axis."""
    shifted = x - call(np.max, (x,), {"axis": dim, "keepdims": True})
    return shifted - call(np.log, (call(np.sum, (call(np.exp, (shifted,), {}),), {"axis": dim, "keepdims": True}),), {})


def reduced(each: Any, reduction: str) -> Any:
    """The mean of the losses of the examples, their sum, or all of them."""
    return each if reduction == "none" else call(np.sum if reduction == "sum" else np.mean, (each,), {})


def nll_loss(log_p: Any, y: Any, *args: Any, reduction: str = "mean", **kwargs: Any) -> Any:
    """Minus the logarithm of the probability of the right class."""
    return reduced(-log_p[np.arange(len(log_p)), y], reduction)


def cross_entropy(z: Any, y: Any, *args: Any, reduction: str = "mean", **kwargs: Any) -> Any:
    """Cross-entropy of logits with classes, or with probabilities."""
    log_p = log_softmax(z)
    if np.ndim(plain(y)) < np.ndim(plain(z)):
        return nll_loss(log_p, y, reduction=reduction)
    return reduced(-call(np.sum, (y * log_p,), {"axis": -1}), reduction)


def binary_cross_entropy(p: Any, y: Any, *args: Any, reduction: str = "mean", **kwargs: Any) -> Any:
    """-(y log p + (1 - y) log(1 - p))"""
    return reduced(-(y * call(np.log, (p,), {}) + (1.0 - y) * call(np.log, (1.0 - p,), {})), reduction)


def binary_cross_entropy_with_logits(z: Any, y: Any, *args: Any, reduction: str = "mean", **kwargs: Any) -> Any:
    """The same of p = sigmoid(z)."""
    return binary_cross_entropy(sigmoid(z), y, reduction=reduction)


def mse_loss(a: Any, y: Any, *args: Any, reduction: str = "mean", **kwargs: Any) -> Any:
    """(a - y)^2"""
    return reduced(call(np.square, (a - y,), {}), reduction)


def l1_loss(a: Any, y: Any, *args: Any, reduction: str = "mean", **kwargs: Any) -> Any:
    """|a - y|"""
    return reduced(call(np.abs, (a - y,), {}), reduction)


def leaky_relu(x: Any, negative_slope: float = 0.01, *args: Any) -> Any:
    """x where it is positive, else a fraction of it."""
    return call(np.where, (x > 0, x, negative_slope * x), {})


def softplus(x: Any, *args: Any) -> Any:
    """log(1 + exp(x))"""
    return call(np.log, (1.0 + call(np.exp, (x,), {}),), {})


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """x W^T + b"""
    z = x @ weight.T
    return z if bias is None else z + bias


LOSSES: dict[str, Callable[..., Any]] = {
    "CrossEntropyLoss": cross_entropy, "NLLLoss": nll_loss, "MSELoss": mse_loss, "L1Loss": l1_loss,
    "BCELoss": binary_cross_entropy, "BCEWithLogitsLoss": binary_cross_entropy_with_logits,
}  # fmt: skip
ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "ReLU": relu, "Sigmoid": sigmoid, "Tanh": vars(Tensor)["tanh"], "Softmax": softmax, "LogSoftmax": log_softmax,
    "LeakyReLU": leaky_relu, "Softplus": softplus,
}  # fmt: skip


def _configured(function: Callable[..., Any]) -> Callable[..., Any]:
    """A class of torch.nn, whose objects are the function with the settings that they were made with."""

    def make(*settings: Any, **kwargs: Any) -> Callable[..., Any]:
        kwargs.pop("inplace", None)
        return lambda *given: function(*given, *settings, **kwargs)

    return make


def functional() -> ModuleType:
    """The module torch.nn.functional."""
    module = ModuleType("torch.nn.functional")
    parts = (
        relu, softmax, sigmoid, one_hot, log_softmax, nll_loss, cross_entropy, binary_cross_entropy, mse_loss, l1_loss,
        binary_cross_entropy_with_logits, leaky_relu, softplus, linear,
    )  # fmt: skip
    for function in parts:
        setattr(module, function.__name__, function)
    vars(module)["tanh"] = vars(Tensor)["tanh"]
    return module


def complete(torch: Any) -> None:
    """Give the stand-in of torch its functions of this kind."""
    torch.nn.functional, torch.log_softmax = functional(), log_softmax
    for name, function in (LOSSES | ACTIVATIONS).items():
        setattr(torch.nn, name, _configured(function))
