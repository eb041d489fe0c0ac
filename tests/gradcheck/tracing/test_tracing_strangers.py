"""Kinds of programs that strangers write and that were once accused, missed or not understood: each as a small case."""

import pytest

from clearprop.gradcheck.tracing import check_file

POOL = """
import numpy as np

def max_pool_forward(x, pool_param):
    size, step = pool_param["pool_height"], pool_param["stride"]
    N, C, H, W = x.shape
    out = np.zeros((N, C, H // step, W // step))
    for i in range(H // step):
        for j in range(W // step):
            out[:, :, i, j] = x[:, :, i * step : i * step + size, j * step : j * step + size].max(axis=(2, 3))
    return out, (x, pool_param)

def max_pool_backward(dout, cache):
    x, pool_param = cache
    size, step = pool_param["pool_height"], pool_param["stride"]
    dx = np.zeros_like(x)
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    window = x[n, c, i * step : i * step + size, j * step : j * step + size]
                    row, column = divmod(np.argmax(window), size)
                    dx[n, c, i * step + row, j * step + column] = dout[n, c, i, j]
    return dx
"""
NORMALISED = """
import numpy as np

def batchnorm_forward(x, gamma, beta, bn_param):
    if bn_param["mode"] == "train":
        mean, var = x.mean(axis=0), x.var(axis=0)
    xhat = (x - mean) / np.sqrt(var + bn_param.get("eps", 1e-5))
    return gamma * xhat + beta, (xhat, gamma, var + bn_param.get("eps", 1e-5))

def batchnorm_backward_alt(dout, cache):
    xhat, gamma, var = cache
    g = dout * gamma
    dx = (g - g.mean(axis=0) - xhat * (g * xhat).mean(axis=0)) / np.sqrt(var)
    return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)
"""
CELL = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]
    z = x @ Wx + prev_h @ Wh + b
    i, f, o, g = sigmoid(z[:, :H]), sigmoid(z[:, H : 2 * H]), sigmoid(z[:, 2 * H : 3 * H]), np.tanh(z[:, 3 * H :])
    c = f * prev_c + i * g
    t = np.tanh(c)
    return o * t, c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, t)

