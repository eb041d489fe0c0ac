"""Code as students write it, independent of the catalogue: the mistakes of the published write-ups (C1, C6), and of scripts
in the style of B1, are named.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

import clearprop as cp
from clearprop.gradcheck import Step
from clearprop.gradcheck.faults import name_faults


def make_step(sizes=(2, 3, 2), hidden=cp.Sigmoid, batch=1, loss=None, weight_decay=0.0, scale=1.0, last=None) -> Step:
    rng = np.random.default_rng(3)
    layers: list[cp.Layer] = []
    for n_in, n_out in pairwise(sizes):
        layers += [cp.Linear(n_in, n_out), hidden()]
    layers[-1:] = [last()] if last else []
    net = cp.Net(*layers, seed=None, dtype="float64")
    net.theta[:] = rng.normal(0, 1, net.theta.size)
    X = scale * rng.normal(0, 1, (batch, sizes[0]))
    return Step(net, loss or cp.nn.CrossEntropy(), X, rng.integers(0, sizes[-1], batch), weight_decay)


def accused(step: Step, gradients: dict) -> list[str]:
    return [suspect.fault for suspect in name_faults(step, {k: np.asarray(v) for k, v in gradients.items()})]


# C1, C2 and C6: one example, lists and loops, no NumPy in the mathematics


def scalar_backprop(step: Step, mistake: str = "") -> dict:
    """2-3-2 with sigmoid and softmax, in loops over numbers."""
    W, b, V, c = (step.parameters()[name].tolist() for name in ("W1", "b1", "W2", "b2"))
    x, t = step.X[0].tolist(), int(step.y[0])
    h = [1 / (1 + math.exp(-(sum(x[i] * W[i][j] for i in range(2)) + b[j]))) for j in range(3)]
    o = [sum(h[j] * V[j][k] for j in range(3)) + c[k] for k in range(2)]
    total = sum(math.exp(v) for v in o)
    y = [math.exp(v) / total for v in o]
    if mistake == "element-wise softmax":
        dy = [-1 / y[k] if k == t else 0.0 for k in range(2)]
        do = [dy[k] * y[k] * (1 - y[k]) for k in range(2)]
    else:
        do = [y[k] - (k == t) for k in range(2)]
    units = 3 if mistake != "two of three units" else 2
    dV = [[h[j] * do[k] for k in range(2)] for j in range(3)]
    dh = [sum(do[k] * V[j][k] for k in range(2)) for j in range(units)] + [0.0] * (3 - units)
    dz = [dh[j] * h[j] * (1 - h[j]) for j in range(3)]
    if mistake == "omitted":
        dz = dh
    dW = [[x[i] * dz[j] for j in range(3)] for i in range(2)]
    db = do if mistake == "db2 for db1" else dz
    return {"W1": dW, "b1": db, "W2": dV, "b2": do}


@pytest.mark.parametrize(
    ("mistake", "fault"),
    [
        ("element-wise softmax", "softmax-diagonal"),
        ("two of three units", "input-skipped-backward"),
        ("db2 for db1", "other-gradient-returned"),
        ("omitted", "derivative-omitted"),
    ],
)
def test_scalar_code(mistake: str, fault: str) -> None:
    step = make_step()
    assert accused(step, scalar_backprop(step)) == []
    assert fault in accused(step, scalar_backprop(step, mistake))


def test_a_bias_gradient_that_sums_over_two_of_three_units() -> None:
    """dx of a 3-unit layer in which the loop over the upper units stops at two."""
    step = make_step((2, 3, 3))
    p = step.parameters()
    x, t = step.X[0], int(step.y[0])
    h = 1 / (1 + np.exp(-(x @ p["W1"] + p["b1"])))
    o = h @ p["W2"] + p["b2"]
    y = np.exp(o) / np.exp(o).sum()
    do = y - np.eye(3)[t]
    dh = [sum(do[k] * p["W2"][j, k] for k in range(2)) for j in range(3)]
    dz = dh * h * (1 - h)
    gradients = {"W1": np.outer(x, dz), "b1": dz, "W2": np.outer(h, do), "b2": do}
    assert accused(step, gradients) == ["unit-skipped-backward"]


def softmax_by_batch_maximum(z):
    e = np.exp(z - np.max(z))
    return e / np.sum(e, axis=1, keepdims=True)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_softmax_shifted_by_the_maximum_of_the_batch(dtype: str) -> None:
    """The write-up's code works until one row lies far below another; then it gives NaN."""
    step = make_step((4, 3), batch=6, scale=300.0)
    W, b = (step.parameters()[name].astype(dtype) for name in ("W1", "b1"))
    X = step.X.astype(dtype)
    with np.errstate(all="ignore"):
        dz = (softmax_by_batch_maximum(X @ W + b) - np.eye(3, dtype=dtype)[step.y]) / np.asarray(6, dtype)
        gradients = {"W1": X.T @ dz, "b1": dz.sum(axis=0)}
    assert np.isnan(gradients["W1"]).any()
    assert "softmax-shift-batch" in accused(step, gradients)


