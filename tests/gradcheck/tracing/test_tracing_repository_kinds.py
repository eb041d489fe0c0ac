"""Programs as they stand in public repositories of students: each kind that was once not understood, as a small case."""

import pytest

from clearprop.gradcheck.tracing import check_file

NORMALISED = """
import numpy as np

class Affine:
    def __init__(self, n, m):
        self.W, self.b = np.random.normal(0, 0.4, (n, m)), np.zeros((1, m))
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, up):
        self.gW, self.gb = self.x.T @ up, np.sum(up, axis=0, keepdims=True)
        return up @ self.W.T
    def step(self, rate):
        self.W -= rate * self.gW
        self.b -= rate * self.gb

class Normal:
    def __init__(self, m):
        self.scale, self.shift = np.ones((1, m)), np.zeros((1, m))
    def forward(self, x):
        self.centred = x - np.mean(x, axis=0, keepdims=True)
        self.spread = np.sqrt(np.mean(self.centred ** 2, axis=0, keepdims=True) + 1e-3)
        self.unit = self.centred / self.spread
        return self.scale * self.unit + self.shift
    def backward(self, up):
        self.gs, self.gh = np.sum(up * self.unit, axis=0, keepdims=True), np.sum(up, axis=0, keepdims=True)
        inner = {inner}
        spread = np.sum(inner * self.centred * -0.5 * self.spread ** -3, axis=0, keepdims=True)
        middle = np.sum(-inner / self.spread, axis=0, keepdims=True)
        return inner / self.spread + spread * 2 * self.centred / len(up) + middle / len(up)
    def step(self, rate):
        self.scale -= rate * self.gs
        self.shift -= rate * self.gh

class Squash:
    def forward(self, x):
        self.y = 1 / (1 + np.exp(-x))
        return self.y
    def backward(self, up):
        return up * self.y * (1 - self.y)
    def step(self, rate):
        pass

np.random.seed(2)
X = np.random.randint(0, 256, (30, 4)).astype(float)
Y = np.eye(3)[np.arange(30) % 3]
net = [Affine(4, 9), Normal(9), Squash(), Affine(9, 9), Normal(9), Squash(), Affine(9, 3), Squash()]
for turn in range(30):
    out = X
    for layer in net:
        out = layer.forward(out)
    loss = -np.sum(Y * np.log(out) + (1 - Y) * np.log(1 - out))
    up = (out - Y) / (out - out ** 2)
    for layer in reversed(net):
        up = layer.backward(up)
    for layer in net:
        layer.step(0.01)
"""
SATURATED = """
import math
import numpy as np

def squash(x):
    return 1 / (1 + math.exp(-x))

rng = np.random.default_rng(1)
table = rng.integers(0, 256, (12, 5)).astype(float)
U, V = rng.random((6, 5)), rng.random((1, 7))
squashed, slope = np.vectorize(squash), np.vectorize(lambda y: y * (1 - y))
rate = 1.5
for turn in range(20):
    total = 0
    for row in range(12):
        shown = np.insert(table[row, :4].reshape(4, 1), 4, 1, axis=0)
        inner = squashed(U @ shown)
        longer = np.insert(inner, 6, 1, axis=0)
        out = squashed(V @ longer)
        gap = (table[row, 4:] > 128) - out
        outer = gap * slope(out)
        below = V[:, :6].T @ outer * slope(inner)
        dV, dU = rate * (outer @ longer.T), below @ shown.T
        total += np.square(gap)
        V += rate * dV
        U += rate * dU
"""
SIGNED = """
import numpy as np

class Squash:
    def forward(self, x):
        self.kept = 1.0 / (1.0 + np.exp({sign}x))
        return self.kept
    def backward(self, dout):
        return dout * self.kept * (1 - self.kept)
"""
AXIS_MORE = """
import numpy as np
from keras.datasets import mnist
from keras.utils import np_utils

(x_train, y_train), (x_test, y_test) = mnist.load_data()

class Digits:
    def __init__(self, shown, hidden, told):
        self.inner = np.random.normal(0, 0.1, (hidden, shown))
        self.outer = np.random.normal(0, 0.1, (told, hidden))
    def train(self, shown, told):
        x, t = np.array(shown, ndmin=2).T, np.array(told, ndmin=2).T
        h = 1 / (1 + np.exp(-self.inner @ x))
        o = 1 / (1 + np.exp(-self.outer @ h))
        gap = t - o
        below = self.outer.T @ {carried}
        self.outer += 0.1 * (gap * o * (1 - o)) @ h.T
        self.inner += 0.1 * (below * h * (1 - h)) @ x.T

digits = Digits(784, 30, 10)
for turn in range(3):
    for n in range(len(x_train)):
        digits.train(x_train[n].reshape(784) / 255, np_utils.to_categorical(y_train[n], 10))
"""


