"""Programs as they stand: data that is not there, several trainings, losses of their own; nothing is accused by ignorance."""

import json

import numpy as np
import pytest

from clearprop.gradcheck.tracing.constant_indices import disjoint
from clearprop.gradcheck.tracing.examine import examine
from clearprop.gradcheck.tracing.nothing import role_of
from clearprop.gradcheck.tracing.person_program import silence

NET = """
{head}
rng = np.random.default_rng(1)
W1, W2 = 0.1 * rng.normal(size=({width}, 6)), rng.normal(size=(6, {classes}))
for epoch in range(30):
    h = np.tanh(X.dot(W1))
    e = np.exp(h.dot(W2))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(p[np.arange(len(y)), y]))
    d = p.copy()
    d[np.arange(len(y)), y] -= 1
    d /= len(y)
    dh = d.dot(W2.T) * (1 - h ** 2)
    W2 -= 0.1 * h.T.dot(d)
    W1 -= 0.1 * X.T.dot(dh)
"""
KERAS = """
import numpy as np
from keras.datasets import mnist
(x_train, y_train), (x_test, y_test) = mnist.load_data()
X, y = x_train.reshape(len(x_train), 784) / 255, y_train
"""
TABLE = """
import numpy as np
rows = []
with open("mnist_train.csv") as f:
    for line in f.readlines():
        rows.append([float(each) for each in line.split(",")])
table = np.array(rows)
X, y = table[:, 1:] / 255, table[:, 0].astype(int)
"""
PICTURES = """
import gzip, numpy as np
with gzip.open("train-images-idx3-ubyte.gz", "rb") as f:
    X = np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 784) / 255
with gzip.open("train-labels-idx1-ubyte.gz") as f:
    y = np.frombuffer(f.read(), np.uint8, offset=8).astype(int)
"""
LIBRARY = """
import numpy as np
from sklearn import datasets
X, y = datasets.make_moons(40, noise=0.2, random_state=0)
"""
HELPER = """
import numpy as np
from course_utils import load_dataset
train_X, train_Y, test_X, test_Y = load_dataset()
X, y = train_X, train_Y
"""
DECAY = """
import numpy as np
rng = np.random.default_rng(0)
X, t = rng.normal(size=(12, 3)), rng.normal(size=(12, 1))
A, B = rng.normal(size=(3, 4)), rng.normal(size=(4, 1))
for _ in range(50):
    h = np.tanh(X @ A)
    error = (h @ B - t) / len(X)
    dB = h.T @ error
    dA = X.T @ (error @ B.T * (1 - h ** 2))
    dB += 0.03 * B
    dA += 0.03 * A
    A -= 0.1 * dA
    B -= 0.1 * dB
"""
TWO = """
import numpy as np
rng = np.random.default_rng(0)
w = np.array([0.5, -0.2, 0.1])
x, goal = np.array([1.0, 0.3, -0.7]), 0.8
for _ in range(20):
    error = (x.dot(w) - goal) ** 2
    w -= 0.1 * (x.dot(w) - goal) * x
rows, truth = rng.normal(size=(6, 2)), rng.normal(size=6)
v = rng.normal(size=2)
for _ in range(20):
    for k in range(6):
        guess = rows[k].dot(v)
        miss = (truth[k] - guess) ** 2
        delta = guess - truth[k]
        v = v - 0.05 * delta * rows[k]
"""
OUTPUTS = """
weights = [0.3, 0.2, 0.9]
true = [0.1, 1.0, 0.5]
source = 0.65
for _ in range(20):
    guess, error, delta = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
    for i in range(3):
        guess[i] = source * weights[i]
        error[i] = (guess[i] - true[i]) ** 2
        delta[i] = guess[i] - true[i]
    for i in range(3):
        weights[i] -= 0.1 * delta[i] * source
"""
LOSSES = """
import numpy as np
class CategoricalCrossentropy:
    def forward(self, y_pred, y_true):
        p = np.clip(y_pred, 1e-7, 1 - 1e-7)
        return -np.log(np.sum(p * y_true, axis=1))
    def backward(self, dvalues, y_true):
        self.dinputs = -y_true / dvalues / len(dvalues)
class Absolute:
    def forward(self, y_pred, y_true):
        return np.mean(np.abs(y_true - y_pred), axis=-1)
    def backward(self, dvalues, y_true):
        self.dinputs = np.sign(dvalues - y_true) / len(dvalues[0]) / len(dvalues)
class Relu:
    def forward(self, inputs, training):
        inputs[inputs <= 0] = 0
        return inputs
    def backward(self, inputs, delta):
        delta[inputs <= 0] = 0
        return delta
"""
COST = """
import numpy as np
def sigmoid(z):
    return 1 / (1 + np.exp(-z))
class Net:
    def __init__(self, sizes):
        self.W = [np.random.randn(b, a) for a, b in zip(sizes, sizes[1:])]
    def cost_derivative(self, output, y):
        return output - y
    def feedforward(self, a):
        for w in self.W:
            a = sigmoid(w @ a)
        return a
    def backprop(self, x, y):
        acts = [x]
        for w in self.W:
            acts.append(sigmoid(w @ acts[-1]))
        delta = self.cost_derivative(acts[-1], y) * acts[-1] * (1 - acts[-1])
        grads = [delta @ acts[-2].T]
        delta = self.W[1].T @ delta * acts[1] * (1 - acts[1])
        return [delta @ acts[0].T, grads[0]]
"""
RIGHT = {
    "keras": NET.format(head=KERAS, width=784, classes=10),
    "a table in a file": NET.format(head=TABLE, width=784, classes=10),
    "the files of MNIST": NET.format(head=PICTURES, width=784, classes=10),
    "arrays of a library": NET.format(head=LIBRARY, width=2, classes=2),
    "a helper that is not there": NET.format(head=HELPER, width=4, classes=2),
    "weight decay": DECAY,
    "two trainings": TWO,
    "a loss for each output": OUTPUTS,
    "losses as classes": LOSSES,
    "cost_derivative is no loss": COST,
}
WRONG = {
    "keras": ("(1 - h ** 2)", "(1 - h)", "dh ="),
    "a helper that is not there": ("(1 - h ** 2)", "(1 - h)", "dh ="),
    "arrays of a library": ("h.T.dot(d)", "(2 * h).T.dot(d)", "W2 -="),
    "weight decay": ("(1 - h ** 2)", "(1 - h)", "dA ="),
    "two trainings": ("v - 0.05", "v + 0.05", "v = v + 0.05"),
    "losses as classes": ("np.sign(dvalues - y_true)", "np.sign(y_true - dvalues)", ""),
    "cost_derivative is no loss": ("acts[1] * (1 - acts[1])", "(1 - acts[1])", "delta ="),
}