def test_raw_pixels_instead_of_the_scaled_ones() -> None:
    step = make_step((4, 3, 3), batch=5, scale=0.01)
    assert "data-unscaled" in accused(step, batch_backprop(step, X=step.X * 255))


def test_shuffled_with_an_unshuffled_index() -> None:
    step = make_step((4, 3, 3), batch=5)
    assert "targets-misordered" in accused(step, batch_backprop(step, y=step.y[::-1]))


# B1: functions on batches, tanh or sigmoid, one-hot targets, mean gradient


def batch_backprop(step: Step, mistake: str = "", X=None, y=None) -> dict:
    """A two-layer net on a batch, as in the practical: forward, then the formulas line by line, each with its slip."""
    p = step.parameters()
    X = step.X if X is None else X
    Y = np.eye(p["b2"].size)[step.y if y is None else y]
    n = X.shape[0]
    z1 = X @ p["W1"] + p["b1"]
    tanh = isinstance(step.net.layers[1], cp.Tanh)
    h = np.tanh(z1) if tanh else 1 / (1 + np.exp(-z1))
    z2 = h @ p["W2"] + p["b2"]
    exp = np.exp(z2)
    axis = 0 if mistake == "axis 0" else 1
    y_hat = exp / exp.sum() if mistake == "whole" else exp / exp.sum(axis=axis, keepdims=True)
    delta2 = Y - y_hat if mistake == "swapped" else y_hat - Y
    if mistake == "twice":
        delta2 = np.stack([(np.diag(q) - np.outer(q, q)) @ d for q, d in zip(y_hat, delta2, strict=True)])
    if mistake == "last example":
        delta2[:-1] = 0
    if mistake != "no mean":
        delta2 = delta2 / n
    slope = {"1 - h": 1 - h, "1/cosh": 1 / np.cosh(z1), "of z": 1 - z1**2, "of h": 1 - np.tanh(h) ** 2, "none": 1.0}
    right = 1 - h**2 if tanh else h * (1 - h)
    delta1 = (delta2 @ p["W2"].T) * slope.get(mistake, right)
    if mistake == "sigmoid twice":
        s = 1 / (1 + np.exp(-h))
        delta1 = (delta2 @ p["W2"].T) * s * (1 - s)
    grads = {"W1": X.T @ delta1, "b1": delta1.sum(0), "W2": h.T @ delta2, "b2": delta2.sum(0)}
    if mistake == "b mean":
        grads["b1"], grads["b2"] = delta1.mean(0), delta2.mean(0)
    if mistake == "b rows":
        grads["b1"] = delta1
    if mistake == "b scalar":
        grads["b1"] = delta1.sum()
    if mistake == "from z":
        grads["W2"] = z1.T @ delta2
    if mistake == "reshape":
        grads["W1"] = (delta1.T @ X).reshape(p["W1"].shape)
    if mistake == "updated W":
        updated = p["W2"] - 0.3 * grads["W2"]
        delta1 = (delta2 @ updated.T) * right
        grads["W1"], grads["b1"] = X.T @ delta1, delta1.sum(0)
    if step.weight_decay and mistake != "no penalty":
        factor = {"2 lambda": 2.0, "lambda / n": 1 / n}.get(mistake, 1.0)
        grads["W1"] = grads["W1"] + factor * step.weight_decay * p["W1"]
        grads["W2"] = grads["W2"] + factor * step.weight_decay * p["W2"]
        if mistake == "b penalty":
            grads["b1"], grads["b2"] = grads["b1"] + step.weight_decay * p["b1"], grads["b2"] + step.weight_decay * p["b2"]
    return grads


