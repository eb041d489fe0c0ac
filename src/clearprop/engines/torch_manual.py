"""The fourth rung: tensors, whole batches, and every derivative by hand; PyTorch only multiplies, adds and applies exp."""

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
from clearprop.nn.gates import ROOT_2_PI, TANH_CUBIC, TANH_SCALE
from clearprop.nn.pytorch import torch
from clearprop.nn.rectifiers import SELU_ALPHA, SELU_SCALE
from clearprop.optim import Optimizer


class TorchManual(Engine):
    """The computations of `Batch`, on tensors, which may be on a GPU.

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
        return array(forward(net, params, tensor(checked(self, net, X), self.device))[0])

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
    grad = torch.zeros_like(theta)
    params, grads = views(net, theta), views(net, grad)
    y_hat, saved = forward(net, params, X)
    value, dy_hat = LOSSES[type(loss)](y_hat.clamp(*limits(net, loss)), y, *loss.constants())
    scale = 1.0 if loss.reduction == "sum" else 1.0 / len(X)
    if loss.reduction == "mean" and isinstance(loss, ElementwiseLoss):
        scale /= y.shape[1]
    backward(net, params, grads, saved, scale * dy_hat)
    return scale * value, grad, y_hat


def forward(net: Net, params: dict[int, list[Tensor]], x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The output (B, n_y) for a batch (B, n_in), and what each layer saved."""
    saved = []
    for layer in net.layers:
        x, kept = FORWARD[type(layer)](x, *constants(layer), *params[id(layer)])
        saved.append(kept)
    return x, saved


def backward(
    net: Net, params: dict[int, list[Tensor]], grads: dict[int, list[Tensor]], saved: list[Tensor], dy: Tensor
) -> None:
    """Add every gradient to `grads`, from the last layer to the first."""
    for layer, kept in zip(reversed(net.layers), reversed(saved), strict=True):
        dy = BACKWARD[type(layer)](kept, dy, *constants(layer), *params[id(layer)], *grads[id(layer)])


