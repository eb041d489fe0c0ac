"""Programs as people write them: right ones are not accused, and in wrong ones the line and the reason are named."""

import json

import pytest

from clearprop.gradcheck.tracing.examine import examine
from clearprop.gradcheck.tracing.person_program import silence

SCRIPT = """
import numpy as np
X = np.array([[0.2, 1.0], [1.0, 0.4], [0.7, 0.1], [0.3, 0.9]])
t = np.array([[1.0], [0.0], [1.0], [0.0]])
rng = np.random.default_rng(3)
A, B = rng.normal(size=(2, 5)), rng.normal(size=(5, 1))
for _ in range(1000):
    h = np.tanh(X @ A)
    out = h @ B
    print("loss", np.mean((out - t) ** 2))
    d_out = 2 * (out - t) / len(t)
    d_B = h.T @ d_out
    d_h = d_out @ B.T
    d_z = d_h * (1 - h**2)
    A -= 0.1 * X.T @ d_z
    B -= 0.1 * d_B
"""
LISTS = """
import math, random
w = [random.gauss(0, 1) for _ in range(3)]
bias = 0.0
rows = [([0.1, 0.7, -0.3], 1.0), ([0.9, -0.2, 0.4], 0.0)]
for _ in range(500):
    for x, t in rows:
        z = bias + sum(a * b for a, b in zip(w, x))
        p = 1 / (1 + math.exp(-z))
        loss = -(t * math.log(p) + (1 - t) * math.log(1 - p))
        for i in range(3):
            w[i] -= 0.5 * (p - t) * x[i]
        bias -= 0.5 * (p - t)
"""
CLASS = """
import numpy as np
class Net:
    def __init__(self, n_in, n_hid, n_out):
        self.U = np.random.randn(n_in, n_hid)
        self.V = np.random.randn(n_hid, n_out)
    def forward(self, X):
        self.h = 1 / (1 + np.exp(-X @ self.U))
        e = np.exp(self.h @ self.V)
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p
    def backward(self, X, y, lr=0.1):
        d = (self.p - y) / len(X)
        dh = d @ self.V.T * self.h * (1 - self.h)
        self.V -= lr * self.h.T @ d
        self.U -= lr * X.T @ dh
"""
RIGHT = {
    "script": SCRIPT,
    "lists": LISTS,
    "class": CLASS,
    "world": "import nowhere\nimport matplotlib.pyplot as plt\ndata = open('no such file').read()\nplt.plot([1])\n" + SCRIPT,
    "uphill on a likelihood": SCRIPT.replace('"loss", np', '"gain", -np')
    .replace("2 * (out - t)", "-2 * (out - t)")
    .replace("-= 0.1", "+= 0.1"),
}
# name: (program, old, new, the line that is blamed, by what it contains, a word of the reason)
WRONG = {
    "derivative": (SCRIPT, "(1 - h**2)", "(1 - h)", "d_z =", "h"),
    "derivative missing": (SCRIPT, "d_h * (1 - h**2)", "d_h", "d_z =", "tanh"),
    "transpose": (SCRIPT, "size=(5, 1)", "size=(5, 1)", "", ""),
    "other operand": (SCRIPT, "h.T @ d_out", "h.T @ out", "d_B =", "d_out"),
    "uphill": (SCRIPT, "B -= 0.1", "B += 0.1", "B +=", "uphill"),
    "stale": (SCRIPT, "    d_B = h.T @ d_out", "    d_B = h.T @ d_out; B -= 0.1 * d_B", "d_h =", "updated already"),
    "replaced": (SCRIPT, "B -= 0.1 * d_B", "B = 0.1 * d_B", "B = 0.1", "replaced by its gradient"),
    "factor": (SCRIPT, "d_B = h.T @ d_out", "d_B = 3 * h.T @ d_out", "d_B =", "times"),
    "lists": (LISTS, "(p - t) * x[i]", "(p - t) * z", "w[i] -=", ""),
    "class": (CLASS, "self.h * (1 - self.h)", "(1 - self.h)", "dh =", "sigmoid"),
}


def examined(text, tmp_path, name="program with spaces.py"):
    path = tmp_path / name
    path.write_text(text)
    with silence():
        return examine(path, [], 0)


@pytest.mark.parametrize("name", list(RIGHT))
def test_right_programs_are_right(name, tmp_path):
    outcome = examined(RIGHT[name], tmp_path)
    assert outcome.status == "right", outcome
    assert outcome.findings == []
    json.dumps(outcome.to_json(), allow_nan=False)


