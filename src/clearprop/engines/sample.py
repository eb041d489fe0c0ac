"""The second rung: vectors in NumPy, still one example at a time; gradients are added up, then averaged."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.engine import Engine, Steps, batches
from clearprop.engines.preparation import checked, limits, prepared
from clearprop.engines.support import constants, not_one_by_one, unknown_part
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
    Layer,
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
from clearprop.nn.gates import ROOT_2_PI, TANH_CUBIC, TANH_SCALE, normal_cdf
from clearprop.nn.rectifiers import SELU_ALPHA, SELU_SCALE
from clearprop.optim import OPTIMIZERS, Optimizer


class Sample(Engine):
    """Loops over the examples of a batch. The loops over units, explicit in `Scalar`, are NumPy's."""

    def supports(self, net: Net, loss: Loss, optimizer: Optimizer) -> str | None:
        """Layers that take one example at a time, and the losses in the tables at the end of this file."""
        return not_one_by_one(net) or unknown_part(net, loss, optimizer, FORWARD, LOSSES, OPTIMIZERS.entries.values())

    def forward(self, net: Net, X: Array) -> Array:
        """The output (N, n_y), one example after the other."""
        return np.array([forward(net, x)[0] for x in checked(self, net, X)])

    def loss_and_grad(self, net: Net, loss: Loss, X: Array, y: Array) -> tuple[float, Array]:
        """Loss and gradient of one batch."""
        X, y = prepared(self, net, loss, X, y)
        value, _ = gradient(net, loss, X, y)
        return value, net.grad.copy()

    def train_epoch(
        self, net: Net, loss: Loss, optimizer: Optimizer, X: Array, y: Array, order: Array, batch_size: int
    ) -> Steps:
        """The loop: gradient, step."""
        X, rows_y = prepared(self, net, loss, X, y, optimizer)
        losses, n_correct = [], []
        optimizer.biases = net.biases()
        for rows in batches(order, batch_size):
            value, y_hat = gradient(net, loss, X[rows], rows_y[rows])
            optimizer.step(net.theta, net.grad)
            losses.append(value)
            n_correct.append(loss.n_correct(y_hat, y[rows]))
        return Steps(np.array(losses), np.array(n_correct))


def gradient(net: Net, loss: Loss, X: Array, y: Array) -> tuple[float, Array]:
    """Loss and predictions of a batch; its gradient, added up over the examples and averaged, is left in `net.grad`."""
    net.zero_grad()
    low, high = limits(net, loss)
    total, predictions = 0.0, []
    for x_b, y_b in zip(X, y, strict=True):
        y_hat, saved = forward(net, x_b)
        value, dy_hat = LOSSES[type(loss)](np.clip(y_hat, low, high), y_b, *loss.constants())
        backward(net, saved, dy_hat)
        total += float(value)
        predictions.append(y_hat)
    scale = 1.0 if loss.reduction == "sum" else 1.0 / len(X)
    if loss.reduction == "mean" and isinstance(loss, ElementwiseLoss):
        scale /= y.shape[1]
    net.grad *= scale
    return scale * total, np.array(predictions)


def forward(net: Net, x: Array) -> tuple[Array, list[Array]]:
    """The output (n_y,) for one example (n_x,), and what each layer saved."""
    saved = []
    for layer in net.layers:
        x, kept = FORWARD[type(layer)](x, *constants(layer), *pair(layer, layer.parameters()))
        saved.append(kept)
    return x, saved


def backward(net: Net, saved: list[Array], dy: Array) -> None:
    """Add the gradients of one example to `net.grad`, from the last layer to the first."""
    for layer, kept in zip(reversed(net.layers), reversed(saved), strict=True):
        parameters, gradients = pair(layer, layer.parameters()), pair(layer, layer.gradients())
        dy = BACKWARD[type(layer)](kept, dy, *constants(layer), *parameters, *gradients)


def pair(layer: Layer, arrays: dict[str, Array]) -> tuple[Array, ...]:
    """W and b of a linear layer, or dW and db; zeros where it has no bias."""
    if type(layer) is Linear and not layer.bias:
        return arrays["W"], np.zeros(layer.n_out, layer.W.dtype)
    return tuple(arrays.values())


def linear(x: Array, W: Array, b: Array) -> tuple[Array, Array]:
    """y = x W + b, for a vector x (n_in,); saves x."""
    return x @ W + b, x


def dlinear(x: Array, dy: Array, W: Array, b: Array, dW: Array, db: Array) -> Array:
    """dW += x dy^T, the outer product, and db += dy; returns dx = W dy."""
    dW += np.outer(x, dy)
    db += dy
    return W @ dy


