"""Programs of question threads: nets that do not learn, and right ones that are doubted, each kind as a small case."""

import pytest

from clearprop.gradcheck.tracing import check_file
from clearprop.gradcheck.tracing.fewer_examples import with_fewer_examples

MARGIN = """
import numpy as np

rng = np.random.default_rng(4)
points = rng.normal(size=(40, 2))
side = np.where(points[:, :1] + 0.4 * points[:, 1:] > 0.2, 1, -1)
w, b = rng.normal(size=(2, 1)), rng.normal(size=(1, 1))

def misses():
    short = 1 - side * (points @ w + b)
    short[short < 0] = 0
    return short, 0.5 * sum(w**2) + sum(short) / len(side)

def slopes():
    short, _ = misses()
    grad_w, grad_b = np.zeros(w.shape), np.zeros(b.shape)
    for k, each in enumerate(short):
        if each == 0:
            grad_w += w
        else:
            grad_w += w - (points[k] * side[k]).reshape(-1, 1)
            grad_b += -side[k]
    return grad_w / len(side), grad_b / len(side)

for step in range(20):
    _, loss = misses()
    grad_w, grad_b = slopes()
    w = w - 0.05 * grad_w
    b = b - 0.04 * grad_b
"""
CHANGES = """
import math

rows, wanted = [[0, 1, 1], [1, 0, 1], [1, 1, 1]], [0, 1, 1]
weights = [0.3, -0.2, 0.1]

def guess(row):
    total = 0
    for i in range(len(row)):
        total += row[i] * weights[i]
    return 1 / (1 + math.exp(-total))

for epoch in range(30):
    change = [0, 0, 0]
    for row, t in zip(rows, wanted):
        for i in range(3):
            change[i] += 0.05 * (t - guess(row)) * row[i]
    for i in range(3):
        weights[i] = change[i] + weights[i]
"""
OLDER_NAMES = """
from numpy import *

table = mat(random.normal(size=(12, 2)))
target = mat(random.normal(size=(12, 1)))
x = concatenate((mat(ones((12, 1))), table[:, 0]), axis=1)
theta = mat(zeros((2, 1)))
for step in range(100):
    miss = x * theta - target
    cost = power(miss, 2).sum(axis=0) / 24
    one, two = multiply(miss, x[:, 0]).sum(axis=0), multiply(miss, x[:, 1]).sum(axis=0)
    theta[0] = theta[0] - 0.01 / 12 * one
    theta[1] = theta[1] - 0.01 / 12 * two
"""
RESIDUALS = """
import pandas as pd
import numpy as np

houses = pd.read_csv("houses.csv")

def slope(X, Y, W):
    first = sum(y - (W[0][0] + W[1][0] * x) for x, y in zip(X, Y))
    second = sum((y - (W[0][0] + W[1][0] * x)) * x for x, y in zip(X, Y))
    return np.array([first, second]).reshape(2, 1)

def squares(X, Y, W):
    return sum((y - (W[0][0] + W[1][0] * x)) ** 2 for x, y in zip(X, Y))

W = np.array([0, 0]).reshape(2, 1)
for i in range(200):
    W = W + 0.0002 * slope(houses["rooms"], houses["price"], W)
    print squares(houses["rooms"], houses["price"], W)
"""
QUERIES = """
import numpy as np
from scipy.special import expit

class Net:
    def __init__(self):
        self.first, self.second = np.random.normal(0, 0.6, (7, 3)), np.random.normal(0, 0.6, (2, 7))

    def learn(self, given, wanted):
        given, wanted = np.array(given, ndmin=2).T, np.array(wanted, ndmin=2).T
        hidden = expit(np.dot(self.first, given))
        final = expit(np.dot(self.second, hidden))
        misses = wanted - final
        above = np.dot(self.second.T, misses * final * (1 - final))
        self.second += 0.2 * np.dot(misses * final * (1 - final), hidden.T)
        self.first += 0.2 * np.dot(above * hidden * (1 - hidden), given.T)

net = Net()
for step in range(300):
    x = np.random.uniform(-1, 1)
    net.learn([x, 2 * x, 1], [np.tanh(x), x * x])
"""
WHOLE_SET = """
import numpy as np

count = 4000
X = np.matrix(np.random.rand(9, count))
y = np.matrix(np.eye(3)[np.random.randint(0, 3, count)].T)
A, B = np.matrix(np.random.rand(5, 9) * 0.2 - 0.1), np.matrix(np.random.rand(3, 6) * 0.2 - 0.1)

def squashed(W, x):
    return 1 / (1 + np.exp(-1 * (W * x)))

for epoch in range(3):
    dA, dB = 0, 0
    for t in range(0, 4000):
        hidden = np.matrix(np.concatenate((np.ones((1, 1)), squashed(A, X[:, t]))))
        output = squashed(B, hidden)
        miss = output - y[:, t]
        back = np.multiply(B.T * miss, np.multiply(hidden, 1 - hidden))
        dB += miss * hidden.T
        dA += back[1:] * X[:, t].T
    A = A - 0.01 * dA / count
    B = B - 0.01 * dB / count
"""
LISTS = """
import math
import random

def squash(t):
    return 1 / (1 + math.exp(-t))

def dot(v, w):
    return sum(a * b for a, b in zip(v, w))

random.seed(1)
inner = [[random.random() for _ in range(4)] for _ in range(3)]
outer = [[random.random() for _ in range(4)] for _ in range(2)]
given, wanted = [[0, 1, 1], [1, 0, 1], [1, 1, 0]], [[1, 0], [0, 1], [1, 1]]

def learn(x, t):
    hidden = [squash(dot(neuron, x + [1])) for neuron in inner]
    outputs = [squash(dot(neuron, hidden + [1])) for neuron in outer]
    out_deltas = [o * (1 - o) * (o - t[k]) for k, o in enumerate(outputs)]
    for k, neuron in enumerate(outer):
        for j, h in enumerate(hidden + [1]):
            neuron[j] -= out_deltas[k] * h
    deltas = [h * (1 - h) * dot(out_deltas, [n[j] for n in outer]) for j, h in enumerate(hidden)]
    for k, neuron in enumerate(inner):
        for j, each in enumerate(x + [1]):
            neuron[j] -= deltas[k] * each

for epoch in range(100):
    for x, t in zip(given, wanted):
        learn(x, t)
"""
COLUMNS = """
import numpy as np
import pandas as pd

ships = pd.read_csv("ships.csv")
X = ships[["age", "fare", "class", "cabin", "deck", "berth"]].values / 255
y = ships[["home"]].values
w = np.zeros((6, 1))
for step in range(100):
    p = 1 / (1 + np.exp(-X @ w))
    w = w - 0.1 * X.T @ (p - y) / len(X)
"""
RIGHT = {
    "hinge": MARGIN,
    "the change first": CHANGES,
    "older names": OLDER_NAMES,
    "numbers of a table, Python 2": RESIDUALS,
    "ndmin": QUERIES,
    "a step after thousands of examples": WHOLE_SET,
    "many columns": COLUMNS,
}


