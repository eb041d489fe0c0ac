"""Programs that take their numbers, their batches, their loss or their steps from elsewhere: each right, and with a mistake."""

from dataclasses import dataclass

import pytest

from clearprop.gradcheck.tracing import check_file


@dataclass(frozen=True)
class Brought:
    """A right program, a mistake in it, and what must be said.

    Attributes
    ----------
    text : str
    old, new : str
        The mistake: what is written, and what stands there instead.
    line : str
        What stands in the line that is named.
    correction : str
        What the correction holds; "" if any will do.
    """

    text: str
    old: str
    new: str
    line: str
    correction: str = ""


NUMBERS_OF_A_FILE = """
import csv, math

def read(name):
    with open(name) as file:
        return [[float(cell) for cell in row] for row in csv.reader(file)]

def chance(row, factors):
    z = factors[0]
    for k in range(len(row) - 1):
        z += factors[k + 1] * row[k]
    return 1.0 / (1.0 + math.exp(-z))

def fitted(rows, rate):
    factors = [0.0 for _ in rows[0]]
    for sweep in range(50):
        squares = 0
        for row in rows:
            p = chance(row, factors)
            miss = row[-1] - p
            squares += miss ** 2
            factors[0] = factors[0] + rate * miss * p * (1.0 - p)
            for k in range(len(row) - 1):
                factors[k + 1] = factors[k + 1] + rate * miss * p * (1.0 - p) * row[k]
    return factors

fitted(read("patients.csv"), 0.2)
"""
WHOLE_NUMBERS = """
import math
rows, marks = [[2, 3], [5, 1], [1, 4], [3, 3]], [1, 0, 1, 0]
u, c = [0] * 2, 0
for sweep in range(40):
    cost = 0
    for row, mark in zip(rows, marks):
        z = c
        for k in range(2):
            z += u[k] * row[k]
        p = 1 / (1 + math.exp(-z))
        cost -= mark * math.log(p) + (1 - mark) * math.log(1 - p)
        for k in range(2):
            u[k] -= 0.05 * (p - mark) * row[k]
        c -= 0.05 * (p - mark)
"""
COLUMN_BY_COLUMN = """
import numpy as np
table = np.loadtxt("flats.txt", delimiter=",")
A, goal = np.matrix(table[:, :2]), np.matrix(table[:, 2]).T
A = np.hstack((np.ones((len(A), 1)), (A - A.mean(axis=0)) / A.std(axis=0)))
beta = np.matrix(np.zeros((3, 1)))
costs = np.zeros(80)
fresh = np.matrix(np.zeros(beta.shape))
for step in range(80):
    miss = A * beta - goal
    for k in range(3):
        part = np.multiply(miss, A[:, k])
        fresh[k, 0] = beta[k, 0] - 0.05 / len(A) * np.sum(part)
    beta = fresh.copy()
    costs[step] = np.sum(np.power(A * beta - goal, 2)) / (2 * len(A))
"""
MARGIN = """
import numpy as np
rng = np.random.default_rng(0)
points = rng.normal(size=(40, 3))
signs = np.where(points @ [1.0, -2.0, 0.5] > 0.2, 1, -1)

class Separator:
    def learn(self, points, signs, rate=0.01, shrink=0.02):
        self.w, self.b = np.zeros(3), 0
        for sweep in range(20):
            for point, sign in zip(points, signs):
                if sign * (np.dot(self.w, point) - self.b) >= 1:
                    self.w -= rate * 2 * shrink * self.w
                else:
                    self.w -= rate * (2 * shrink * self.w - sign * point)
                    self.b -= rate * sign

Separator().learn(points, signs)
"""
PERCEPTRON = """
import numpy as np
rng = np.random.default_rng(1)
points = rng.normal(size=(30, 2))
signs = np.where(points[:, 0] > points[:, 1], 1, -1)
w, b = np.zeros(2), 0.0
for sweep in range(10):
    wrong = 0
    for point, sign in zip(points, signs):
        if sign * (w @ point + b) <= 0:
            w += sign * point
            b += sign
            wrong += 1
"""
MASKED_MARGIN = """
import numpy as np
rng = np.random.default_rng(2)
points = rng.normal(size=(40, 3))
signs = np.where(points[:, 0] > points[:, 1], 1, -1)
w, b = rng.normal(size=3) * 0.1, 0.0
for sweep in range(100):
    short = signs * (points @ w + b) < 1
    dw = -(points[short] * signs[short][:, None]).sum(axis=0) / len(points)
    db = -signs[short].sum() / len(points)
    w -= 0.1 * dw
    b -= 0.1 * db
"""
TWO_COLUMNS = """
import numpy as np
rng = np.random.default_rng(3)
X, t = rng.normal(size=(12, 5)), rng.integers(0, 3, 12)
V = rng.normal(size=(5, 3)) * 0.01

def margins(V, X, t):
    dV, total = np.zeros(V.shape), 0.0
    for i in range(len(X)):
        scores = X[i].dot(V)
        for j in range(3):
            if j == t[i]:
                continue
            short = scores[j] - scores[t[i]] + 1
            if short > 0:
                total += short
                dV[:, j] += X[i]
                dV[:, t[i]] -= X[i]
    return total / len(X), dV / len(X)

for sweep in range(50):
    loss, dV = margins(V, X, t)
    V -= 0.1 * dV
"""
BATCHES = """
import torch
from torch.utils.data import DataLoader, random_split
from torchvision import datasets, transforms
steps = transforms.Compose([transforms.ToTensor(), transforms.Lambda(lambda picture: torch.flatten(picture))])
some, rest = random_split(datasets.MNIST("here", download=True, transform=steps), [50000, 10000])
A, a = torch.randn(784, 12) * 0.05, torch.zeros(12)
B, b = torch.randn(12, 10) * 0.05, torch.zeros(10)
for epoch in range(2):
    for x, y in DataLoader(some, batch_size=16, shuffle=True):
        h = torch.tanh(x.mm(A) + a)
        p = torch.softmax(h.mm(B) + b, dim=1)
        loss = -torch.log(p[torch.arange(len(y)), y]).mean()
        d = p.clone()
        d[torch.arange(len(y)), y] -= 1
        d /= len(y)
        dh = d.mm(B.t()) * (1 - h ** 2)
        A -= 0.1 * x.t().mm(dh)
        a -= 0.1 * dh.sum(0)
        B -= 0.1 * h.t().mm(d)
        b -= 0.1 * d.sum(0)
"""
LOSS_OF_TORCH = """
import torch
import torch.nn as nn
import torch.nn.functional as F
x, y = torch.randn(16, 4), torch.randint(0, 3, (16,))
A, B = torch.randn(4, 6) * 0.4, torch.randn(6, 3) * 0.4
measure = nn.CrossEntropyLoss()
for step in range(100):
    z = x @ A
    h = F.leaky_relu(z, 0.1)
    loss = measure(h @ B, y)
    d = (F.softmax(h @ B, dim=1) - F.one_hot(y, 3).float()) / 16
    dz = torch.where(z > 0, d @ B.t(), 0.1 * (d @ B.t()))
    A = A - 0.2 * x.t() @ dz
    B = B - 0.2 * h.t() @ d
"""
VALUES_OF_ACTIONS = """
import numpy as np
rng = np.random.default_rng(4)
A, B = rng.normal(size=(4, 8)) * 0.3, rng.normal(size=(8, 2)) * 0.3

def values(states):
    hidden = np.maximum(states @ A, 0)
    return hidden, hidden @ B

for episode in range(20):
    states, later = rng.normal(size=(10, 4)), rng.normal(size=(10, 4))
    actions, rewards = rng.integers(0, 2, 10), rng.normal(size=10)
    hidden, now = values(states)
    goal = now.copy()
    goal[np.arange(10), actions] = rewards + 0.9 * values(later)[1].max(axis=1)
    d = 2 * (now - goal) / 10
    dB = hidden.T @ d
    dA = states.T @ (d @ B.T * (hidden > 0))
    A -= 0.01 * dA
    B -= 0.01 * dB
"""
ROWS_OF_WORDS = """
import numpy as np
rng = np.random.default_rng(5)
np.random.seed(5)
size, width = 20, 6
vectors, scores = np.random.randn(size, width) * 0.2, np.random.randn(width, size) * 0.2
words = np.random.randint(0, size, 40)
for sweep in range(3):
    loss = 0
    for k in range(39):
        one, other = words[k], words[k + 1]
        h = vectors[one]
        p = np.exp(h @ scores)
        p /= p.sum()
        loss -= np.log(p[other])
        p[other] -= 1
        dh = scores @ p
        scores -= 0.05 * np.outer(h, p)
        vectors[one] -= 0.05 * dh
"""
OPTIMIZER = """
import numpy as np
from scipy.io import loadmat
from scipy.optimize import minimize
marks = loadmat("letters.mat")
X, y = marks["X"], marks["y"]
Y = np.matrix(y == np.arange(1, 11)).astype(float)

def logistic(z):
    return 1 / (1 + np.exp(-z))

def both(flat, X, Y, shrink):
    X, m = np.matrix(X), len(X)
    A = np.matrix(np.reshape(flat[: 5 * 31], (5, 31)))
    B = np.matrix(np.reshape(flat[5 * 31 :], (10, 6)))
    first = np.insert(X, 0, values=np.ones(m), axis=1)
    z = first * A.T
    second = np.insert(logistic(z), 0, values=np.ones(m), axis=1)
    p = logistic(second * B.T)
    cost = -np.sum(np.multiply(Y, np.log(p)) + np.multiply(1 - Y, np.log(1 - p))) / m
    cost += shrink / (2 * m) * (np.sum(np.power(A[:, 1:], 2)) + np.sum(np.power(B[:, 1:], 2)))
    d = p - Y
    dz = np.multiply(d * B[:, 1:], np.multiply(logistic(z), 1 - logistic(z)))
    dA, dB = dz.T * first / m, d.T * second / m
    dA[:, 1:] = dA[:, 1:] + A[:, 1:] * shrink / m
    dB[:, 1:] = dB[:, 1:] + B[:, 1:] * shrink / m
    return cost, np.concatenate((np.ravel(dA), np.ravel(dB)))

start = (np.random.random(5 * 31 + 10 * 6) - 0.5) * 0.25
print(minimize(fun=both, x0=start, args=(X, Y, 1), method="TNC", jac=True, options={"maxiter": 100}))
"""
NODES = """
import math

class Node:
    def __init__(self, value, parents=()):
        self.value, self.parents = value, parents
        self.grad = 0.0
        self.push = lambda: None

    def __add__(self, other):
        out = Node(self.value + other.value, (self, other))
        def backward():
            self.grad += out.grad
            other.grad += out.grad
        out.push = backward
        return out

    def __mul__(self, other):
        out = Node(self.value * other.value, (self, other))
        def backward():
            self.grad += other.value * out.grad
            other.grad += self.value * out.grad
        out.push = backward
        return out

    def squashed(self):
        t = math.tanh(self.value)
        out = Node(t, (self,))
        def backward():
            self.grad += (1 - t * t) * out.grad
        out.push = backward
        return out

    def spread(self):
        order, seen = [], set()
        def visit(node):
            if node not in seen:
                seen.add(node)
                for each in node.parents:
                    visit(each)
                order.append(node)
        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            node.push()

weights = [Node(0.4), Node(-0.7), Node(0.2), Node(0.9)]
for step in range(20):
    total = Node(0.0)
    for x, y in [(0.5, 1.0), (-1.5, -1.0), (2.0, 0.3)]:
        shared = (weights[0] * Node(x) + weights[1]).squashed()
        guess = shared * weights[2] + shared * shared * weights[3] + shared
        miss = guess + Node(-y)
        total = total + miss * miss
    for weight in weights:
        weight.grad = 0.0
    total.spread()
    for weight in weights:
        weight.value -= 0.05 * weight.grad
"""
FRAMES = """
import numpy as np
import matplotlib.pyplot as plt
from matplotlib.animation import FuncAnimation
rng = np.random.default_rng(6)
x = np.linspace(-1, 1, 20)[:, None]
y = np.abs(x)
A, B = rng.normal(size=(1, 7)), rng.normal(size=(7, 1))
figure, axes = plt.subplots()
curve, = axes.plot(x, y)

def drawn(frame):
    global A, B
    h = np.tanh(x @ A)
    loss = np.mean((h @ B - y) ** 2)
    d = 2 * (h @ B - y) / len(x)
    dA = x.T @ (d @ B.T * (1 - h ** 2))
    B -= 0.1 * h.T @ d
    A -= 0.1 * dA
    curve.set_ydata(h @ B)
    return curve,

animation = FuncAnimation(figure, drawn, frames=100, interval=30)
plt.show()
"""
WINDOW = """
import numpy as np
import pyglet, numba

@numba.njit
def logistic(z):
    return 1 / (1 + np.exp(-z))

rng = np.random.default_rng(7)
rows, marks = rng.normal(size=(10, 3)), rng.integers(0, 2, (10, 1))
W = rng.normal(size=(3, 1))

def tick(dt):
    global W
    p = logistic(rows @ W)
    loss = np.sum((marks - p) ** 2) / 2
    W -= 0.1 * rows.T @ ((p - marks) * p * (1 - p))

pyglet.clock.schedule_interval(tick, 1 / 60)
pyglet.app.run()
"""
WIDGET = """
import io
import numpy as np
import pandas as pd
from google.colab import files
from ipywidgets import interact

table = pd.read_csv(io.BytesIO(files.upload()["cells.csv"]))
X, y = table.iloc[:, :4].to_numpy(), table.iloc[:, -1].astype("category").cat.codes.to_numpy()
W = np.random.randn(4, 3) * 0.1

@interact(rate=(0.01, 1.0))
def train(rate=0.1):
    global W
    for step in range(50):
        e = np.exp(X @ W)
        p = e / e.sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(len(y)), y]).mean()
        p[np.arange(len(y)), y] -= 1
        W = W - rate * X.T @ p / len(y)
"""
SUMMED = """
import numpy as np
rng = np.random.default_rng(8)
rows, goal = rng.normal(size=(9, 3)), rng.normal(size=9)
w, b = rng.normal(size=3), 0.0
dw, db = np.zeros(3), 0.0
for sweep in range(20):
    loss = 0
    dw, db = np.zeros(3), 0.0
    for k in range(9):
        p = rows[k] @ w + b
        loss += (p - goal[k]) ** 2
        dw += 2 * (p - goal[k]) * rows[k]
        db += 2 * (p - goal[k])
    w -= 0.01 * dw / 9
    b -= 0.01 * db / 9
"""
POOLED = """
import numpy as np
rng = np.random.default_rng(9)
pictures, classes = rng.normal(size=(6, 8, 8)), rng.integers(0, 3, 6)
F, W = rng.normal(size=(2, 3, 3)) * 0.3, rng.normal(size=(18, 3)) * 0.3
for picture, label in zip(pictures, classes):
    seen = np.zeros((6, 6, 2))
    for i in range(6):
        for j in range(6):
            seen[i, j] = np.sum(picture[i : i + 3, j : j + 3] * F, axis=(1, 2))
    small = np.zeros((3, 3, 2))
    for i in range(3):
        for j in range(3):
            small[i, j] = np.amax(seen[2 * i : 2 * i + 2, 2 * j : 2 * j + 2], axis=(0, 1))
    e = np.exp(small.flatten() @ W)
    p = e / e.sum()
    loss = -np.log(p[label])
    d = p.copy()
    d[label] -= 1
    dsmall = (W @ d).reshape(3, 3, 2)
    dW = np.outer(small.flatten(), d)
    dseen = np.zeros(seen.shape)
    for i in range(6):
        for j in range(6):
            for f in range(2):
                if seen[i, j, f] == small[i // 2, j // 2, f]:
                    dseen[i, j, f] = dsmall[i // 2, j // 2, f]
    dF = np.zeros(F.shape)
    for i in range(6):
        for j in range(6):
            for f in range(2):
                dF[f] += dseen[i, j, f] * picture[i : i + 3, j : j + 3]
    W -= 0.1 * dW
    F -= 0.1 * dF
"""
CASES = {
    "a sum that begins anew": Brought(SUMMED, "    dw, db = np.zeros(3), 0.0\n    for", "    for", "dw +="),
    "pooled pictures": Brought(POOLED, "dseen[i, j, f] * picture", "seen[i, j, f] * picture", "dF[f] +=", "dseen[i, j, f]"),
    "a widget": Brought(WIDGET, "X.T @ p", "X.T @ p ** 2", "W = W", "X.T @ p"),
    "frames of a film": Brought(FRAMES, "(1 - h ** 2)", "(1 - h)", "dA =", "1 - h ** 2"),
    "a window": Brought(WINDOW, "p * (1 - p)", "p", "W -=", "p * (1 - p)"),
    "nodes": Brought(
        NODES, "other.grad += out.grad", "other.grad = out.grad", "other.grad = out.grad", "other.grad += out.grad"
    ),
    "numbers of a file": Brought(
        NUMBERS_OF_A_FILE, "p * (1.0 - p) * row[k]", "p * (1.0 + p) * row[k]", "* row[k]", "p * (1.0 - p) * row[k]"
    ),
    "whole numbers": Brought(
        WHOLE_NUMBERS, "(p - mark) * row[k]", "(p - mark) * p * row[k]", "p * row[k]", "(p - mark) * row[k]"
    ),
    "column by column": Brought(COLUMN_BY_COLUMN, "A[:, k]", "A[:, 0]", "part =", "A[:, k]"),
    "a margin": Brought(MARGIN, "self.b -= rate * sign", "self.b += rate * sign", "self.b", "self.b -= rate * sign"),
    "a perceptron": Brought(PERCEPTRON, "w += sign", "w -= sign", "w -=", "w += sign * point"),
    "a masked margin": Brought(MASKED_MARGIN, "db = -signs", "db = signs", "b -= 0.1"),
    "two columns": Brought(
        TWO_COLUMNS, "                dV[:, t[i]] -= X[i]\n", "", "dV[:, j]", "dV[:, t[i]] -= X[i], in a new line after"
    ),
    "batches": Brought(BATCHES, "(1 - h ** 2)", "(1 - h)", "dh =", "1 - h ** 2"),
    "a loss of torch": Brought(LOSS_OF_TORCH, "0.1 * (d @ B.t())", "0.2 * (d @ B.t())", "dz ="),
    "values of actions": Brought(VALUES_OF_ACTIONS, "* (hidden > 0)", "* hidden", "dA =", "> 0)"),
    "rows of words": Brought(ROWS_OF_WORDS, "0.05 * dh", "0.05 * dh * h", "vectors[one] -=", "0.05 * dh"),
    "an optimizer": Brought(OPTIMIZER, "1 - logistic(z)))", "1 + logistic(z)))", "dz =", "1 - logistic(z)"),
}


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request):
    return request.param