def sigmoid(z: Array) -> tuple[Array, Array]:
    """a = 1 / (1 + exp(-z)); saves a."""
    with np.errstate(over="ignore"):  # exp may overflow to inf, and 1 / (1 + inf) = 0 is the limit
        a = 1.0 / (1.0 + np.exp(-z))
    return a, a


def dsigmoid(a: Array, da: Array) -> Array:
    """dz = da a (1 - a)."""
    return da * a * (1.0 - a)


def tanh(z: Array) -> tuple[Array, Array]:
    """a = tanh z; saves a."""
    a = np.tanh(z)
    return a, a


def dtanh(a: Array, da: Array) -> Array:
    """dz = da (1 - a^2)."""
    return da * (1.0 - a * a)


def relu(z: Array) -> tuple[Array, Array]:
    """a = max(z, 0); saves a."""
    a = np.maximum(z, 0.0)
    return a, a


def drelu(a: Array, da: Array) -> Array:
    """dz = da where a > 0, else 0."""
    return da * (a > 0.0)


def leaky_relu(z: Array, c: float) -> tuple[Array, Array]:
    """a = z where z > 0, else c z; saves a."""
    a = np.where(z > 0.0, z, c * z)
    return a, a


def dleaky_relu(a: Array, da: Array, c: float) -> Array:
    """dz = da where a > 0, else c da."""
    return np.where(a > 0.0, da, c * da)


def elu(z: Array, alpha: float) -> tuple[Array, Array]:
    """a = z where z > 0, else alpha (exp(z) - 1); saves a."""
    a = np.where(z > 0.0, z, alpha * np.expm1(np.minimum(z, 0.0)))
    return a, a


def delu(a: Array, da: Array, alpha: float) -> Array:
    """dz = da where a > 0, else da (a + alpha)."""
    return np.where(a > 0.0, da, da * (a + alpha))


def selu(z: Array) -> tuple[Array, Array]:
    """a = scale * elu(z, alpha); saves a."""
    a = SELU_SCALE * elu(z, SELU_ALPHA)[0]
    return a, a


def dselu(a: Array, da: Array) -> Array:
    """dz = da scale where a > 0, else da (a + scale alpha)."""
    return np.where(a > 0.0, SELU_SCALE * da, da * (a + SELU_SCALE * SELU_ALPHA))


def softplus(z: Array) -> tuple[Array, Array]:
    """a = log(1 + exp(z)), without overflow; saves a."""
    a = np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))
    return a, a


def dsoftplus(a: Array, da: Array) -> Array:
    """dz = da (1 - exp(-a))."""
    return -da * np.expm1(-a)


def silu(z: Array) -> tuple[Array, Array]:
    """a = z sigmoid(z); saves z."""
    return z * sigmoid(z)[0], z


def dsilu(z: Array, da: Array) -> Array:
    """dz = da s (1 + z (1 - s)), with s = sigmoid(z)."""
    s = sigmoid(z)[0]
    return da * s * (1.0 + z * (1.0 - s))


def gelu(z: Array) -> tuple[Array, Array]:
    """a = z Phi(z); saves z."""
    return z * normal_cdf(z), z


def dgelu(z: Array, da: Array) -> Array:
    """dz = da (Phi(z) + z exp(-z^2 / 2) / sqrt(2 pi))."""
    return da * (normal_cdf(z) + z * np.exp(-0.5 * z * z) / ROOT_2_PI)


def gelu_tanh(z: Array) -> tuple[Array, Array]:
    """a = z (1 + tanh u) / 2, with u = sqrt(2 / pi) (z + 0.044715 z^3); saves z."""
    return 0.5 * z * (1.0 + np.tanh(TANH_SCALE * (z + TANH_CUBIC * z**3))), z


def dgelu_tanh(z: Array, da: Array) -> Array:
    """dz = da ((1 + h) + z (1 - h^2) u') / 2, with h = tanh u and u' = sqrt(2 / pi) (1 + 3 * 0.044715 z^2)."""
    h = np.tanh(TANH_SCALE * (z + TANH_CUBIC * z**3))
    return da * 0.5 * ((1.0 + h) + z * (1.0 - h * h) * TANH_SCALE * (1.0 + 3.0 * TANH_CUBIC * z * z))


def identity(z: Array) -> tuple[Array, Array]:
    """a = z; saves a."""
    return z, z


def didentity(a: Array, da: Array) -> Array:
    """dz = da."""
    return da


def softmax(z: Array) -> tuple[Array, Array]:
    """p_i = exp(z_i) / sum_j exp(z_j), with the largest z subtracted from all; saves p."""
    e = np.exp(z - z.max())
    p = e / e.sum()
    return p, p