def linear(x: Tensor, W: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """y = x W + b; saves x."""
    return x @ W + b, x


def dlinear(x: Tensor, dy: Tensor, W: Tensor, b: Tensor, dW: Tensor, db: Tensor) -> Tensor:
    """dW += x^T dy, db += sum over the batch of dy; returns dx = dy W^T."""
    dW += x.T @ dy
    db += dy.sum(dim=0)
    return dy @ W.T


def sigmoid(z: Tensor) -> tuple[Tensor, Tensor]:
    """a = 1 / (1 + exp(-z)); saves a."""
    a = 1.0 / (1.0 + torch.exp(-z))
    return a, a


def dsigmoid(a: Tensor, da: Tensor) -> Tensor:
    """dz = da a (1 - a)."""
    return da * a * (1.0 - a)


def tanh(z: Tensor) -> tuple[Tensor, Tensor]:
    """a = tanh z; saves a."""
    a = torch.tanh(z)
    return a, a


def dtanh(a: Tensor, da: Tensor) -> Tensor:
    """dz = da (1 - a^2)."""
    return da * (1.0 - a * a)


def relu(z: Tensor) -> tuple[Tensor, Tensor]:
    """a = max(z, 0); saves a."""
    a = torch.clamp(z, min=0.0)
    return a, a


def drelu(a: Tensor, da: Tensor) -> Tensor:
    """dz = da where a > 0, else 0."""
    return da * (a > 0.0)


def leaky_relu(z: Tensor, c: float) -> tuple[Tensor, Tensor]:
    """a = z where z > 0, else c z; saves a."""
    a = torch.where(z > 0.0, z, c * z)
    return a, a


def dleaky_relu(a: Tensor, da: Tensor, c: float) -> Tensor:
    """dz = da where a > 0, else c da."""
    return torch.where(a > 0.0, da, c * da)


def elu(z: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """a = z where z > 0, else alpha (exp(z) - 1); saves a."""
    a = torch.where(z > 0.0, z, alpha * torch.expm1(z.clamp(max=0.0)))
    return a, a


def delu(a: Tensor, da: Tensor, alpha: float) -> Tensor:
    """dz = da where a > 0, else da (a + alpha)."""
    return torch.where(a > 0.0, da, da * (a + alpha))


def selu(z: Tensor) -> tuple[Tensor, Tensor]:
    """a = scale * elu(z, alpha); saves a."""
    a = SELU_SCALE * elu(z, SELU_ALPHA)[0]
    return a, a


def dselu(a: Tensor, da: Tensor) -> Tensor:
    """dz = da scale where a > 0, else da (a + scale alpha)."""
    return torch.where(a > 0.0, SELU_SCALE * da, da * (a + SELU_SCALE * SELU_ALPHA))


def softplus(z: Tensor) -> tuple[Tensor, Tensor]:
    """a = log(1 + exp(z)), without overflow; saves a."""
    a = z.clamp(min=0.0) + torch.log1p(torch.exp(-torch.abs(z)))
    return a, a


def dsoftplus(a: Tensor, da: Tensor) -> Tensor:
    """dz = da (1 - exp(-a))."""
    return -da * torch.expm1(-a)


def silu(z: Tensor) -> tuple[Tensor, Tensor]:
    """a = z sigmoid(z); saves z."""
    return z * sigmoid(z)[0], z


def dsilu(z: Tensor, da: Tensor) -> Tensor:
    """dz = da s (1 + z (1 - s)), with s = sigmoid(z)."""
    s = sigmoid(z)[0]
    return da * s * (1.0 + z * (1.0 - s))


def gelu(z: Tensor) -> tuple[Tensor, Tensor]:
    """a = z Phi(z); saves z."""
    return z * torch.special.ndtr(z), z


def dgelu(z: Tensor, da: Tensor) -> Tensor:
    """dz = da (Phi(z) + z exp(-z^2 / 2) / sqrt(2 pi))."""
    return da * (torch.special.ndtr(z) + z * torch.exp(-0.5 * z * z) / ROOT_2_PI)


def gelu_tanh(z: Tensor) -> tuple[Tensor, Tensor]:
    """a = z (1 + tanh u) / 2, with u = sqrt(2 / pi) (z + 0.044715 z^3); saves z."""
    return 0.5 * z * (1.0 + torch.tanh(TANH_SCALE * (z + TANH_CUBIC * z**3))), z


def dgelu_tanh(z: Tensor, da: Tensor) -> Tensor:
    """dz = da ((1 + h) + z (1 - h^2) u') / 2, with h = tanh u and u' = sqrt(2 / pi) (1 + 3 * 0.044715 z^2)."""
    h = torch.tanh(TANH_SCALE * (z + TANH_CUBIC * z**3))
    return da * 0.5 * ((1.0 + h) + z * (1.0 - h * h) * TANH_SCALE * (1.0 + 3.0 * TANH_CUBIC * z * z))


def identity(z: Tensor) -> tuple[Tensor, Tensor]:
    """a = z; saves a."""
    return z, z


def didentity(a: Tensor, da: Tensor) -> Tensor:
    """dz = da."""
    return da


def softmax(z: Tensor) -> tuple[Tensor, Tensor]:
    """p_bi = exp(z_bi) / sum_j exp(z_bj), with the largest z of the row subtracted from it; saves p."""
    e = torch.exp(z - z.amax(dim=1, keepdim=True))
    p = e / e.sum(dim=1, keepdim=True)
    return p, p


def dsoftmax(p: Tensor, dp: Tensor) -> Tensor:
    """dz_j = p_j (dp_j - sum_i dp_i p_i), in each row."""
    return p * (dp - (dp * p).sum(dim=1, keepdim=True))


def layer_norm(x: Tensor, eps: float, gamma: Tensor, beta: Tensor) -> tuple[Tensor, Any]:
    """y = gamma x_hat + beta, with x_hat = s (x - mean) and s = 1 / sqrt(var + eps), in each row; saves x_hat and s."""
    s = torch.rsqrt(x.var(dim=1, correction=0, keepdim=True) + eps)
    x_hat = (x - x.mean(dim=1, keepdim=True)) * s
    return gamma * x_hat + beta, (x_hat, s)


def dlayer_norm(saved: Any, dy: Tensor, eps: float, gamma: Tensor, beta: Tensor, dgamma: Tensor, dbeta: Tensor) -> Tensor:
    """dgamma += sum(dy x_hat), dbeta += sum(dy); returns s (dx_hat - mean(dx_hat) - x_hat mean(dx_hat x_hat))."""
    x_hat, s = saved
    dgamma += (dy * x_hat).sum(dim=0)
    dbeta += dy.sum(dim=0)
    dx_hat = dy * gamma
    dx: Tensor = s * (dx_hat - dx_hat.mean(dim=1, keepdim=True) - x_hat * (dx_hat * x_hat).mean(dim=1, keepdim=True))
    return dx


def cross_entropy(z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """-sum_bi y_bi log p_bi with p = softmax(z), and dz = p - y (for rows y that sum to 1)."""
    z = z - z.amax(dim=1, keepdim=True)
    log_p = z - torch.log(torch.exp(z).sum(dim=1, keepdim=True))
    return -torch.where(y == 0, 0, y * log_p).sum(), torch.exp(log_p) * y.sum(dim=1, keepdim=True) - y


def focal(z: Tensor, y: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
    """-sum_bi y_bi (1 - p_bi)^gamma log p_bi with p = softmax(z); dz = g - p sum_i g_i, g = y p dl/dp (see `Focal`)."""
    z = z - z.amax(dim=1, keepdim=True)
    log_p = z - torch.log(torch.exp(z).sum(dim=1, keepdim=True))
    p, q = torch.exp(log_p), -torch.expm1(log_p)
    value = -torch.where(y == 0, 0, y * q**gamma * log_p).sum()
    g = torch.where(y == 0, 0, y * (gamma * p * torch.where(q > 0, q, 1) ** (gamma - 1) * log_p - q**gamma))
    return value, g - p * g.sum(dim=1, keepdim=True)


def negative_log_likelihood(p: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """-sum_bi y_bi log p_bi, and dp = -y / p."""
    return -(y * torch.log(p)).sum(), -y / p


def binary_cross_entropy(p: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """-sum_bi (y_bi log p_bi + (1 - y_bi) log(1 - p_bi)), and dp = (p - y) / (p (1 - p))."""
    return -(y * torch.log(p) + (1.0 - y) * torch.log(1.0 - p)).sum(), (p - y) / (p * (1.0 - p))


def binary_cross_entropy_with_logits(z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """sum_bi (max(z_bi, 0) - y_bi z_bi + log(1 + exp(-|z_bi|))), and dz = sigmoid(z) - y."""
    value = torch.clamp(z, min=0.0) - y * z + torch.log1p(torch.exp(-torch.abs(z)))
    return value.sum(), 0.5 * (1.0 + torch.tanh(0.5 * z)) - y


def mean_squared_error(y_hat: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """sum_bi (y_hat_bi - y_bi)^2, and dy_hat = 2 (y_hat - y)."""
    error = y_hat - y
    return (error * error).sum(), 2.0 * error


def mean_absolute_error(y_hat: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """sum_bi |y_hat_bi - y_bi|, and dy_hat = sign(y_hat - y)."""
    error = y_hat - y
    return torch.abs(error).sum(), torch.sign(error)


def huber(y_hat: Tensor, y: Tensor, delta: float) -> tuple[Tensor, Tensor]:
    """sum_bi e_bi^2 / 2, or delta (|e_bi| - delta / 2) beyond delta, and dy_hat = e between -delta and delta."""
    error = y_hat - y
    size = torch.abs(error)
    return torch.where(size <= delta, 0.5 * error * error, delta * (size - 0.5 * delta)).sum(), error.clamp(-delta, delta)


def quantile(y_hat: Tensor, y: Tensor, q: float) -> tuple[Tensor, Tensor]:
    """sum_bi q (y_bi - y_hat_bi) for targets above, (1 - q) (y_hat_bi - y_bi) below, and dy_hat = -q or 1 - q."""
    error = y_hat - y
    slope = (1.0 - q) * (error > 0.0).to(y.dtype) - q * (error < 0.0).to(y.dtype)
    return torch.maximum((1.0 - q) * error, -q * error).sum(), slope


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
BACKWARD: dict[type, Any] = {
    Linear: dlinear,
    Sigmoid: dsigmoid,
    Tanh: dtanh,
    ReLU: drelu,
    LeakyReLU: dleaky_relu,
    ELU: delu,
    SELU: dselu,
    Softplus: dsoftplus,
    SiLU: dsilu,
    GELU: dgelu,
    GELUTanh: dgelu_tanh,
    Identity: didentity,
    Softmax: dsoftmax,
    LayerNorm: dlayer_norm,
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