DISTANCES = """
import numpy as np

class Overlap:
    def forward(self, y, yhat):
        return 1 - np.sum(yhat * y, axis=1)
    def backward(self, y, yhat):
        return {overlap}

class Square:
    def forward(self, y, yhat):
        return {square}
    def backward(self, y, yhat):
        return -2 * (y - yhat)

class Entropy:
    def forward(self, y, yhat):
        return -np.sum(y * np.log(yhat + 1e-100), axis=1)
    def backward(self, y, yhat):
        return yhat - y
"""
BATCHES = """
import numpy as np
from keras.datasets import mnist

def one_hot(classes):
    made = np.zeros((10, len(classes)))
    made[classes, np.arange(len(classes))] = 1
    return made

(x_train, y_train), (x_test, y_test) = mnist.load_data()
m = len(x_train)
batch_size = 32
pictures, told = x_train.reshape(m, 784).T / 255, one_hot(y_train)
W = np.random.randn(10, 784) * 0.01
for j in range(m // batch_size):
    x, t = pictures[:, batch_size * j : batch_size * (j + 1)], told[:, batch_size * j : batch_size * (j + 1)]
    e = np.exp(W @ x)
    p = e / np.sum(e, axis=0)
    W -= 0.1 * (p - t) @ {x} / batch_size
"""
PAIRS = """
import gzip
import pickle
import numpy as np
from scipy import special

file = gzip.open("digits", "rb")
SHOWN = pickle.load(file)
file.close()

class Net:
    def __init__(self):
        self.layers = [np.random.rand(20, 785) / 20, np.random.rand(10, 21) / 10]
    def train(self, count, shown):
        inputs = shown[0][0:count]
        wanted = np.zeros((count, 10))
        for k in range(count):
            wanted[k, shown[1][k]] = 1
        for x, t in zip(inputs, wanted):
            x = np.append(x, 1)
            h = np.append(special.expit(np.inner(self.layers[0], x)), 1)
            o = special.expit(np.inner(self.layers[1], h))
            outer = (o - t) * o * (1 - o)
            inner = h[:20] * (1 - h[:20]) * np.dot(np.delete(self.layers[1], {last}, 1).T, outer)
            self.layers[1] -= 0.1 * np.outer(outer, h)
            self.layers[0] -= 0.1 * np.outer(inner, x)

Net().train(150, SHOWN)
"""


MODULES = """
import numpy as np

class Module:
    def __init__(self):
        self._parameters, self._gradient = None, None
    def forward(self, X):
        pass
    def backward_update_gradient(self, input, delta):
        pass
    def backward_delta(self, input, delta):
        pass

class Linear(Module):
    def __init__(self, n, d):
        self._parameters, self._bias = np.random.random((n, d)) - 0.5, np.random.random((1, d)) - 0.5
        self._gradient, self._bias_grad = np.zeros((n, d)), np.zeros((1, d))
    def forward(self, X):
        return np.dot(X, self._parameters) + self._bias
    def backward_update_gradient(self, input, delta):
        self._gradient += np.dot(input.T, {delta})
        self._bias_grad += np.sum(delta, axis=0)
    def backward_delta(self, input, delta):
        return np.dot(delta, self._parameters.T)

class Softmax(Module):
    def forward(self, X):
        e = np.exp(X)
        return e / np.sum(e, axis=1).reshape((-1, 1))
    def backward_delta(self, input, delta):
        out = self.forward(input)
        return {softmax}
"""
THRESHOLDS = """
import cv2
import numpy as np
from keras.datasets import mnist

(x_train, y_train), (x_test, y_test) = mnist.load_data()
W = np.random.normal(0, 0.1, (10, 784))
for n in range(len(x_train)):
    limit, picture = cv2.threshold(x_train[n], 127, 255, cv2.THRESH_BINARY)
    x = np.array(np.array(picture / 255).reshape(784), ndmin=2).T
    t = np.zeros((10, 1))
    t[y_train[n]] = 1
    o = 1 / (1 + np.exp(-W @ x))
    W += 0.1 * (t - o) @ {x}.T
"""
TUPLES = """
import gzip
import pickle
import numpy as np

def pairs(path="data/mnist.pkl.gz"):
    with gzip.open(path, "rb") as file:
        sets = pickle.load(file, encoding="latin1")
    return [list(zip([np.reshape(x, (784, 1)) for x in shown], told)) for shown, told in sets]

training, validation, test = pairs()
W, b = np.random.randn(10, 784) / 28, np.zeros((10, 1))
for x, k in training:
    t = np.eye(10)[:, [k]]
    a = 1 / (1 + np.exp(-(W @ x + b)))
    delta = {delta}
    W = W - 0.5 * delta @ x.T
    b = b - 0.5 * delta
"""