def lstm_step_backward(dh, dc, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, t = cache
    dc = dc + dh * o * (1 - t**2)
    dz = np.hstack([dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dh * t * o * (1 - o), dc * i * (1 - g**2)])
    return dz @ Wx.T, dz @ Wh.T, dc * f, x.T @ dz, prev_h.T @ dz, dz.sum(axis=0)
"""
MEAN_IN_LAYER = """
import numpy as np

class Dense:
    def __init__(self, n_input, n_output):
        self.W = np.random.randn(n_input, n_output)
        self.b = np.zeros((1, n_output))
    def forward(self, A):
        self.A = A
        return A @ self.W + self.b
    def backward(self, dZ):
        n = self.A.shape[0]
        self.dW = (1 / n) * np.dot(self.A.T, dZ)
        self.db = (1 / n) * np.sum(dZ, axis=0, keepdims=True)
        return dZ @ self.W.T
"""
STEPS_ITSELF = """
import numpy as np

class Layer:
    def __init__(self, n, m):
        self.w = np.random.randn(n, m)
        self.b = np.zeros((1, m))
    def forward(self, x):
        self.x = x
        return x @ self.w + self.b
    def backprop(self, ds):
        dx = ds @ self.w.T
        self.w -= 0.01 * (self.x.T @ ds)
        self.b -= 0.01 * ds.sum(axis=0, keepdims=True)
        return dx
"""
ONE_BY_ONE = """
import numpy as np

class Layer:
    def __init__(self, n, m):
        self.w = np.random.randn(n, m)
        self.b = np.zeros((1, m))
    def forward(self, x):
        self.x = x
        return x @ self.w + self.b
    def backward(self, dy, learning_rate):
        dx = dy @ self.w.T
        self.w = self.w - learning_rate * (self.x.T @ dy)
        self.b = self.b - learning_rate * dy
        return dx
"""
PAIRS = """
import numpy as np

class Linear:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
        self.b = np.zeros((1, n_out))
    def forward(self, X, train=True):
        self.kept = X
        return X @ self.W + self.b
    def backward(self, dY):
        return dY @ self.W.T, [(self.W, self.kept.T @ dY), (self.b, dY.sum(axis=0, keepdims=True))]
"""
FILTERS = """
import numpy as np

class Convolution:
    def __init__(self, W, b, stride=1):
        self.W, self.b, self.stride = W, b, stride
    def forward(self, x):
        self.x = x
        F, C, h, w = self.W.shape
        rows, columns = x.shape[2] - h + 1, x.shape[3] - w + 1
        out = np.zeros((x.shape[0], F, rows, columns))
        for i in range(rows):
            for j in range(columns):
                out[:, :, i, j] = np.tensordot(x[:, :, i : i + h, j : j + w], self.W, ([1, 2, 3], [1, 2, 3])) + self.b
        return out
    def backward(self, dout):
        F, C, h, w = self.W.shape
        self.dW, dx = np.zeros_like(self.W), np.zeros_like(self.x)
        self.db = dout.sum(axis=(0, 2, 3))
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                self.dW += np.tensordot(dout[:, :, i, j], self.x[:, :, i : i + h, j : j + w], ([0], [0]))
                dx[:, :, i : i + h, j : j + w] += np.tensordot(dout[:, :, i, j], self.W, ([1], [0]))
        return dx
"""
HISTORY = """
import numpy as np
rng = np.random.default_rng(1)
X, T = rng.normal(size=(8, 3)), rng.integers(0, 2, size=8)
weights = [rng.normal(size=(4, 4)), rng.normal(size=(5, 1))]
before = [np.zeros_like(w) for w in weights]
def squash(z):
    return 1 / (1 + np.exp(-z))
for epoch in range(50):
    total = 0
    for x, t in zip(X, T):
        values = [np.append(1.0, x)]
        hidden = squash(values[0] @ weights[0])
        values.append(np.append(1.0, hidden))
        out = squash(values[1] @ weights[1])
        error = t - out
        total += abs(error)
        local = error * out * (1 - out)
        inner = hidden * (1 - hidden) * (weights[1][1:] @ local)
        for k, g in enumerate([inner, local]):
            change = 0.6 * (weights[k] - before[k]) + 0.1 * np.outer(values[k], g)
            before[k] = weights[k]
            weights[k] = weights[k] + change
"""
GROWING = """
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
V, W = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
memory = []
for epoch in range(20):
    hidden = np.tanh(X @ V)
    memory.append(hidden)
    guess = hidden @ W
    loss = ((guess - Y) ** 2).sum()
    d = 2 * (guess - Y)
    seen = memory[0]
    dW = seen.T @ d
    dV = X.T @ (d @ W.T * (1 - seen**2))
    W -= 0.01 * dW
    V -= 0.01 * dV
"""
NOISE_ON_ZEROS = """
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
W = np.zeros((3, 2))
W = W + rng.normal(size=(3, 2))
W = W / np.sqrt(3)
for epoch in range(20):
    guess = X @ W
    loss = ((guess - Y) ** 2).sum()
    W += -0.01 * 2 * X.T @ (guess - Y)
"""
NO_FILES = """
import numpy as np, cupy as cp
from mnist import MNIST
from tqdm import tqdm
images, labels = MNIST("data").load_training()
X = np.array(images).reshape(60000, 784) / 255.0
n_samples = 60000
order = np.random.permutation(60000)
X, y = X[order], np.array(labels)[order]
W = cp.random.randn(784, 10) * 0.01
bar = tqdm(range(30))
for epoch in bar:
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    Y = np.eye(10)[y]
    loss = -np.sum(Y * np.log(p)) / len(X) + 0.5 * 0.01 / n_samples * np.sum(W * W)
    bar.set_postfix(loss=loss)
    W -= 0.1 * (X.T @ (p - Y) / n_samples + 0.01 * W / n_samples)
"""
CASES = {
    "pool": POOL, "normalised": NORMALISED, "cell": CELL, "mean": MEAN_IN_LAYER, "steps": STEPS_ITSELF, "pairs": PAIRS,
    "filters": FILTERS, "history": HISTORY, "zeros": NOISE_ON_ZEROS, "files": NO_FILES,
}  # fmt: skip
PLANTED = [
    (POOL, "] = dout[n, c, i, j]", "] = x[n, c, i, j]"),
    (NORMALISED, "xhat * (g * xhat).mean(axis=0)", "(g * xhat).mean(axis=0)"),
    (CELL, "dc * i * (1 - g**2)", "dc * i * (1 - g)"),
    (MEAN_IN_LAYER, "self.A.T, dZ)", "self.A.T, dZ**2)"),
    (STEPS_ITSELF, "ds.sum(axis=0, keepdims=True)", "ds.mean(axis=0, keepdims=True)"),
    (STEPS_ITSELF, "0.01 * (self.x.T @ ds)", "0.01 * (self.x.T @ ds**2)"),
    (PAIRS, "dY.sum(axis=0, keepdims=True))", "dY.mean(axis=0, keepdims=True))"),
    (FILTERS, "dx[:, :, i : i + h, j : j + w] +=", "dx[:, :, i : i + h, j : j + w] ="),
    (HISTORY, "hidden * (1 - hidden)", "hidden * (1 + hidden)"),
    (NOISE_ON_ZEROS, "X.T @ (guess - Y)", "X.T @ (guess - Y) ** 2"),
    (NO_FILES, "(X.T @ (p - Y) /", "(X.T @ (p - Y) ** 2 /"),
]


def checked(folder, text):
    path = folder / "program.py"
    path.write_text(text)
    return check_file(path)


@pytest.mark.parametrize("name", list(CASES))
def test_right_programs_of_these_kinds_are_right(name, tmp_path):
    outcome = checked(tmp_path, CASES[name])
    assert outcome.status == "right", outcome


@pytest.mark.parametrize(("text", "old", "new"), PLANTED)
def test_mistakes_in_them_are_found_at_their_line(text, old, new, tmp_path):
    assert text.count(old) == 1
    outcome = checked(tmp_path, text.replace(old, new))
    line = text[: text.index(old)].count("\n") + 1
    assert outcome.status == "wrong", outcome
    assert line in {finding.line for finding in outcome.findings}, outcome


def test_a_layer_for_one_example_at_a_time_is_not_accused(tmp_path):
    outcome = checked(tmp_path, ONE_BY_ONE)
    assert outcome.status == "inconclusive", outcome
    assert "right for one example at a time" in str(outcome)


def test_a_parameter_without_a_gradient_is_not_called_right(tmp_path):
    outcome = checked(tmp_path, MEAN_IN_LAYER.replace("        self.db = (1 / n) * np.sum(dZ, axis=0, keepdims=True)\n", ""))
    assert outcome.status != "right", outcome
    assert "b" in str(outcome)


def test_a_value_left_from_the_step_before_is_named_where_it_is_read(tmp_path):
    outcome = checked(tmp_path, GROWING)
    assert outcome.status == "wrong", outcome
    reads = GROWING[: GROWING.index("dW = seen")].count("\n") + 1
    assert {finding.line for finding in outcome.findings} <= {reads, reads + 1}, outcome
    assert "At the first step all is right" in str(outcome)


ASKS = """
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
W = rng.normal(size=(3, 2))
for epoch in range(20):
    guess = X @ W
    loss = ((guess - Y) ** 2).sum()
    W -= 0.01 * 2 * X.T @ (guess - Y)
while True:
    try:
        print(X[int(input("which? "))] @ W)
    except ValueError:
        print("a number, please")
"""


def test_a_loop_that_asks_for_ever_ends(tmp_path):
    outcome = checked(tmp_path, ASKS)
    assert outcome.functions[0].verdict == "right", outcome
    assert "answered with 3" in str(outcome)


def test_a_notebook_in_another_language_is_said(tmp_path):
    path = tmp_path / "net.ipynb"
    path.write_text('{"cells": [], "metadata": {"kernelspec": {"language": "julia"}}}')
    outcome = check_file(path)
    assert outcome.status == "inconclusive"
    assert "net.ipynb is a notebook in julia" in str(outcome)


ADAM = """
import numpy as np
rng = np.random.default_rng(0)
X, T = rng.normal(size=(3, 20)), np.eye(2)[np.arange(20) % 2].T
m = 20
V, b, W, c = rng.normal(size=(4, 3)), np.zeros((4, 1)), rng.normal(size=(2, 4)), np.zeros((2, 1))
first, second = [0, 0, 0, 0], [0, 0, 0, 0]
for t in range(1, 20):
    a = np.tanh(V @ X + b)
    e = np.exp(W @ a + c)
    p = e / e.sum(axis=0)
    d2 = p - T
    dW = (1 / m) * (d2 @ a.T)
    dc = (1 / m) * np.sum(d2, axis=1, keepdims=True)
    d1 = W.T @ d2 * (1 - a**2)
    dV = (1 / m) * (d1 @ X.T)
    db = (1 / m) * np.sum(d1, axis=1, keepdims=True)
    for k, g in enumerate([dV, db, dW, dc]):
        first[k] = 0.9 * first[k] + 0.1 * g
        second[k] = 0.999 * second[k] + 0.001 * g**2
    moved = [0.01 * (f / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8) for f, s in zip(first, second)]
    V -= moved[0]
    b -= moved[1]
    W -= moved[2]
    c -= moved[3]
"""


def test_a_factor_is_named_behind_adam_without_a_loss(tmp_path):
    assert checked(tmp_path, ADAM).status == "right", checked(tmp_path, ADAM)
    old = "dV = (1 / m) * (d1 @ X.T)"
    outcome = checked(tmp_path, ADAM.replace(old, "dV = d1 @ X.T"))
    assert outcome.status == "wrong", outcome
    assert [finding.line for finding in outcome.findings] == [ADAM[: ADAM.index(old)].count("\n") + 1]
    assert "20 times too large" in outcome.findings[0].message


def test_base_classes_are_not_asked_for_gradients(tmp_path):
    base = """
class Layer:
    def forward(self, X, train=True):
        raise NotImplementedError("a layer defines it")
    def backward(self, dY):
        raise NotImplementedError("a layer defines it")
"""
    outcome = checked(tmp_path, base + PAIRS.replace("class Linear:", "class Linear(Layer):"))
    assert [function.name for function in outcome.functions] == ["Linear"]
    assert outcome.status == "right", outcome


CUT = """
import numpy as np
rng = np.random.default_rng(0)
X, Y = 3 * rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
W, b = rng.normal(size=(3, 2)), np.zeros((1, 2))
for epoch in xrange(20):
    guess = X @ W + b
    loss = ((guess - Y) ** 2).sum()
    dW = 2 * X.T @ (guess - Y)
    db = 2 * (guess - Y).sum(axis=0, keepdims=True)
    dW = np.where(dW > 1, 1, dW)
    db = np.minimum(db, 1)
    W = W - 0.01 * dW
    b = b - 0.01 * db
"""


def test_gradients_cut_off_by_where_and_minimum_are_clipped(tmp_path):
    outcome = checked(tmp_path, CUT)
    assert outcome.status == "right", outcome
    assert "The step of W, b is clipped" in str(outcome)
    old = "dW = 2 * X.T @ (guess - Y)"
    wrong = checked(tmp_path, CUT.replace(old, "dW = 2 * X.T @ (guess - Y) ** 2"))
    assert wrong.status == "wrong", wrong
    assert wrong.findings[0].line == CUT[: CUT.index(old)].count("\n") + 1
