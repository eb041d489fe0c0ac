"""Ways of writing that were once misread: each as a small program that is right, and some of them with a mistake."""

import pytest

from clearprop.gradcheck.tracing import check_file

TIMES_ONE = """
import numpy as np
np.random.seed(1)
def sig(s):
    return 1 / (1 + np.exp(-s))
X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])
pesos0, pesos1 = 2 * np.random.random((2, 3)) - 1, 2 * np.random.random((3, 1)) - 1
momento = 1
for epoca in range(100):
    oculta = sig(X.dot(pesos0))
    saida = sig(oculta.dot(pesos1))
    erro = y - saida
    delta = erro * saida * (1 - saida)
    volta = delta.dot(pesos1.T) * {slope}
    pesos1 = (pesos1 * momento) + (oculta.T.dot(delta) * 0.6)
    pesos0 = (pesos0 * momento) + (X.T.dot(volta) * 0.6)
"""
TWO_RATES = """
import numpy as np
np.random.seed(2)
X, y = np.random.rand(6, 3), np.random.rand(6, 1)
w, b = np.random.randn(3, 1), np.zeros((1, 1))
for epoch in range(50):
    e = X @ w + b - y
    loss = (e ** 2).sum() / 2
    step = X.T @ e
    w -= 0.9 * step + 0.05 * step
    b -= 0.05 * e.sum(axis=0, keepdims=True)
"""
SPREAD = """
import numpy as np
np.random.seed(3)
def norm(x, eps=1e-6):
    return (x - x.mean(axis=1, keepdims=True)) / (x.std(axis=1, keepdims=True) + eps)
def norm_back(d, x, eps=1e-6):
    n = x.shape[1]
    mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    h = (x - mean) / np.sqrt(var + eps)
    return (d - d.mean(axis=1, keepdims=True) - h * (d * h).mean(axis=1, keepdims=True)) {root}
X, Y = np.random.rand(8, 3), np.random.rand(8, 2)
W, V = 0.01 * np.random.randn(3, 5), np.random.randn(5, 2)
for epoch in range(20):
    a = X @ W
    e = norm(a) @ V - Y
    loss = (e ** 2).sum() / 2
    dV = norm(a).T @ e
    dW = X.T @ norm_back(e @ V.T, a)
    V -= 0.01 * dV
    W -= 0.01 * dW
"""
ROOT = "/ np.sqrt(var + eps)"
MADE_IN_FIT = """
import numpy as np
class Line:
    def __init__(self, rate=0.01, rounds=50):
        self.rate, self.rounds = rate, rounds
    def fit(self, X, y):
        self.w_ = np.zeros(1 + X.shape[1])
        for _ in range(self.rounds):
            errors = y - self.predict(X)
            self.w_[1:] += self.rate * X.T.dot(errors)
            self.w_[0] += self.rate * errors.{total}
            self.cost = (errors ** 2).sum() / 2
        return self
    def predict(self, X):
        return X.dot(self.w_[1:]) + self.w_[0]
"""
DELTA = """
import numpy as np
class Output:
    def __init__(self, n_in, n_out):
        self.w, self.b = np.random.randn(n_in, n_out), np.zeros((1, n_out))
    def forward(self, x):
        self.x = x
        self.z = x @ self.w + self.b
        e = np.exp(self.z)
        self.a = e / e.sum(axis=1, keepdims=True)
        return self.a
    def backward(self, delta):
        self.dw = self.x.T @ delta
        self.db = delta.sum(axis=0, keepdims=True)
        return delta @ self.w.T
"""
TENSORS = """
import torch
torch.set_grad_enabled(False)
class Linear:
    def __init__(self, n, m):
        self.w, self.b = torch.empty(n, m).normal_(0, 1), torch.empty(1, m)
        self.b[:] = self.b.new_full(self.b.shape, 0.01)
    def forward(self, x):
        self.x = x
        self.s = x.matmul(self.w) + self.b
        return self.s.tanh()
    def backward(self, d):
        d = d * (1 - self.s.tanh().pow(2))
        self.dw, self.db = self.x.t().mm(d), d.sum(dim=0, keepdim=True)
        return d.mm(self.w.t())
layers = [Linear(2, 5), Linear(5, 5), Linear(5, 1)]
x = torch.empty(40, 2).uniform_()
y = ((x - torch.Tensor([[0.5, 0.5]])).norm(dim=1) < 0.4).float().unsqueeze(1)
for epoch in range(5):
    for k in range(0, x.shape[0], 20):
        h = x.narrow(0, k, 20)
        for layer in layers:
            h = layer.forward(h)
        d = h - y.narrow(0, k, 20)
        for layer in reversed(layers):
            d = layer.backward(d)
        for layer in layers:
            layer.w -= 0.01 * layer.dw
            layer.b -= 0.01 * layer.db
"""
ONE_NUMBER = """
import numpy as np
np.random.seed(5)
W, x = np.random.randn(3, 1), np.random.randn(1, 3)
for step in range(10):
    p = 1 / (1 + np.exp(-(x @ W)))
    y = 1.0 if np.random.rand() < p else 0.0
    loss = -(y * np.log(p) + (1 - y) * np.log(1 - p)).sum()
    W -= 0.1 * x.T @ (p - y)
"""
DRAWN = """
import numpy as np
np.random.seed(0)
q, r = np.linalg.qr(np.random.randn(5, 5))
W = q[:, :3]
u, s, vt = np.linalg.svd(np.random.randn(3, 2), full_matrices=False)
V = u @ vt
A = np.random.randn(5, 3)
A = A / np.linalg.norm(A, axis=1, keepdims=True)
X, Y = np.random.rand(10, 5), np.random.rand(10, 2)
for k in range(20):
    h = np.tanh(X @ W + X @ A)
    e = h @ V - Y
    loss = (e ** 2).sum() / 2
    dh = e @ V.T * (1 - h ** 2)
    V = V - 0.01 * h.T @ e
    W = W - 0.01 * X.T @ dh
    A = A - 0.01 * X.T @ {slope}
"""
RIGHT = {
    "matrices that are drawn and then made orthogonal": DRAWN.format(slope="dh"),
    "a momentum of one": TIMES_ONE.format(slope="oculta * (1 - oculta)"),
    "two rates in one step": TWO_RATES,
    "a tiny number elsewhere": SPREAD.format(root=ROOT),
    "parameters made in fit": MADE_IN_FIT.format(total="sum()"),
    "a layer that takes a delta": DELTA,
    "tensors of torch": TENSORS,
    "a branch on an array of one number": ONE_NUMBER,
}
WRONG = {
    "matrices that are drawn and then made orthogonal": DRAWN.format(slope="(e @ V.T)"),
    "a momentum of one": TIMES_ONE.format(slope="1"),
    "a tiny number elsewhere": SPREAD.format(root=""),
    "parameters made in fit": MADE_IN_FIT.format(total="mean()"),
    "a layer that takes a delta": DELTA.replace("self.x.T @ delta", "self.x.T @ delta ** 2"),
    "tensors of torch": TENSORS.replace("d.sum(dim=0", "d.mean(dim=0"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_programs_of_these_kinds_are_right(name, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(RIGHT[name])
    outcome = check_file(path)
    assert outcome.status == "right", outcome


@pytest.mark.parametrize("name", WRONG)
def test_their_mistakes_are_noticed(name, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(WRONG[name])
    outcome = check_file(path)
    assert outcome.status == "wrong", outcome


def test_all_matrices_that_were_drawn_are_judged(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(DRAWN.format(slope="dh"))
    assert "right: V, q, A" in check_file(path).functions[0].text