CHOICES = """
import numpy as np

class Net:
    def __init__(self, kind):
        self.kind, self.W = kind, np.random.randn(3, 1)
    def sigmoid(self, a, slope=False):
        return a * (1 - a) if slope else 1 / (1 + np.exp(-a))
    def tanh(self, a, slope=False):
        return 1 - np.tanh(a) ** 2 if slope else np.tanh(a)
    def train(self, x, t):
        f = getattr(self, self.kind)
        a = f(x @ self.W)
        self.loss = np.sum((a - t) ** 2)
        self.W -= 0.1 * x.T @ (2 * (a - t) * f(a, slope=True))

net = Net("{kind}")
x = np.random.randn(8, 3)
for turn in range(9):
    net.train(x, x[:, :1] > 0)
"""


def checked(source, tmp_path):
    path = tmp_path / "found.py"
    path.write_text(source)
    return check_file(path)


def test_a_bias_before_a_normalisation_is_no_mistake(tmp_path):
    assert checked(NORMALISED.replace("{inner}", "up * self.scale"), tmp_path).verdict == "right"


def test_a_scale_that_is_forgotten_in_a_normalisation_is_named(tmp_path):
    found = checked(NORMALISED.replace("{inner}", "up"), tmp_path)
    assert found.verdict == "wrong"
    assert "inner = up * self.scale" in str(found)


def test_saturated_units_are_no_mistake_and_neither_is_a_rate_that_stands_twice(tmp_path):
    assert checked(SATURATED, tmp_path).verdict == "right"


@pytest.mark.parametrize(("sign", "verdict"), [("-", "right"), ("", "wrong")])
def test_a_layer_hands_on_the_sign(sign, verdict, tmp_path):
    assert checked(SIGNED.replace("{sign}", sign), tmp_path).verdict == verdict


def test_rows_with_an_axis_more_and_labels_one_by_one(tmp_path):
    assert checked(AXIS_MORE.replace("{carried}", "(gap * o * (1 - o))"), tmp_path).verdict == "right"
    found = str(checked(AXIS_MORE.replace("{carried}", "gap"), tmp_path))
    assert "the derivative of sigmoid, o * (1 - o), is missing in gap" in found
    assert "right: below = self.outer.T @ (gap * o * (1 - o))" in found


def test_a_loss_is_judged_by_its_own_value(tmp_path):
    of_each, of_the_sum = "np.sum((y - yhat) ** 2, axis=1)", "np.sum(y - yhat, axis=1) ** 2"
    right = DISTANCES.replace("{overlap}", "-y").replace("{square}", of_each)
    assert checked(right, tmp_path).verdict == "right"  # with a softmax before it, y - yhat is the derivative of the entropy
    assert checked(right.replace("return -y", "return yhat - y"), tmp_path).verdict == "wrong"
    assert checked(right.replace(of_each, of_the_sum), tmp_path).verdict != "right"


def test_a_batch_needs_as_many_rows(tmp_path):
    assert checked(BATCHES.replace("{x}", "x.T"), tmp_path).verdict == "right"


def test_a_pickled_pair_of_inputs_and_classes(tmp_path):
    assert checked(PAIRS.replace("{last}", "20"), tmp_path).verdict == "right"
    found = checked(PAIRS.replace("{last}", "12"), tmp_path)
    assert found.verdict == "wrong"
    assert any(mistake.line == 24 for unit in found.functions for mistake in unit.findings)


def test_modules_with_a_backward_pass_in_two_methods(tmp_path):
    right = MODULES.replace("{delta}", "delta").replace(
        "{softmax}", "out * (delta - np.sum(out * delta, axis=1, keepdims=True))"
    )
    found = {unit.name: unit.verdict for unit in checked(right, tmp_path).functions}
    assert (found["Linear"], found["Softmax"]) == ("right", "right")
    wrong = MODULES.replace("{delta}", "delta ** 2").replace("{softmax}", "delta * out * (1 - out)")
    units = [unit for unit in checked(wrong, tmp_path).functions if unit.verdict == "wrong"]
    assert {unit.name: [mistake.line for mistake in unit.findings] for unit in units} == {"Linear": [21], "Softmax": [32]}


def test_pictures_of_two_values(tmp_path):
    assert checked(THRESHOLDS.replace("{x}", "x"), tmp_path).verdict == "right"
    assert checked(THRESHOLDS.replace("{x}", "(x * (1 - x) + 1 + x)"), tmp_path).verdict != "right"


def test_three_pickled_pairs(tmp_path):
    assert checked(TUPLES.replace("{delta}", "(a - t) * a * (1 - a)"), tmp_path).verdict == "right"
    assert checked(TUPLES.replace("{delta}", "(a - t) * a * a"), tmp_path).verdict != "right"


def test_an_activation_that_was_not_needed_is_said_to_be_unchecked(tmp_path):
    used = checked(CHOICES.replace("{kind}", "sigmoid"), tmp_path)
    assert used.verdict == "right"
    assert "Not checked, because it was not called: tanh of line 9." in str(used)
    assert checked(CHOICES.replace("{kind}", "tanh"), tmp_path).verdict == "wrong"
