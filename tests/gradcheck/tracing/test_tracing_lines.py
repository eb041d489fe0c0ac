"""Mistakes in lines that fail, that are missing, or that only scale; and the things in which programs keep their values."""

import pytest

from clearprop.gradcheck.tracing import check_file

LISTS = """
import math, random
random.seed(1)
DATA = [([0, 0], 0), ([0, 1], 1), ([1, 0], 1), ([1, 1], 0)]
w = [[random.uniform(-1, 1) for _ in range(2)] for _ in range(3)]
b = [0.0] * 3
v = [random.uniform(-1, 1) for _ in range(3)]
for epoch in range(200):
    total = 0
    for x, t in DATA:
        h = [math.tanh(sum(w[j][i] * x[i] for i in range(2)) + b[j]) for j in range(3)]
        e = sum(v[j] * h[j] for j in range(3)) - t
        total += 0.5 * e * e
        for j in range(3):
            g = e * v[j] * (1 - h[j] ** 2)
            for i in range(2):
                w[j][i] -= 0.1 * g * x[i]
            b[j] -= 0.1 * g
        for j in range(3):
            v[j] -= 0.1 * e * h[j]
    print(total)
"""
COLUMNS = """
import numpy as np
rng = np.random.default_rng(3)
X = rng.random((50, 6))
Y = (X.sum(axis=1, keepdims=True) > 3).astype(float)
W1, b1 = rng.normal(size=(6, 5)) * 0.5, np.zeros((1, 5))
W2, b2 = rng.normal(size=(5, 1)) * 0.5, np.zeros((1, 1))
B = len(X)
def sig(z):
    return 1 / (1 + np.exp(-z))
for k in range(300):
    a1 = sig(X @ W1 + b1)
    y = sig(a1 @ W2 + b2)
    loss = -np.mean(Y * np.log(y) + (1 - Y) * np.log(1 - y))
    dz2 = (y - Y) / B
    dW2 = a1.T @ dz2
    db2 = dz2.sum(axis=0, keepdims=True)
    dz1 = dz2 @ W2.T * a1 * (1 - a1)
    dW1 = X.T @ dz1
    db1 = dz1.sum(axis=0, keepdims=True)
    W1 -= dW1; b1 -= db1; W2 -= dW2; b2 -= db2
"""
LINE = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(30, 4))
y = X @ np.array([1.0, 2.0, -1.0, 0.5])
w = np.zeros(4)
for i in range(200):
    err = X @ w - y
    grad = X.T @ err / len(y)
    w -= 0.1 * grad
print("mse", np.mean((X @ w - y) ** 2))
"""
METHODS = """
import numpy as np
np.random.seed(1)
class Net:
    def __init__(self):
        self.p = {f"W{i}": np.random.randn(n, m) * 0.5 for i, (n, m) in enumerate([(3, 4), (4, 2)], 1)}
    def sigmoid(self, z):
        return 1 / (1 + np.exp(-z))
    def sigmoid_prime(self, z):
        s = self.sigmoid(z)
        return s * (1 - s)
    def forward(self, X):
        self.z1 = X @ self.p["W1"]
        self.a1 = self.sigmoid(self.z1)
        self.z2 = self.a1 @ self.p["W2"]
        return self.sigmoid(self.z2)
    def step(self, X, y):
        out = self.forward(X)
        err = out - y
        d2 = err * self.sigmoid_prime(self.z2)
        d1 = (d2 @ self.p["W%d" % 2].T) * self.sigmoid_prime(self.z1)
        for i, g in ((1, X.T @ d1), (2, self.a1.T @ d2)):
            setattr(self, "last", g)
            self.p["W{}".format(i)] = self.p["W{}".format(i)] - 0.5 * g
        return 0.5 * np.sum(err ** 2)
X = np.random.rand(12, 3)
y = np.stack([X[:, 0] > 0.5, X[:, 1] > 0.5], 1).astype(float)
net = Net()
for i in range(50):
    loss = net.step(X, y)
"""
OBJECT = """
import numpy as np
rng = np.random.default_rng(2)
class Net:
    names = ["U", "b", "v"]
    def __init__(self):
        self.U, self.b, self.v = rng.normal(size=(5, 3)) * 0.5, np.zeros(5), rng.normal(size=5) * 0.5
    def forward(self, xs):
        self.hs = [np.tanh(self.U @ x + self.b) for x in xs]
        self.xs = xs
        return np.array([self.v @ h for h in self.hs])
    def backward(self, dys):
        d = {name: np.zeros_like(getattr(self, name)) for name in self.names}
        for dy, h, x in zip(dys, self.hs, self.xs):
            d["v"] += dy * h
            dz = dy * self.v * (1 - h**2)
            d["b"] += dz
            d["U"] += np.outer(dz, x)
        return d