@pytest.mark.parametrize(
    ("mistake", "fault"),
    [
        ("axis 0", "softmax-columns"),
        ("whole", "softmax-whole-matrix"),
        ("swapped", "prediction-and-target-swapped"),
        ("twice", "fused-derivative-twice"),
        ("last example", "one-example-only"),
        ("no mean", "mean-missing"),
        ("1 - h", "tanh-one-minus-h"),
        ("1/cosh", "tanh-inverse-cosh"),
        ("of z", "derivative-at-preactivation"),
        ("of h", "derivative-at-activation"),
        ("none", "derivative-omitted"),
        ("b mean", "mean-twice"),
        ("b rows", "bias-not-summed"),
        ("b scalar", "bias-summed-to-scalar"),
        ("from z", "preactivation-saved"),
        ("reshape", "weight-gradient-reshaped"),
        ("updated W", "updated-weights"),
    ],
)
def test_batch_code(mistake: str, fault: str) -> None:
    step = make_step((3, 4, 3), hidden=cp.Tanh, batch=7)
    assert accused(step, batch_backprop(step)) == []
    assert fault in accused(step, batch_backprop(step, mistake))


def test_sigmoid_derivative_of_a_value_that_went_through_sigmoid_already() -> None:
    step = make_step((3, 4, 3), batch=7)
    assert "derivative-at-activation" in accused(step, batch_backprop(step, "sigmoid twice"))


@pytest.mark.parametrize(
    ("mistake", "fault"),
    [
        ("no penalty", "penalty-missing"),
        ("2 lambda", "penalty-doubled"),
        ("lambda / n", "penalty-over-batch"),
        ("b penalty", "penalty-on-biases"),
    ],
)
def test_penalties(mistake: str, fault: str) -> None:
    step = make_step((3, 4, 3), hidden=cp.Tanh, batch=7, weight_decay=0.1)
    assert accused(step, batch_backprop(step)) == []
    assert fault in accused(step, batch_backprop(step, mistake))


def test_two_mistakes_at_once() -> None:
    step = make_step((3, 4, 3), hidden=cp.Tanh, batch=7)
    gradients = batch_backprop(step, "1 - h")
    gradients["W2"] = -gradients["W2"]
    assert accused(step, gradients) == ["sign-reversed + tanh-one-minus-h"]


def test_the_sentence_names_tensors_layer_and_remedy() -> None:
    step = make_step((3, 4, 3), hidden=cp.Tanh, batch=7)
    suspect = name_faults(step, batch_backprop(step, "none"))[0]
    assert suspect.sentence == "W1 and b1".replace("W1", "dW1").replace("b1", "db1") + (
        " are what you get if the derivative of tanh is left out in layer 1."
    )
    assert "f'(z)" in suspect.remedy


def test_a_column_of_predictions_against_a_vector_of_targets() -> None:
    """(B, 1) - (B,) is (B, B), and torch's mean over it has this gradient."""
    rng = np.random.default_rng(0)
    net = cp.Net(cp.Linear(3, 1), dtype="float64")
    X, y = rng.normal(size=(6, 3)), rng.normal(size=6)
    step = Step(net, cp.nn.MeanSquaredError(), X, y[:, None])
    y_hat = net(X)
    d = (2 * (y_hat - y)).sum(axis=1, keepdims=True) / 36
    assert accused(step, {"W1": X.T @ d, "b1": d.sum(0)}) == ["column-against-vector"]