@pytest.mark.parametrize("name", [name for name in WRONG if WRONG[name][3]])
def test_mistakes_are_named_at_their_line(name, tmp_path):
    program, old, new, line, word = WRONG[name]
    assert old in program
    text = program.replace(old, new, 1)
    if name == "stale":
        text = text.replace("    B -= 0.1 * d_B\n", "\n")
    outcome = examined(text, tmp_path)
    assert outcome.status == "wrong", outcome
    first = outcome.findings[0]
    assert line in text.splitlines()[first.line - 1], outcome
    assert word in first.reason, outcome
    assert first.hint
    assert first.hint not in first.reason
    shown = outcome.shown()
    assert "wrong" in shown
    assert "wrong" in outcome.html()


def test_the_correction_corrects(tmp_path):
    text = SCRIPT.replace("(1 - h**2)", "(1 - h)")
    first = examined(text, tmp_path).findings[0]
    lines = text.splitlines()
    lines[first.line - 1] = "    " + first.correction
    assert examined("\n".join(lines), tmp_path).status == "right"


def test_a_notebook_is_its_code_cells(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": ["# not code"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "!pip install x\n"]},
        {"cell_type": "code", "source": SCRIPT.splitlines(keepends=True)},
    ]
    assert examined(json.dumps({"cells": cells}), tmp_path, "book.ipynb").status == "right"


def test_what_is_not_looked_at_is_said(tmp_path):
    text = (
        "def relu(x): return max(x, 0.0)\ndef relu_grad(x): return 1.0 if x > 0 else 0.0\n"
        "def backprop_all(a, b, c, d): return None\n"
    )
    outcome = examined(text, tmp_path)
    assert outcome.exit_status == 2
    assert "1 of 2 candidates checked; not looked at: backprop_all" in outcome.problem


def test_a_loss_that_nothing_explains_is_no_accusation(tmp_path):
    text = SCRIPT.replace('    print("loss", np.mean((out - t) ** 2))\n', "").replace("2 * (out - t)", "np.arctan(out - t)")
    assert examined(text, tmp_path).status == "inconclusive"


def test_data_that_are_missing_are_invented_as_wide_as_they_are_wanted(tmp_path):
    text = """
import numpy as np
table = np.loadtxt("nowhere.csv", delimiter=",")
X, t = table[:, 1:] / 255, np.eye(10)[table[:, 0].astype(int)]
W = np.random.randn(30, 10) * 0.1
for _ in range(100):
    e = np.exp(X @ W)
    p = e / e.sum(axis=1, keepdims=True)
    W -= 0.1 * X.T @ (p - t)
"""
    outcome = examined(text, tmp_path)
    assert outcome.status == "right", outcome
    assert "31 columns was invented" in " ".join(outcome.notes)
    wrong = examined(text.replace("X.T @ (p - t)", "X.T @ (p - t) ** 2"), tmp_path)
    assert wrong.status == "wrong", wrong
    assert wrong.findings[0].line == 9


def test_a_tensor_program_is_followed_without_torch(tmp_path):
    text = """
import torch
x, y = torch.randn(8, 3), torch.randn(8, 2)
w = torch.randn(3, 2)
for t in range(50):
    out = x.mm(w).clamp(min=0)
    loss = (out - y).pow(2).sum().item()
    grad = 2.0 * (out - y)
    grad[out == 0] = 0
    w -= 1e-3 * x.t().mm(grad)
"""
    assert examined(text, tmp_path).status == "right"
    assert examined(text.replace("    grad[out == 0] = 0\n", ""), tmp_path).status == "wrong"


def test_residual_connections_are_no_steps(tmp_path):
    text = SCRIPT.replace("h = np.tanh(X @ A)", "h = np.tanh(X @ A)\n    h = h + 0.0 * h")
    assert examined(text, tmp_path).status == "right"


EQUAL_BIASES = """
import numpy as np
np.random.seed(0)

class Layer:
    def __init__(self, n, m):
        self.w = np.random.randn(n, m)
        self.b = np.empty((1, m))
        self.b[:] = np.full((1, m), 0.01)
    def forward(self, x):
        self.x, self.y = x, np.tanh(x @ self.w + self.b)
        return self.y
    def backward(self, d):
        d = d * (1 - self.y ** 2)
        back = d @ self.w.T
        self.w -= 0.01 * self.x.T @ d
        self.b -= 0.01 * d.sum(axis=0, keepdims=True)
        return back

layers = [Layer(3, 4), Layer(4, 4), Layer(4, 4)]
X, Y = np.random.rand(8, 3), np.random.rand(8, 4)
for epoch in range(20):
    a = X
    for layer in layers:
        a = layer.forward(a)
    loss = ((a - Y) ** 2).sum()
    d = 2 * (a - Y)
    for layer in layers[::-1]:
        d = layer.backward(d)
"""


def test_biases_that_begin_with_equal_values_are_told_apart(tmp_path):
    assert examined(EQUAL_BIASES, tmp_path).status == "right"