def checked(text, folder):
    """The outcome for a program."""
    file = folder / "asked.py"
    file.write_text(text)
    return check_file(file)


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT.keys())
def test_right_programs_that_were_doubted_are_right(text, tmp_path):
    found = checked(text, tmp_path)
    assert found.status == "right", str(found)


@pytest.mark.parametrize(
    ("text", "old", "new", "line"),
    [
        (MARGIN, "grad_b += -side", "grad_b += side", "grad_b += side[k]"),
        (MARGIN, "w - (points", "w + (points", "grad_w += w + (points[k] * side[k])"),
        (OLDER_NAMES, "multiply(miss, x[:, 1])", "multiply(miss, x[:, 0])", "one, two = "),
        (QUERIES, "misses * final * (1 - final))\n        self.second", "misses)\n        self.second", "above = np.dot("),
        (LISTS, "", "", "deltas = [h * (1 - h)"),
    ],
    ids=["sign of a bias", "sign of a point", "another column", "derivative above", "lists used after their update"],
)
def test_mistakes_in_them_are_named(text, old, new, line, tmp_path):
    found = checked(text.replace(old, new), tmp_path)
    assert found.status == "wrong", str(found)
    assert any(line in finding.source for function in found.functions for finding in function.findings), str(found)


def test_lists_that_are_updated_after_their_use_are_right(tmp_path):
    deltas = next(line for line in LISTS.splitlines(keepends=True) if line.startswith("    deltas"))
    first = "    for k, neuron in enumerate(outer):\n"
    found = checked(LISTS.replace(deltas, "").replace(first, deltas + first), tmp_path)
    assert found.status == "right", str(found)


def test_the_shapes_of_guessed_arguments_blame_no_line_that_ran(tmp_path):
    found = checked(CHANGES.replace("weights[i] = change[i] + weights[i]", "print(change[i])"), tmp_path)
    assert found.status == "inconclusive", str(found)
    assert "transposed" not in str(found)


def test_large_numbers_of_examples_become_small_where_arrays_and_loops_are_made_of_them():
    text = "n = 20_000\nX = zeros((1, 20000))\nk = 1500\nfor i in range(n): pass\n"
    assert with_fewer_examples(text) == "n = 60    \nX = zeros((1, 60   ))\nk = 1500\nfor i in range(n): pass\n"
    assert with_fewer_examples("not Python at all") == "not Python at all"