def examined(text, folder, name="a program.py"):
    path = folder / name
    path.write_text(text)
    with silence():
        return examine(path, [], 0)


@pytest.mark.parametrize("name", list(RIGHT))
def test_right_programs_are_right_as_they_stand(name, tmp_path):
    outcome = examined(RIGHT[name], tmp_path)
    assert outcome.status == "right", outcome


@pytest.mark.parametrize("name", list(WRONG))
def test_their_mistakes_are_noticed(name, tmp_path):
    old, new, line = WRONG[name]
    assert old in RIGHT[name]
    text = RIGHT[name].replace(old, new)
    outcome = examined(text, tmp_path)
    assert outcome.status == "wrong", outcome
    if line:
        assert any(line in text.splitlines()[found.line - 1] for found in outcome.findings if found.line), outcome


def test_what_was_invented_is_said(tmp_path):
    notes = " ".join(examined(RIGHT["keras"], tmp_path).notes)
    assert "mnist.load_data" in notes
    assert "(20, 28, 28)" in notes
    assert "decay" in str(examined(DECAY, tmp_path))
    assert "2 networks" in str(examined(TWO, tmp_path))


def test_steps_that_could_not_be_run_are_never_right(tmp_path):
    text = "import numpy as np\ndef f(z): return np.tanh(z)\ndef f_prime(z): return 1 - np.tanh(z) ** 2\n"
    assert examined(text, tmp_path).status == "right"
    outcome = examined(text + "for x in nowhere:\n    w = w - 0.1 * f_prime(w * x) * x\n", tmp_path)
    assert outcome.status == "inconclusive"
    assert "steps from line 4 on were not looked at" in outcome.problem


def test_a_training_function_that_nobody_called_is_never_right(tmp_path):
    text = "import numpy as np\ndef f(z): return np.tanh(z)\ndef f_prime(z): return 1 - np.tanh(z) ** 2\n"
    text += "def train(w, x, y, config):\n    w -= config.rate * x.T @ (f(x @ w) - y)\n    return w\n"
    outcome = examined(text, tmp_path)
    assert outcome.status == "inconclusive"
    assert "train" in outcome.problem


def test_modules_above_a_program_are_its_own(tmp_path):
    (tmp_path / "common_parts").mkdir()
    (tmp_path / "common_parts" / "slopes.py").write_text("import numpy as np\ndef slope(h):\n    return 1 - h ** 2\n")
    (tmp_path / "chapter").mkdir()
    text = RIGHT["arrays of a library"].replace(
        "import numpy as np", "import numpy as np\nfrom common_parts.slopes import slope"
    )
    outcome = examined(text.replace("(1 - h ** 2)", "slope(h)"), tmp_path / "chapter")
    assert outcome.status == "right", outcome