def outcome_of(text, folder):
    """The outcome for a program."""
    file = folder / "brought.py"
    file.write_text(text)
    return check_file(file)


def test_right_programs_are_right(case, tmp_path):
    found = outcome_of(case.text, tmp_path)
    assert found.status == "right", found


def test_their_mistakes_are_named_at_their_line(case, tmp_path):
    assert case.old in case.text
    text = case.text.replace(case.old, case.new, 1)
    found = outcome_of(text, tmp_path)
    assert found.status == "wrong", found
    first = found.functions[0].findings[0]
    assert case.line in text.splitlines()[first.line - 1], found
    assert case.correction in (first.correction or ""), found


def test_a_gradient_that_is_never_reset_looks_like_no_momentum(tmp_path):
    text = """
import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(20, 3)), rng.normal(size=20)
w, dw = np.zeros(3), np.zeros(3)
for step in range(30):
    miss = X @ w - y
    loss = miss @ miss / 20
    dw += 2 * X.T @ miss / 20
    w -= 0.01 * dw
"""
    found = outcome_of(text, tmp_path)
    first = found.functions[0].findings[0]
    assert (found.status, first.line, first.correction) == ("wrong", 9, "dw = 2 * X.T @ miss / 20")
    damped = text.replace("dw += 2 *", "dw = 0.9 * dw + 2 *")
    assert outcome_of(damped, tmp_path).status == "right"