net = Net()
for step in range(40):
    xs = rng.normal(size=(6, 3))
    targets = np.sin(xs.sum(axis=1))
    out = net.forward(xs)
    loss = 0.5 * np.sum((out - targets) ** 2)
    grads = net.backward(out - targets)
    for name in net.names:
        setattr(net, name, getattr(net, name) - 0.05 * grads[name])
"""
PICKED = """
import numpy as np
rng = np.random.default_rng(5)
X = rng.normal(size=(30, 4))
y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
W = rng.normal(size=(4, 3)) * 0.3
n = len(X)
for k in range(100):
    z = X @ W
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(n), y]).mean()
    d = p.copy()
    d[np.arange(n), y] -= 1
    d = d / n
    W -= 0.5 * (X.T @ d)
"""


def checked(tmp_path, source, old="", new=""):
    assert source.count(old) == 1 or not old
    path = tmp_path / "program.py"
    path.write_text(source.replace(old, new) if old else source)
    return check_file(path)


@pytest.mark.parametrize("source", [LISTS, COLUMNS, LINE, METHODS, OBJECT, PICKED])
def test_the_right_programs_are_right(tmp_path, source):
    found = checked(tmp_path, source)
    assert found.status == "right", str(found)


# Program, its line and the line as it is made wrong, the line that is blamed, and the correction.
WRONG = {
    "numbers of [0.0] * 3": (LISTS, "(1 - h[j] ** 2)", "(1 - h[j])", "g = e", "g = e * v[j] * (1 - h[j] ** 2)"),
    "1/B in one line": (COLUMNS, "dW1 = X.T @ dz1", "dW1 = X.T @ dz1 / B", "dW1 =", "dW1 = X.T @ dz1"),
    "a loss after the loop": (LINE, "X.T @ err /", "X.T @ np.abs(err) /", "grad =", "grad = X.T @ err / len(y)"),
    "a method": (METHODS, "prime(self.z2)", "prime(out)", "d2 =", "d2 = err * self.sigmoid_prime(self.z2)"),
    "a key that is formatted": (METHODS, " * self.sigmoid_prime(self.z1)", "", "d1 =", None),
    "an attribute": (OBJECT, "dy * self.v * (", "dy * self.b * (", "dz =", "dz = dy * self.v * (1 - h**2)"),
    "shapes": (COLUMNS, "dz2 @ W2.T * a1", "dz2 @ W2 * a1", "dz1 =", "dz1 = dz2 @ W2.T * a1 * (1 - a1)"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_mistakes_are_named_at_their_line(tmp_path, kind):
    source, old, new, blamed, right = WRONG[kind]
    found = checked(tmp_path, source, old, new)
    assert found.status == "wrong", str(found)
    assert found.findings[0].source.startswith(blamed), str(found)
    if right is not None:
        assert found.findings[0].correction.replace(" ", "") == right.replace(" ", ""), str(found)


MISSING = {
    "an accumulated gradient": (OBJECT, 'd["b"] += dz', "d['b'] += dz"),
    "an outer product": (OBJECT, 'd["U"] += np.outer(dz, x)', "d['U'] += np.outer(dz, x)"),
    "the target": (PICKED, "d[np.arange(n), y] -= 1", "d[np.arange(n), y] -= 1"),
}


@pytest.mark.parametrize("kind", MISSING)
def test_a_missing_line_is_written(tmp_path, kind):
    source, gone, wanted = MISSING[kind]
    found = checked(tmp_path, source, gone, "pass")
    assert found.status == "wrong", str(found)
    first = found.findings[0]
    assert first.correction.startswith(f"{wanted}, in a new line"), str(found)
    path = tmp_path / "program.py"
    lines = path.read_text().splitlines()
    for line, text in first.changes:
        lines[line - 1] = text
    path.write_text("\n".join(lines))
    assert check_file(path).status == "right"


def test_a_program_that_cannot_be_mended_by_one_product_is_not_accused(tmp_path):
    broken = COLUMNS.replace("dz2 @ W2.T * a1", "dz2 @ W2 * a1").replace("X.T @ dz1", "X @ dz1")
    assert checked(tmp_path, broken).status == "inconclusive"


def test_numbers_that_are_zero_are_said_to_be(tmp_path):
    """The weights behind the first example, [0, 0], have a gradient of 0 whatever the mistake is."""
    found = checked(tmp_path, LISTS, "(1 - h[j] ** 2)", "(1 - h[j])")
    assert {tensor["name"]: tensor["verdict"] for tensor in found.functions[0].report["tensors"]} == {
        "w": "wrong",
        "b": "wrong",
        "v": "right",
    }


RATE = """
import numpy as np
class Linear:
    def __init__(self, n, m):
        self.W, self.b = np.random.randn(n, m) * 0.3, np.zeros(m)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dy, lr):
        dx = dy @ self.W.T
        self.W -= lr * self.x.T @ dy
        self.b -= lr * dy.sum(axis=0)
        return dx