def test_a_notebook_with_commands_and_late_futures(tmp_path):
    cells = [
        "%matplotlib inline\nimport numpy as np",
        "from __future__ import division\n!pip install nothing",
        "conda install x",
        DECAY,
    ]
    made = {"cells": [{"cell_type": "code", "source": [cell]} for cell in cells]}
    assert examined(json.dumps(made), tmp_path, "a notebook.ipynb").status == "right"


def test_an_error_in_judging_is_said_and_is_no_verdict(tmp_path, monkeypatch):
    def fail(bench, trace):
        raise ValueError("nobody foresaw this")

    monkeypatch.setattr("clearprop.gradcheck.tracing.judge.Judge.steps", fail)
    outcome = examined(DECAY, tmp_path)
    assert outcome.status == "inconclusive"
    assert "nobody foresaw this" in str(outcome)


def test_names_say_what_data_they_stand_for():
    inputs = ("X_train", "x", "train_images", "trX", "self.inputs", "train_set_x_orig", "Xtest", "test_features")
    assert [role_of(name) for name in inputs] == ["X"] * len(inputs)
    targets = ("y", "Y_train", "test_labels", "train_set_y", "ytrain", "targets")
    assert [role_of(name) for name in targets] == ["Y"] * len(targets)
    assert [role_of(name) for name in ("model", "classes", "history", "n", "axes")] == [""] * 5


def test_constant_indices_that_share_nothing():
    """Against the elements themselves."""
    numbers = np.arange(60).reshape(3, 4, 5)
    indices = [0, -1, (1, 2), (1, -2), (2, 3, 4), (1, slice(1, 3)), slice(0, 2), (slice(None), 0), (1, slice(None), 2)]
    for one in indices:
        for other in indices:
            apart = not np.intersect1d(numbers[one], numbers[other]).size
            assert disjoint((3, 4, 5), one, other) == apart, (one, other)


POLICY = """
import gym
import numpy as np
env = gym.make("CartPole-v1")
np.random.seed(3)
W1, W2 = np.random.randn(4, 6) * 0.4, np.random.randn(6) * 0.4
for episode in range(20):
    seen, hidden, errors, rewards, over = [], [], [], [], False
    x = env.reset()
    while not over:
        h = np.maximum(x @ W1, 0)
        p = 1 / (1 + np.exp(-h @ W2))
        act = 1 if np.random.rand() < p else 0
        seen.append(x), hidden.append(h), errors.append(act - p)
        x, reward, over, _ = env.step(act)
        rewards.append(reward)
    returns = np.cumsum(np.array(rewards)[::-1])[::-1]
    d = np.array(errors) * (returns - returns.mean())
    H, X = np.array(hidden), np.array(seen)
    dh = np.outer(d, W2){slope}
    W2 = W2 + 0.01 * H.T @ d
    W1 = W1 + 0.01 * X.T @ dh
"""
ARGUMENTS = """
import argparse, os, time
import numpy as np
parser = argparse.ArgumentParser()
parser.add_argument("table", help="a file")
parser.add_argument("--hidden", type=int, required=True)
args = parser.parse_args()
start = time.clock()
if not os.path.exists("measurements.csv"):
    print("no data")
    exit(1)
table = np.loadtxt("measurements.csv", delimiter=",")
X, y = table[:, 1:] / 255, table[:, 0] / 10
w, v = np.random.randn(4, args.hidden), np.random.randn(args.hidden)
for epoch in range(20):
    h = np.tanh(X @ w)
    e = h @ v - y
    loss = (e ** 2).sum()
    v, w = v - 0.01 * h.T @ e, w - 0.01 * X.T @ (np.outer(e, v) * (1 - h ** 2))
"""
BATCHES = """
import numpy as np
X = np.load("pictures.npy") / 255
batch_size = 64
parts = np.split(X, X.shape[0] // batch_size)
W = np.random.randn(5, 2)
for epoch in range(5):
    for part in parts:
        h = np.tanh(part @ W)
        d = h @ W.T - part
        loss = 0.5 * (d ** 2).sum()
        W -= 0.001 * (d.T @ h + part.T @ ((d @ W) * (1 - h ** 2)))
"""


@pytest.mark.parametrize(
    "text", [POLICY.format(slope=" * (H > 0)"), ARGUMENTS, BATCHES], ids=["policy", "arguments", "batches"]
)
def test_programs_that_ask_for_what_is_not_here_are_run(text, tmp_path):
    outcome = examined(text, tmp_path)
    assert outcome.status == "right", outcome


def test_a_policy_gradient_without_the_derivative_of_its_hidden_layer_is_wrong(tmp_path):
    outcome = examined(POLICY.format(slope=""), tmp_path)
    assert outcome.status == "wrong"
    assert "wrong: W1" in outcome.functions[0].text
