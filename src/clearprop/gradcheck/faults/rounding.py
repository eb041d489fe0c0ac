"""Rounding: a running error analysis of one tape, the bound of what rounding alone can do to its gradients.

Every array is accompanied by a bound of its rounding error, propagated by the same linear formulas with absolute values. It
matters where sums cancel, units saturate or scores are large: there a right gradient in float32 may be far from that in
float64, and the difference is no fault.
"""

from __future__ import annotations

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.faults.tape import LossNode, Node, Tape
from clearprop.nn import Activation, BatchNorm, ReLU


def rounding_errors(right: Tape, eps: float) -> dict[str, float]:
    """For each parameter, a bound on the rounding error of its gradient's elements.

    Parameters
    ----------
    right : Tape
    eps : float
        Relative rounding error of one operation.
    """
    with np.errstate(all="ignore"):
        inputs, error = _forward(right, eps)
        error = _of_loss(right.loss, error, eps)
        errors: dict[str, float] = {}
        for node, of_x in zip(reversed(right.nodes), reversed(inputs), strict=True):
            for name, bound in _of_parameters(node, of_x, error, eps).items():
                errors[name] = errors.get(name, 0.0) + float(np.max(bound, initial=0.0))
            error = _backward(node, of_x, error, eps)
        return errors


def _forward(right: Tape, eps: float) -> tuple[list[Array], Array]:
    """Error of every layer's input, and of the prediction."""
    error = np.zeros_like(right.step.X)
    inputs = []
    for node in right.nodes:
        inputs.append(error)
        error = _of_value(node, error, eps)
    return inputs, error


def _of_value(node: Node, error: Array, eps: float) -> Array:
    """E_y from E_x."""
    if node.kind == "linear":
        weights = np.abs(node.W)
        return error @ weights + 2 * eps * (np.abs(node.x) @ weights + np.abs(node.b))
    if isinstance(node.layer, Activation):
        return error * np.abs(node.layer.slope(node.x, node.y)) + error * error + 2 * eps * np.abs(node.y)
    if node.kind == "softmax":
        return _of_softmax(node.y, error, eps)
    if isinstance(node.layer, BatchNorm):
        own = (error + eps * np.abs(node.x)) * node.s
        return np.abs(node.layer.gamma) * (own + own.mean(axis=0) * (1 + np.abs(node.x_hat))) + 2 * eps * np.abs(node.y)
    return error + 2 * eps * np.abs(node.y)


def _of_softmax(p: Array, error: Array, eps: float) -> Array:
    """dp_i = p_i (dz_i - sum_j p_j dz_j)."""
    return p * (error + (p * error).sum(axis=1, keepdims=True) + 4 * eps)


def _of_loss(node: LossNode, error: Array, eps: float) -> Array:
    """E of dy_hat: that of p - y, or the second derivative times the error of p."""
    scale = 1.0 / node.count if node.loss.reduction == "mean" else 1.0
    y, p = node.y, node.p
    if node.kind == "cross_entropy":
        return scale * (_of_softmax(p, error, eps) + 2 * eps * (p + np.abs(y)))
    if node.kind == "bce_logits":
        return scale * (error * p * (1.0 - p) + 2 * eps * (p + np.abs(y)))
    if node.kind == "nll":
        return scale * np.abs(y) * (error + 2 * eps * p) / (p * p)
    if node.kind == "bce":
        return scale * (np.abs(y) / (p * p) + np.abs(1.0 - y) / ((1.0 - p) * (1.0 - p))) * (error + 2 * eps)
    return scale * 2 * (error + 2 * eps * (np.abs(node.x) + (np.abs(y) if y.shape == node.x.shape else 0.0)))


def _of_parameters(node: Node, of_x: Array, error: Array, eps: float) -> dict[str, Array]:
    """E_W and E_b (or E_gamma and E_beta) from E_x and E_dy."""
    if not node.names:
        return {}
    both = error + 2 * eps * np.abs(node.dy)
    if node.kind == "linear":
        of_W = np.abs(node.x).T @ both + of_x.T @ np.abs(node.dy)
    else:
        of_W = (np.abs(node.x_hat) * both + of_x * node.s * np.abs(node.dy)).sum(axis=0)
    return dict(zip(node.names, (of_W, both.sum(axis=0)), strict=False))


def _backward(node: Node, of_x: Array, error: Array, eps: float) -> Array:
    """E_dx from E_dy and E_x."""
    size = np.abs(node.dy)
    if node.kind == "linear":
        return (error + 2 * eps * size) @ np.abs(node.W).T
    if isinstance(node.layer, ReLU):
        return error * (node.y > 0) + (error + size) * (np.abs(node.x) <= of_x)  # near the kink, either slope may be taken
    if isinstance(node.layer, Activation):
        return error * np.abs(node.layer.slope(node.x, node.y)) + (size + error) * (of_x + 2 * eps)
    if node.kind == "softmax":
        both = error + size * (of_x + of_x.max(axis=1, keepdims=True) + 4 * eps)
        return node.y * (both + (node.y * both).sum(axis=1, keepdims=True))
    if isinstance(node.layer, BatchNorm):
        both = np.abs(node.layer.gamma) * (error + size * (of_x * node.s + 4 * eps))
        x_hat = np.abs(node.x_hat)
        return node.s * (both + both.mean(axis=0) + x_hat * (x_hat * both).mean(axis=0))
    return error + 2 * eps * np.abs(node.dx)
