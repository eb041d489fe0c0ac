"""The first rung: lists and floats, one example at a time, every sum a loop. NumPy is used for input and output only."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.engine import Engine, Steps, batches
from clearprop.engines.preparation import checked, limits, prepared
from clearprop.engines.support import not_one_by_one, unknown_part
from clearprop.nn import (
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    CrossEntropy,
    ElementwiseLoss,
    Linear,
    Loss,
    MeanSquaredError,
    NegativeLogLikelihood,
    Net,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from clearprop.optim import SGD, AdaGrad, Adam, Optimizer, RMSProp

Row = list[float]
Rows = list[Row]


class Scalar(Engine):
    """Plain Python. Its floats are float64: for a float32 net, the parameters are rounded at the end of each epoch."""

    def supports(self, net: Net, loss: Loss, optimizer: Optimizer) -> str | None:
        """Layers that take one example at a time, and the losses and optimizers in the tables at the end of this file."""
        return not_one_by_one(net) or unknown_part(net, loss, optimizer, FORWARD, LOSSES, UPDATES)

    def forward(self, net: Net, X: Array) -> Array:
        """The output (N, n_y), one example after the other."""
        params = views(net, rows_of(net, net.theta))
        return np.array([forward(net, params, x)[0] for x in checked(self, net, X).tolist()], dtype=net.dtype)

    def loss_and_grad(self, net: Net, loss: Loss, X: Array, y: Array) -> tuple[float, Array]:
        """Loss and gradient of one batch."""
        X, y = prepared(self, net, loss, X, y)
        value, grad, _ = gradient(net, loss, rows_of(net, net.theta), X.tolist(), y.tolist())
        return value, np.array(flat(grad), dtype=net.dtype)

    def train_epoch(
        self, net: Net, loss: Loss, optimizer: Optimizer, X: Array, y: Array, order: Array, batch_size: int
    ) -> Steps:
        """The loop: gradient, step."""
        X, rows_y = prepared(self, net, loss, X, y, optimizer)
        inputs, targets, theta, t = X.tolist(), rows_y.tolist(), rows_of(net, net.theta), optimizer.t
        state = {name: rows_of(net, value) for name, value in optimizer.state.items()}
        state = state or {name: [[0.0] * len(row) for row in theta] for name in optimizer.state_names}
        losses, n_correct = [], []
        for rows in batches(order, batch_size):
            value, grad, y_hat = gradient(net, loss, theta, [inputs[b] for b in rows], [targets[b] for b in rows])
            step(optimizer, theta, grad, list(state.values()), t)
            t += 1
            losses.append(value)
            n_correct.append(loss.n_correct(np.array(y_hat), y[rows]))
        net.theta[:] = flat(theta)
        optimizer.t = t
        optimizer.state = {name: np.array(flat(value), dtype=net.dtype) for name, value in state.items()}
        return Steps(np.array(losses), np.array(n_correct))


def rows_of(net: Net, vector: Array) -> Rows:
    """A flat vector (P,), such as theta, as the rows of every W, each followed by its b, if it has one."""
    rows, start = [], 0
    for layer in linear_layers(net):
        for _ in range(layer.n_in + layer.bias):
            rows.append(vector[start : start + layer.n_out].tolist())
            start += layer.n_out
    return rows


def flat(rows: Rows) -> Row:
    """The rows, one after the other, as they lie in a flat vector (P,)."""
    return [value for row in rows for value in row]


def views(net: Net, rows: Rows) -> dict[int, tuple[Rows, Row]]:
    """W and b of each linear layer, as the very lists of `rows`: changing one changes the other. No bias is one of zeros."""
    left, found = iter(rows), {}
    for layer in linear_layers(net):
        W = [next(left) for _ in range(layer.n_in)]
        found[id(layer)] = W, next(left) if layer.bias else [0.0] * layer.n_out
    return found


def linear_layers(net: Net) -> list[Linear]:
    """The linear layers of a net, each once."""
    return [layer for layer in net.unique_layers() if type(layer) is Linear]


def gradient(net: Net, loss: Loss, theta: Rows, X: Rows, y: Rows) -> tuple[float, Rows, Rows]:
    """Loss, gradient and predictions of a batch: the gradients of its examples are added up, then averaged."""
    grad = [[0.0] * len(row) for row in theta]
    params, grads = views(net, theta), views(net, grad)
    low, high = limits(net, loss)
    total, predictions = 0.0, []
    for x_b, y_b in zip(X, y, strict=True):
        y_hat, saved = forward(net, params, x_b)
        value, dy_hat = LOSSES[type(loss)]([min(max(p, low), high) for p in y_hat], y_b)
        backward(net, params, grads, saved, dy_hat)
        total += value
        predictions.append(y_hat)
    scale = 1.0 if loss.reduction == "sum" else 1.0 / len(X)
    if loss.reduction == "mean" and isinstance(loss, ElementwiseLoss):
        scale /= len(y[0])
    return scale * total, [[scale * g for g in row] for row in grad], predictions


def forward(net: Net, params: dict[int, tuple[Rows, Row]], x: Row) -> tuple[Row, list[Row]]:
    """The output for one example, and what each layer saved."""
    saved = []
    for layer in net.layers:
        x, kept = FORWARD[type(layer)](x, *params.get(id(layer), ()))
        saved.append(kept)
    return x, saved


def backward(net: Net, params: dict[int, Any], grads: dict[int, Any], saved: list[Row], dy: Row) -> None:
    """Add the gradients of one example to `grads`, from the last layer to the first."""
    for layer, kept in zip(reversed(net.layers), reversed(saved), strict=True):
        dy = BACKWARD[type(layer)](kept, dy, *params.get(id(layer), ()), *grads.get(id(layer), ()))


def linear(x: Row, W: Rows, b: Row) -> tuple[Row, Row]:
    """y_j = sum_i x_i W_ij + b_j; saves x."""
    return [sum(x[i] * W[i][j] for i in range(len(x))) + b[j] for j in range(len(b))], x


def dlinear(x: Row, dy: Row, W: Rows, b: Row, dW: Rows, db: Row) -> Row:
    """dW_ij += x_i dy_j, db_j += dy_j; returns dx_i = sum_j dy_j W_ij."""
    for j in range(len(b)):
        for i in range(len(x)):
            dW[i][j] += x[i] * dy[j]
        db[j] += dy[j]
    return [sum(dy[j] * W[i][j] for j in range(len(b))) for i in range(len(x))]


def sigmoid(z: Row) -> tuple[Row, Row]:
    """a = 1 / (1 + exp(-z)); saves a."""
    a = [1.0 / (1.0 + exp(-z_i)) for z_i in z]
    return a, a


def dsigmoid(a: Row, da: Row) -> Row:
    """dz = da a (1 - a)."""
    return [da_i * a_i * (1.0 - a_i) for a_i, da_i in zip(a, da, strict=True)]


def tanh(z: Row) -> tuple[Row, Row]:
    """a = tanh z; saves a."""
    a = [math.tanh(z_i) for z_i in z]
    return a, a


def dtanh(a: Row, da: Row) -> Row:
    """dz = da (1 - a^2)."""
    return [da_i * (1.0 - a_i * a_i) for a_i, da_i in zip(a, da, strict=True)]


def relu(z: Row) -> tuple[Row, Row]:
    """a = max(z, 0); saves a."""
    a = [max(z_i, 0.0) for z_i in z]
    return a, a


def drelu(a: Row, da: Row) -> Row:
    """dz = da where a > 0, else 0."""
    return [da_i * (a_i > 0.0) for a_i, da_i in zip(a, da, strict=True)]


def softmax(z: Row) -> tuple[Row, Row]:
    """p_i = exp(z_i) / sum_j exp(z_j), with the largest z subtracted from all; saves p."""
    largest = max(z)
    e = [exp(z_i - largest) for z_i in z]
    total = sum(e)
    p = [e_i / total for e_i in e]
    return p, p


def dsoftmax(p: Row, dp: Row) -> Row:
    """dz_j = p_j (dp_j - sum_i dp_i p_i)."""
    mean = sum(dp_i * p_i for p_i, dp_i in zip(p, dp, strict=True))
    return [p_j * (dp_j - mean) for p_j, dp_j in zip(p, dp, strict=True)]


def cross_entropy(z: Row, y: Row) -> tuple[float, Row]:
    """-sum_i y_i log p_i with p = softmax(z), and dz = p - y (for rows y that sum to 1)."""
    largest = max(z)
    log_sum = log(sum(exp(z_i - largest) for z_i in z))
    log_p = [z_i - largest - log_sum for z_i in z]
    value = -sum(y_i * log_p_i for log_p_i, y_i in zip(log_p, y, strict=True) if y_i != 0)
    total = sum(y)
    return value, [exp(log_p_i) * total - y_i for log_p_i, y_i in zip(log_p, y, strict=True)]


def negative_log_likelihood(p: Row, y: Row) -> tuple[float, Row]:
    """-sum_i y_i log p_i, and dp = -y / p."""
    return -sum(y_i * log(p_i) for p_i, y_i in zip(p, y, strict=True)), [
        -divide(y_i, p_i) for p_i, y_i in zip(p, y, strict=True)
    ]


def binary_cross_entropy(p: Row, y: Row) -> tuple[float, Row]:
    """-sum_i (y_i log p_i + (1 - y_i) log(1 - p_i)), and dp = (p - y) / (p (1 - p))."""
    value = -sum(y_i * log(p_i) + (1.0 - y_i) * log(1.0 - p_i) for p_i, y_i in zip(p, y, strict=True))
    return value, [divide(p_i - y_i, p_i * (1.0 - p_i)) for p_i, y_i in zip(p, y, strict=True)]


def binary_cross_entropy_with_logits(z: Row, y: Row) -> tuple[float, Row]:
    """sum_i (max(z_i, 0) - y_i z_i + log(1 + exp(-|z_i|))), and dz = sigmoid(z) - y."""
    value = sum(max(z_i, 0.0) - y_i * z_i + math.log1p(exp(-abs(z_i))) for z_i, y_i in zip(z, y, strict=True))
    return value, [0.5 * (1.0 + math.tanh(0.5 * z_i)) - y_i for z_i, y_i in zip(z, y, strict=True)]


def mean_squared_error(y_hat: Row, y: Row) -> tuple[float, Row]:
    """sum_i (y_hat_i - y_i)^2, and dy_hat = 2 (y_hat - y)."""
    errors = [p - q for p, q in zip(y_hat, y, strict=True)]
    return sum(e * e for e in errors), [2.0 * e for e in errors]


def step(optimizer: Optimizer, theta: Rows, grad: Rows, state: list[Rows], t: int) -> None:
    """Step number t (from 0): clip the gradient, add that of the penalty, update every parameter in place."""
    update, lr, constants = UPDATES[type(optimizer)], optimizer.rate(t), optimizer.constants(t + 1)
    norm = math.sqrt(sum(g * g for row in grad for g in row))
    factor = 1.0 if optimizer.clip_norm is None or not norm > optimizer.clip_norm else optimizer.clip_norm / norm
    for row, g_row, *s_rows in zip(theta, grad, *state, strict=True):
        for j in range(len(row)):
            g = factor * g_row[j] + optimizer.weight_decay * row[j]
            row[j], *new = update(row[j], g, *[s[j] for s in s_rows], lr, *constants)
            for s, value in zip(s_rows, new, strict=True):
                s[j] = value


def sgd(theta: float, g: float, v: float, lr: float, momentum: float, nesterov: bool) -> tuple[float, float]:
    """v <- momentum v + g; theta <- theta - lr v."""
    v = momentum * v + g
    return theta - lr * (g + momentum * v if nesterov else v), v


def adagrad(theta: float, g: float, s: float, lr: float, eps: float) -> tuple[float, float]:
    """s <- s + g^2; theta <- theta - lr g / (sqrt(s) + eps)."""
    s = s + g * g
    return theta - lr * g / (math.sqrt(s) + eps), s


def rmsprop(theta: float, g: float, s: float, lr: float, rho: float, eps: float) -> tuple[float, float]:
    """s <- rho s + (1 - rho) g^2; theta <- theta - lr g / (sqrt(s) + eps)."""
    s = rho * s + (1.0 - rho) * g * g
    return theta - lr * g / (math.sqrt(s) + eps), s


def adam(
    theta: float, g: float, m: float, s: float, lr: float, beta1: float, beta2: float, eps: float, sum1: float, sum2: float
) -> tuple[float, float, float]:
    """Running averages m of g and s of g^2, divided by the sums of their weights; theta <- theta - lr m / (sqrt(s) + eps)."""
    m = beta1 * m + (1.0 - beta1) * g
    s = beta2 * s + (1.0 - beta2) * g * g
    return theta - lr * (m / sum1) / (math.sqrt(s / sum2) + eps), m, s


# Python's arithmetic raises errors where IEEE's returns inf or NaN, with which training goes on until `fit` reports them.


def exp(x: float) -> float:
    """exp x, infinite where it overflows."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def log(x: float) -> float:
    """log x; minus infinity at 0, NaN below."""
    return math.log(x) if x > 0 else -math.inf if x == 0 else math.nan


def divide(x: float, y: float) -> float:
    """x / y; infinite, or NaN for 0 / 0, where y is 0."""
    return x / y if y else x * math.inf


FORWARD: dict[type, Any] = {Linear: linear, Sigmoid: sigmoid, Tanh: tanh, ReLU: relu, Softmax: softmax}
BACKWARD: dict[type, Any] = {Linear: dlinear, Sigmoid: dsigmoid, Tanh: dtanh, ReLU: drelu, Softmax: dsoftmax}
LOSSES: dict[type, Any] = {
    CrossEntropy: cross_entropy,
    NegativeLogLikelihood: negative_log_likelihood,
    BinaryCrossEntropy: binary_cross_entropy,
    BinaryCrossEntropyWithLogits: binary_cross_entropy_with_logits,
    MeanSquaredError: mean_squared_error,
}
UPDATES: dict[type, Any] = {SGD: sgd, AdaGrad: adagrad, RMSProp: rmsprop, Adam: adam}