"""


def test_a_rate_inside_a_product_is_no_factor_of_the_gradient(tmp_path):
    assert checked(tmp_path, RATE).status == "right"
    found = checked(tmp_path, RATE, "lr * dy.sum(axis=0)", "lr * dy.sum(axis=0) * 2")
    assert found.status == "wrong"
    assert [finding.line for finding in found.findings] == [12]


NAMED = """
import numpy
rng = numpy.random.default_rng(0)
X = rng.normal(size=(20, 3))
Y = numpy.tanh(X @ rng.normal(size=(3, 2)))
W, b = rng.normal(size=(3, 2)) * 0.4, numpy.zeros(2)
for i in range(50):
    p = X @ W + b
    loss = ((p - Y) ** 2).sum() / len(X)
    d = 2 * (p - Y) / len(X)
    W -= 0.1 * X.T @ d
    b -= 0.1 * d[0]
"""


def test_numpy_is_called_as_the_program_calls_it(tmp_path):
    assert checked(tmp_path, NAMED).findings[0].correction == "b -= 0.1 * numpy.sum(d, axis=0)"


SOFTMAX = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(40, 5))
Y = np.eye(3)[rng.integers(0, 3, 40)]
W, b = rng.normal(size=(5, 3)) * 0.4, np.zeros(3)
for i in range(50):
    e = np.exp(X @ W + b)
    y = e / e.sum(axis=1, keepdims=True)
    loss = -np.sum(Y * np.log(y)) / len(X)
    dy = -Y / y / len(X)
    dz = dy * y * (1 - y)
    W -= X.T @ dz
    b -= dz.sum(axis=0)
"""


def test_a_derivative_by_the_chain_rule_is_that_of_the_loss_itself(tmp_path):
    """A mean over 40 examples: y - Y alone would be 40 times the gradient."""
    found = checked(tmp_path, SOFTMAX)
    assert found.findings[0].correction == "dz = (y - Y) / 40", str(found)


PRINTED = """
import random
random.seed(3)
data = [(0.1 * i, 0.3 * i + 0.2 * (i % 3)) for i in range(12)]
theta_0, theta_1 = random.random(), random.random()
hist, cost = -90, 0
while cost - hist > 0.001:
    hist, cost, a, b = cost, 0, 0, 0
    for i in range(len(data)):
        k = data[i]
        a = a + (theta_0 + theta_1 * k[0] - k[1])
        b = b + (theta_0 + theta_1 * k[0] - k[1]) * k[0]
    theta_0 = theta_0 - 0.01 * a / len(data)
    theta_1 = theta_1 - 0.01 * b / len(data)
    for j in range(len(data)):
        k = data[i]
        cost = cost + (theta_0 + theta_1 * k[0] - k[1]) ** 2
    cost = cost / (2 * len(data))
"""


def test_a_printed_cost_of_one_example_accuses_nobody(tmp_path):
    """The cost looks at the last example only, and computes its error once more; the gradients are those of all of them."""
    found = checked(tmp_path, PRINTED)
    assert found.status == "right", str(found)


PARTS = """
import numpy as np
rng = np.random.default_rng(0)
R = rng.random((5, 4))
P, Q = rng.random((5, 2)), rng.random((4, 2))
for step in range(30):
    loss = 0
    for i in range(5):
        for j in range(4):
            e = R[i, j] - P[i, :] @ Q[j, :]
            loss += e ** 2
            P[i, :], Q[j, :] = P[i, :] + 0.02 * e * Q[j, :], Q[j, :] + 0.02 * e * Q[i % 4, :]
"""


def test_parts_of_arrays_are_read_in_corrections(tmp_path):
    assert checked(tmp_path, PARTS).status == "wrong"
