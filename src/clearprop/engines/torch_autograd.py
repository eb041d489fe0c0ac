"""The fifth rung: only the forward pass is written; PyTorch records it, and `.backward()` derives the rest."""

from __future__ import annotations

from typing import Any

from clearprop.arrays import Array
from clearprop.engines.engine import Device, Engine, Steps
from clearprop.engines.preparation import checked, limits, prepared
from clearprop.engines.support import constants, spared, unknown_part
from clearprop.engines.torch_state import UPDATES, State, Tensor, array, check_device, report, tensor, views
from clearprop.nn import (
    ELU,
    GELU,
    SELU,
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    CrossEntropy,
    ElementwiseLoss,
    Focal,
    GELUTanh,
    Huber,
    Identity,
    LayerNorm,
    LeakyReLU,
    Linear,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    NegativeLogLikelihood,
    Net,
    Quantile,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from clearprop.nn.gates import TANH_CUBIC, TANH_SCALE
from clearprop.nn.pytorch import torch
from clearprop.nn.rectifiers import SELU_ALPHA, SELU_SCALE
from clearprop.optim import Optimizer


class TorchAutograd(Engine):
    """Functions on tensors, without the `d...` functions of `TorchManual`.

    Parameters
    ----------
    device : {"cpu", "cuda"}
    """

    def __init__(self, device: Device = "cpu") -> None:
        self.device = check_device(device)

    def supports(self, net: Net, loss: Loss, optimizer: Optimizer) -> str | None:
        """The layers, losses and optimizers in the tables at the end of this file."""
        return unknown_part(net, loss, optimizer, FORWARD, LOSSES, UPDATES) or spared(optimizer)

    def forward(self, net: Net, X: Array) -> Array:
        """The output (N, n_y), all examples at once."""
        params = views(net, tensor(net.theta, self.device))
        return array(forward(net, params, tensor(checked(self, net, X), self.device)))

    def loss_and_grad(self, net: Net, loss: Loss, X: Array, y: Array) -> tuple[float, Array]:
        """Loss and gradient of one batch."""
        X, y = prepared(self, net, loss, X, y)
        theta = tensor(net.theta, self.device)
        value, grad, _ = gradient(net, loss, theta, tensor(X, self.device), tensor(y, self.device))
        return float(value), array(grad)

    def train_epoch(
        self, net: Net, loss: Loss, optimizer: Optimizer, X: Array, y: Array, order: Array, batch_size: int
    ) -> Steps:
        """The loop: gradient, step."""
        X, rows_y = prepared(self, net, loss, X, y, optimizer)
        inputs, targets = tensor(X[order], self.device), tensor(rows_y[order], self.device)
        state = State(net, optimizer, self.device)
        losses, outputs = [], []
        for x_B, y_B in zip(torch.split(inputs, batch_size), torch.split(targets, batch_size), strict=True):
            value, grad, y_hat = gradient(net, loss, state.theta, x_B, y_B)
            state.step(optimizer, grad)
            losses.append(value)
            outputs.append(y_hat)
        state.store(net, optimizer)
        return report(loss, losses, outputs, y[order], batch_size)


def gradient(net: Net, loss: Loss, theta: Tensor, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Loss, gradient (P,) and predictions of a batch."""
    theta = theta.detach().requires_grad_()  # the same numbers; autograd records what is done with them from here on
    y_hat = forward(net, views(net, theta), X)
    value = LOSSES[type(loss)](kept_between(y_hat, *limits(net, loss)), y, *loss.constants())
    scale = 1.0 if loss.reduction == "sum" else 1.0 / len(X)
    if loss.reduction == "mean" and isinstance(loss, ElementwiseLoss):
        scale /= y.shape[1]
    value = scale * value
    grad = torch.zeros_like(theta)
    if value.requires_grad:  # not for a net without parameters
        value.backward()
        grad = grad if theta.grad is None else theta.grad
    return value.detach(), grad, y_hat.detach()


def kept_between(y_hat: Tensor, low: float, high: float) -> Tensor:
    """`y_hat`, no lower than `low` and no higher than `high`, with derivative 1 everywhere.

    The derivative of a bare clamp is 0 beyond its bounds, so that the worst predictions would get no gradient.
    """
    return y_hat + (y_hat.clamp(low, high) - y_hat).detach()


def forward(net: Net, params: dict[int, list[Tensor]], x: Tensor) -> Tensor:
    """The output (B, n_y) for a batch (B, n_in); what has to be saved, PyTorch saves."""
    for layer in net.layers:
        x = FORWARD[type(layer)](x, *constants(layer), *params[id(layer)])
    return x


def linear(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """y = x W + b."""
    return x @ W + b


def sigmoid(z: Tensor) -> Tensor:
    """a = 1 / (1 + exp(-z))."""
    return torch.sigmoid(z)  # autograd through 1 / (1 + exp(-z)) would be inf * 0 where exp overflows


def tanh(z: Tensor) -> Tensor:
    """a = tanh z."""
    return torch.tanh(z)


def relu(z: Tensor) -> Tensor:
    """a = max(z, 0)."""
    return torch.relu(z)


def leaky_relu(z: Tensor, c: float) -> Tensor:
    """a = z where z > 0, else c z."""
    return torch.where(z > 0.0, z, c * z)


def elu(z: Tensor, alpha: float) -> Tensor:
    """a = z where z > 0, else alpha (exp(z) - 1)."""
    return torch.where(z > 0.0, z, alpha * torch.expm1(z.clamp(max=0.0)))


def selu(z: Tensor) -> Tensor:
    """a = scale * elu(z, alpha)."""
    return SELU_SCALE * elu(z, SELU_ALPHA)


def softplus(z: Tensor) -> Tensor:
    """a = log(1 + exp(z)), without overflow."""
    return -torch.nn.functional.logsigmoid(-z)


def silu(z: Tensor) -> Tensor:
    """a = z sigmoid(z)."""
    return z * torch.sigmoid(z)


def gelu(z: Tensor) -> Tensor:
    """a = z Phi(z)."""
    return z * torch.special.ndtr(z)


def gelu_tanh(z: Tensor) -> Tensor:
    """a = z (1 + tanh u) / 2, with u = sqrt(2 / pi) (z + 0.044715 z^3)."""
    return 0.5 * z * (1.0 + torch.tanh(TANH_SCALE * (z + TANH_CUBIC * z**3)))


def identity(z: Tensor) -> Tensor:
    """a = z."""
    return z


def softmax(z: Tensor) -> Tensor:
    """p_bi = exp(z_bi) / sum_j exp(z_bj), with the largest z of the row subtracted from it."""
    e = torch.exp(z - z.amax(dim=1, keepdim=True).detach())
    return e / e.sum(dim=1, keepdim=True)


def layer_norm(x: Tensor, eps: float, gamma: Tensor, beta: Tensor) -> Tensor:
    """y = gamma (x - mean) / sqrt(var + eps) + beta, in each row."""
    x_hat = (x - x.mean(dim=1, keepdim=True)) * torch.rsqrt(x.var(dim=1, correction=0, keepdim=True) + eps)
    return gamma * x_hat + beta


def cross_entropy(z: Tensor, y: Tensor) -> Tensor:
    """-sum_bi y_bi log p_bi with p = softmax(z)."""
    return -(y * (z - torch.logsumexp(z, dim=1, keepdim=True))).sum()


def focal(z: Tensor, y: Tensor, gamma: float) -> Tensor:
    """-sum_bi y_bi (1 - p_bi)^gamma log p_bi with p = softmax(z)."""
    log_p = z - torch.logsumexp(z, dim=1, keepdim=True)
    return -(y * (-torch.expm1(log_p)) ** gamma * log_p).sum()


def negative_log_likelihood(p: Tensor, y: Tensor) -> Tensor:
    """-sum_bi y_bi log p_bi."""
    return -(y * torch.log(p)).sum()


def binary_cross_entropy(p: Tensor, y: Tensor) -> Tensor:
    """-sum_bi (y_bi log p_bi + (1 - y_bi) log(1 - p_bi))."""
    return -(y * torch.log(p) + (1.0 - y) * torch.log(1.0 - p)).sum()


def binary_cross_entropy_with_logits(z: Tensor, y: Tensor) -> Tensor:
    """sum_bi ((1 - y_bi) z_bi - log sigmoid(z_bi))."""
    return ((1.0 - y) * z - torch.nn.functional.logsigmoid(z)).sum()


def mean_squared_error(y_hat: Tensor, y: Tensor) -> Tensor:
    """sum_bi (y_hat_bi - y_bi)^2."""
    error = y_hat - y
    return (error * error).sum()


def mean_absolute_error(y_hat: Tensor, y: Tensor) -> Tensor:
    """sum_bi |y_hat_bi - y_bi|."""
    return torch.abs(y_hat - y).sum()


def huber(y_hat: Tensor, y: Tensor, delta: float) -> Tensor:
    """sum_bi e_bi^2 / 2, or delta (|e_bi| - delta / 2) beyond delta."""
    size = torch.abs(y_hat - y)
    return torch.where(size <= delta, 0.5 * size * size, delta * (size - 0.5 * delta)).sum()


def quantile(y_hat: Tensor, y: Tensor, q: float) -> Tensor:
    """sum_bi q (y_bi - y_hat_bi) for targets above, (1 - q) (y_hat_bi - y_bi) below."""
    error = y_hat - y
    return ((1.0 - q) * error.clamp(min=0.0) - q * error.clamp(max=0.0)).sum()


FORWARD: dict[type, Any] = {
    Linear: linear,
    Sigmoid: sigmoid,
    Tanh: tanh,
    ReLU: relu,
    LeakyReLU: leaky_relu,
    ELU: elu,
    SELU: selu,
    Softplus: softplus,
    SiLU: silu,
    GELU: gelu,
    GELUTanh: gelu_tanh,
    Identity: identity,
    Softmax: softmax,
    LayerNorm: layer_norm,
}
LOSSES: dict[type, Any] = {
    CrossEntropy: cross_entropy,
    NegativeLogLikelihood: negative_log_likelihood,
    BinaryCrossEntropy: binary_cross_entropy,
    BinaryCrossEntropyWithLogits: binary_cross_entropy_with_logits,
    Focal: focal,
    MeanSquaredError: mean_squared_error,
    MeanAbsoluteError: mean_absolute_error,
    Huber: huber,
    Quantile: quantile,
}
