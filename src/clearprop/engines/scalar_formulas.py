"""The formulas of the first rung: every layer, loss and optimizer once more, on lists of floats.

An activation returns its value and what it saves; its `d...` makes dz of that and da. A loss returns its value and dy_hat, for
one example. None of them calls NumPy, so that each can be followed with pencil and paper.
"""

from __future__ import annotations

import math
from typing import Any

from clearprop.nn import (
    ELU,
    GELU,
    SELU,
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    CrossEntropy,
    Focal,
    GELUTanh,
    Huber,
    Identity,
    LeakyReLU,
    Linear,
    MeanAbsoluteError,
    MeanSquaredError,
    NegativeLogLikelihood,
    Quantile,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from clearprop.nn.rectifiers import SELU_ALPHA, SELU_SCALE
from clearprop.optim import SGD, AdaGrad, Adam, AdamW, Lion, Nadam, RMSProp

Row = list[float]
Rows = list[Row]


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


def leaky_relu(z: Row, c: float) -> tuple[Row, Row]:
    """a = z where z > 0, else c z; saves a."""
    a = [z_i if z_i > 0.0 else c * z_i for z_i in z]
    return a, a


def dleaky_relu(a: Row, da: Row, c: float) -> Row:
    """dz = da where a > 0, else c da."""
    return [da_i * (1.0 if a_i > 0.0 else c) for a_i, da_i in zip(a, da, strict=True)]


def elu(z: Row, alpha: float) -> tuple[Row, Row]:
    """a = z where z > 0, else alpha (exp(z) - 1); saves a."""
    a = [z_i if z_i > 0.0 else alpha * math.expm1(z_i) for z_i in z]
    return a, a


def delu(a: Row, da: Row, alpha: float) -> Row:
    """dz = da where a > 0, else da (a + alpha)."""
    return [da_i * (1.0 if a_i > 0.0 else a_i + alpha) for a_i, da_i in zip(a, da, strict=True)]


def selu(z: Row) -> tuple[Row, Row]:
    """a = scale * elu(z, alpha); saves a."""
    a = [SELU_SCALE * a_i for a_i in elu(z, SELU_ALPHA)[0]]
    return a, a


def dselu(a: Row, da: Row) -> Row:
    """dz = da scale where a > 0, else da (a + scale alpha)."""
    return [da_i * (SELU_SCALE if a_i > 0.0 else a_i + SELU_SCALE * SELU_ALPHA) for a_i, da_i in zip(a, da, strict=True)]


def softplus(z: Row) -> tuple[Row, Row]:
    """a = log(1 + exp(z)), without overflow; saves a."""
    a = [max(z_i, 0.0) + math.log1p(exp(-abs(z_i))) for z_i in z]
    return a, a


def dsoftplus(a: Row, da: Row) -> Row:
    """dz = da (1 - exp(-a))."""
    return [-da_i * math.expm1(-a_i) for a_i, da_i in zip(a, da, strict=True)]


def silu(z: Row) -> tuple[Row, Row]:
    """a = z / (1 + exp(-z)); saves z."""
    return [z_i / (1.0 + exp(-z_i)) for z_i in z], z


def dsilu(z: Row, da: Row) -> Row:
    """dz = da s (1 + z (1 - s)), with s = 1 / (1 + exp(-z))."""
    s = [1.0 / (1.0 + exp(-z_i)) for z_i in z]
    return [da_i * s_i * (1.0 + z_i * (1.0 - s_i)) for z_i, s_i, da_i in zip(z, s, da, strict=True)]


def gelu(z: Row) -> tuple[Row, Row]:
    """a = z Phi(z), with Phi(z) = erfc(-z / sqrt 2) / 2; saves z."""
    return [z_i * 0.5 * math.erfc(-z_i / math.sqrt(2.0)) for z_i in z], z


def dgelu(z: Row, da: Row) -> Row:
    """dz = da (Phi(z) + z exp(-z^2 / 2) / sqrt(2 pi))."""
    cdf = [0.5 * math.erfc(-z_i / math.sqrt(2.0)) for z_i in z]
    pdf = [exp(-0.5 * z_i * z_i) / math.sqrt(2.0 * math.pi) for z_i in z]
    return [da_i * (P + z_i * p) for z_i, P, p, da_i in zip(z, cdf, pdf, da, strict=True)]


def gelu_tanh(z: Row) -> tuple[Row, Row]:
    """a = z (1 + tanh u) / 2, with u = sqrt(2 / pi) (z + 0.044715 z^3); saves z."""
    h = [math.tanh(math.sqrt(2.0 / math.pi) * (z_i + 0.044715 * z_i**3)) for z_i in z]
    return [0.5 * z_i * (1.0 + h_i) for z_i, h_i in zip(z, h, strict=True)], z


def dgelu_tanh(z: Row, da: Row) -> Row:
    """dz = da ((1 + h) + z (1 - h^2) u') / 2, with h = tanh u and u' = sqrt(2 / pi) (1 + 3 * 0.044715 z^2)."""
    h = [math.tanh(math.sqrt(2.0 / math.pi) * (z_i + 0.044715 * z_i**3)) for z_i in z]
    du = [math.sqrt(2.0 / math.pi) * (1.0 + 3.0 * 0.044715 * z_i**2) for z_i in z]
    return [
        da_i * 0.5 * ((1.0 + h_i) + z_i * (1.0 - h_i * h_i) * du_i) for z_i, h_i, du_i, da_i in zip(z, h, du, da, strict=True)
    ]


def identity(z: Row) -> tuple[Row, Row]:
    """a = z; saves a."""
    return z, z


def didentity(a: Row, da: Row) -> Row:
    """dz = da."""
    return da


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


def focal(z: Row, y: Row, gamma: float) -> tuple[float, Row]:
    """-sum_i y_i (1 - p_i)^gamma log p_i with p = softmax(z); dz = g - p sum_i g_i, g = y p dl/dp (see `Focal`)."""
    largest = max(z)
    log_sum = log(sum(exp(z_i - largest) for z_i in z))
    log_p = [z_i - largest - log_sum for z_i in z]
    p, q = [exp(l_i) for l_i in log_p], [-math.expm1(l_i) for l_i in log_p]
    value = -sum(y_i * q_i**gamma * l_i for l_i, q_i, y_i in zip(log_p, q, y, strict=True) if y_i != 0)
    slopes = [gamma * p_i * (q_i or 1.0) ** (gamma - 1.0) * l_i - q_i**gamma for p_i, q_i, l_i in zip(p, q, log_p, strict=True)]
    g = [y_i * s_i if y_i != 0 else 0.0 for s_i, y_i in zip(slopes, y, strict=True)]
    total = sum(g)
    return value, [g_i - p_i * total for g_i, p_i in zip(g, p, strict=True)]


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


def mean_absolute_error(y_hat: Row, y: Row) -> tuple[float, Row]:
    """sum_i |y_hat_i - y_i|, and dy_hat = sign(y_hat - y)."""
    errors = [p - q for p, q in zip(y_hat, y, strict=True)]
    return sum(abs(e) for e in errors), [sign(e) for e in errors]


def huber(y_hat: Row, y: Row, delta: float) -> tuple[float, Row]:
    """sum_i e_i^2 / 2, or delta (|e_i| - delta / 2) beyond delta, and dy_hat = e between -delta and delta."""
    errors = [p - q for p, q in zip(y_hat, y, strict=True)]
    values = [0.5 * e * e if abs(e) <= delta else delta * (abs(e) - 0.5 * delta) for e in errors]
    return sum(values), [min(max(e, -delta), delta) for e in errors]


def quantile(y_hat: Row, y: Row, q: float) -> tuple[float, Row]:
    """sum_i q (y_i - y_hat_i) for targets above, (1 - q) (y_hat_i - y_i) below, and dy_hat = -q or 1 - q."""
    errors = [p - t for p, t in zip(y_hat, y, strict=True)]
    return sum(max((1.0 - q) * e, -q * e) for e in errors), [(e > 0.0) * (1.0 - q) - (e < 0.0) * q for e in errors]


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


def nadam(
    theta: float,
    g: float,
    m: float,
    s: float,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    of_m: float,
    of_g: float,
    sum2: float,
) -> tuple[float, float, float]:
    """The averages of Adam; theta <- theta - lr (of_m m + of_g g) / (sqrt(s) + eps)."""
    m = beta1 * m + (1.0 - beta1) * g
    s = beta2 * s + (1.0 - beta2) * g * g
    return theta - lr * (of_m * m + of_g * g) / (math.sqrt(s / sum2) + eps), m, s


def lion(theta: float, g: float, m: float, lr: float, beta1: float, beta2: float) -> tuple[float, float]:
    """theta <- theta - lr sign(beta1 m + (1 - beta1) g); m <- beta2 m + (1 - beta2) g."""
    return theta - lr * sign(beta1 * m + (1.0 - beta1) * g), beta2 * m + (1.0 - beta2) * g


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


def sign(x: float) -> float:
    """-1, 0 or 1; NaN of NaN."""
    return math.copysign(1.0, x) if x == x and x else x


def divide(x: float, y: float) -> float:
    """x / y; infinite, or NaN for 0 / 0, where y is 0."""
    return x / y if y else x * math.inf


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
UPDATES: dict[type, Any] = {
    SGD: sgd,
    AdaGrad: adagrad,
    RMSProp: rmsprop,
    Adam: adam,
    AdamW: adam,
    Nadam: nadam,
    Lion: lion,
}