def dsoftmax(p: Array, dp: Array) -> Array:
    """dz_j = p_j (dp_j - sum_i dp_i p_i)."""
    return p * (dp - dp @ p)


def layer_norm(x: Array, eps: float, gamma: Array, beta: Array) -> tuple[Array, tuple[Array, Array]]:
    """y = gamma x_hat + beta, with x_hat = s (x - mean) and s = 1 / sqrt(var + eps); saves x_hat and s."""
    s = 1.0 / np.sqrt(x.var() + eps)
    x_hat = (x - x.mean()) * s
    return gamma * x_hat + beta, (x_hat, s)


def dlayer_norm(
    saved: tuple[Array, Array], dy: Array, eps: float, gamma: Array, beta: Array, dgamma: Array, dbeta: Array
) -> Array:
    """dgamma += dy x_hat, dbeta += dy; returns s (dx_hat - mean(dx_hat) - x_hat mean(dx_hat x_hat)), dx_hat = dy gamma."""
    x_hat, s = saved
    dgamma += dy * x_hat
    dbeta += dy
    dx_hat = dy * gamma
    dx: Array = s * (dx_hat - dx_hat.mean() - x_hat * (dx_hat * x_hat).mean())
    return dx


def cross_entropy(z: Array, y: Array) -> tuple[float, Array]:
    """-sum_i y_i log p_i with p = softmax(z), and dz = p - y (for rows y that sum to 1)."""
    z = z - z.max()
    log_p = z - np.log(np.exp(z).sum())
    return -np.where(y == 0, 0, y * log_p).sum(), np.exp(log_p) * y.sum() - y


def focal(z: Array, y: Array, gamma: float) -> tuple[float, Array]:
    """-sum_i y_i (1 - p_i)^gamma log p_i with p = softmax(z); dz = g - p sum_i g_i, g = y p dl/dp (see `Focal`)."""
    z = z - z.max()
    log_p = z - np.log(np.exp(z).sum())
    p, q = np.exp(log_p), -np.expm1(log_p)
    value = -np.where(y == 0, 0, y * q**gamma * log_p).sum()
    g = np.where(y == 0, 0, y * (gamma * p * np.where(q > 0, q, 1) ** (gamma - 1) * log_p - q**gamma))
    return value, g - p * g.sum()


def negative_log_likelihood(p: Array, y: Array) -> tuple[float, Array]:
    """-sum_i y_i log p_i, and dp = -y / p."""
    return -(y * np.log(p)).sum(), -y / p


def binary_cross_entropy(p: Array, y: Array) -> tuple[float, Array]:
    """-sum_i (y_i log p_i + (1 - y_i) log(1 - p_i)), and dp = (p - y) / (p (1 - p))."""
    return -(y * np.log(p) + (1.0 - y) * np.log(1.0 - p)).sum(), (p - y) / (p * (1.0 - p))


def binary_cross_entropy_with_logits(z: Array, y: Array) -> tuple[float, Array]:
    """sum_i (max(z_i, 0) - y_i z_i + log(1 + exp(-|z_i|))), and dz = sigmoid(z) - y."""
    value = np.maximum(z, 0.0) - y * z + np.log1p(np.exp(-np.abs(z)))
    return value.sum(), 0.5 * (1.0 + np.tanh(0.5 * z)) - y


def mean_squared_error(y_hat: Array, y: Array) -> tuple[float, Array]:
    """sum_i (y_hat_i - y_i)^2, and dy_hat = 2 (y_hat - y)."""
    error = y_hat - y
    return error @ error, 2.0 * error


def mean_absolute_error(y_hat: Array, y: Array) -> tuple[float, Array]:
    """sum_i |y_hat_i - y_i|, and dy_hat = sign(y_hat - y)."""
    error = y_hat - y
    return np.abs(error).sum(), np.sign(error)


def huber(y_hat: Array, y: Array, delta: float) -> tuple[float, Array]:
    """sum_i e_i^2 / 2, or delta (|e_i| - delta / 2) beyond delta, and dy_hat = e between -delta and delta."""
    error = y_hat - y
    size = np.abs(error)
    return np.where(size <= delta, 0.5 * error * error, delta * (size - 0.5 * delta)).sum(), np.clip(error, -delta, delta)


def quantile(y_hat: Array, y: Array, q: float) -> tuple[float, Array]:
    """sum_i q (y_i - y_hat_i) for targets above, (1 - q) (y_hat_i - y_i) below, and dy_hat = -q or 1 - q."""
    error = y_hat - y
    return np.maximum((1.0 - q) * error, -q * error).sum(), (error > 0.0) * (1.0 - q) - (error < 0.0) * q


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