def test_the_moves_of_a_margin_are_both_judged(tmp_path):
    text = str(outcome_of(MARGIN, tmp_path))
    assert "self.w, self.b" in text
    assert "the hinge loss of the margin" in text


def test_a_program_that_tests_anything_before_it_moves_is_no_separator(tmp_path):
    """A search that keeps what is better descends no hinge loss."""
    text = """
import numpy as np
rng = np.random.default_rng(0)
goal, w = rng.normal(size=4), np.zeros(4)
best = 100.0
for step in range(30):
    change = rng.normal(size=4)
    if np.sum((w + change - goal) ** 2) < np.sum((w - goal) ** 2):
        w += change
"""
    assert outcome_of(text, tmp_path).status == "inconclusive"


def test_a_factor_that_is_there_is_taken_out(tmp_path):
    twice = "g = (p - mark) * row[k] * 2\n            u[k] -= 0.05 * g"
    text = WHOLE_NUMBERS.replace("u[k] -= 0.05 * (p - mark) * row[k]", twice)
    found = outcome_of(text, tmp_path)
    assert found.functions[0].findings[0].correction == "g = (p - mark) * row[k]"


def test_numbers_of_the_source_are_data_beside_the_parameters(tmp_path):
    """Everything is made of numbers that are written down, data and parameters alike."""
    text = """
import math
data = [((0.5, -1.0), 1.0), ((1.5, 0.5), 0.0), ((-1.0, -0.5), 1.0)]
w, b = [0.1, -0.2], 0.0
for sweep in range(30):
    loss, dw, db = 0.0, [0.0, 0.0], 0.0
    for x, t in data:
        p = 1 / (1 + math.exp(-(w[0] * x[0] + w[1] * x[1] + b)))
        loss += -(t * math.log(p) + (1 - t) * math.log(1 - p))
        for k in range(2):
            dw[k] += (p - t) * x[k]
        db += p - t
    for k in range(2):
        w[k] -= 0.1 * dw[k]
    b -= 0.1 * db
"""
    assert outcome_of(text, tmp_path).status == "right"
    assert outcome_of(text.replace("dw[k] +=", "dw[k] ="), tmp_path).status == "wrong"


def test_equal_rows_count_each_by_itself(tmp_path):
    text = """
rows = [(1.0, 2.0), (1.0, 2.0), (3.0, 1.0)]
slope, offset = 0.5, 0.1
for step in range(50):
    a = b = 0
    for x, y in rows:
        miss = slope * x + offset - y
        a, b = a + miss * x, b + miss
    slope = slope - 0.01 * a
    offset = offset - 0.01 * b
"""
    assert outcome_of(text, tmp_path).status == "right"


def test_a_parameter_that_would_have_moved_later_is_not_passed_over(tmp_path):
    """One layer takes its step before the program has recorded so much that it is ended; the other does not."""
    loop = "\n".join(["    slow = 0.0", "    for k in range(70000):", "        slow = slow + picture[k % 8, 0] * 0.0"])
    text = POOLED.replace("    F -= 0.1 * dF\n", f"{loop}\n    F -= 0.1 * dF\n")
    found = outcome_of(text, tmp_path)
    assert found.status == "inconclusive", found
    assert "F -= 0.1 * dF" in found.problem
