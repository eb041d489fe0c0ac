"""Programs as people post them when a net does not learn: each kind that was once not understood, as a small case."""

import pytest

from clearprop.gradcheck.tracing import check_file

OLDER = """
import math
import numpy as np

rng = np.random.default_rng(3)
points = rng.normal(size=(5, 2))
wanted = rng.uniform(size=(5, 1))
V, c = rng.normal(size=(2, 1)), np.zeros(1)
guesses, kept = np.zeros(5), np.zeros(5)
for epoch in range(20):
    for k in range(5):
        row = points[k : k + 1]
        guess = 1 / (1 + np.exp(-(row.dot(V) + c)))
        guesses[k] = guess[0]
        kept[k] = 1 / (1 + math.exp(-(row.dot(V) + c)))
        cost = float((guess - wanted[k]) ** 2)
        slope = 2 * (guess - wanted[k]) * guess * (1 - guess)
        V = V - 0.1 * row.T.dot(slope)
        c = c - 0.1 * slope[0]
"""
MATRICES = """
import numpy as np

def squash(z):
    return 1 / (1 + np.exp(-z))

rng = np.random.default_rng(5)
table = np.matrix(rng.normal(size=(12, 3)))
marks = np.matrix(rng.integers(0, 2, 12)).T
beta = np.matrix(np.zeros((1, 3)))
for step in range(50):
    chance = squash(table * beta.T)
    cost = -np.sum(np.multiply(marks, np.log(chance)) + np.multiply(1 - marks, np.log(1 - chance))) / len(table)
    slope = np.zeros(beta.ravel().shape[1])
    for k in range(3):
        slope[k] = np.sum(np.multiply(chance - marks, table[:, k])) / len(table)
    beta = beta - 0.5 * slope
"""
ARCHIVE = """
import numpy as np

def read_digits():
    with np.load("data/mnist.npz") as archive:
        pictures, classes = archive["x_train"], archive["y_train"]
    return pictures.reshape(len(pictures), -1) / 255, np.eye(10)[classes]

pictures, classes = read_digits()
U = np.random.uniform(-0.5, 0.5, (12, 784))
V = np.random.uniform(-0.5, 0.5, (10, 12))
for picture, label in zip(pictures, classes):
    picture.shape += (1,)
    label.shape += (1,)
    hidden = 1 / (1 + np.exp(-U @ picture))
    guess = 1 / (1 + np.exp(-V @ hidden))
    slope = guess - label
    V += -0.01 * slope @ hidden.T
    U += -0.01 * (V.T @ slope * hidden * (1 - hidden)) @ picture.T
"""
TABLE = """
import numpy as np

def sequences(count):
    shown, wanted = np.zeros([count, 9, 8]), np.zeros([count, 9, 8])
    for n in range(count):
        start = np.random.randint(0, 9)
        for t in range(8):
            shown[n, (start + t) % 9, t] = 1.0
            wanted[n, (start + t + 1) % 9, t] = 1.0
    return shown, wanted

A, B, C = np.random.randn(6, 9) * 0.1, np.random.randn(6, 6) * 0.1, np.random.randn(9, 6) * 0.1
first = np.random.randn(6) * 0.1
shown, wanted = sequences(1500)
for x, y in zip(shown, wanted):
    hs, ps, loss = [], [], 0
    for t in range(8):
        hs.append(np.tanh(A @ x[:, t] + B @ (hs[t - 1] if t else first)))
        e = np.exp(C @ hs[t])
        ps.append(e / e.sum())
        loss += -np.sum(y[:, t] * np.log(ps[t]))
    dA, dB, dC, later = np.zeros_like(A), np.zeros_like(B), np.zeros_like(C), np.zeros(6)
    for t in range(7, -1, -1):
        dC += np.outer(ps[t] - y[:, t], hs[t])
        dz = (C.T @ (ps[t] - y[:, t]) + later) * (1 - hs[t] ** 2)
        dA += np.outer(dz, x[:, t])
        dB += np.outer(dz, hs[t - 1])
        later = B.T @ dz
    A, B, C = A - 0.1 * dA, B - 0.1 * dB, C - 0.1 * dC
"""
COLUMNS = """
import pandas as pd

table = pd.read_csv("houses.txt", header=None)
slope, offset = 0.5, 0.1
for step in range(50):
    a = b = 0
    for k in range(len(table)):
        row = table.iloc[k]
        miss = slope * row[0] + offset - row[1]
        a, b = a + miss * row[0], b + miss
    slope = slope - 0.0001 * a / len(table)
    offset = offset - 0.0001 * b / len(table)
"""


def checked(text, folder):
    """The outcome for a program."""
    file = folder / "posted.py"
    file.write_text(text)
    return check_file(file)


@pytest.mark.parametrize("text", [OLDER, MATRICES, COLUMNS], ids=["numbers in arrays of one", "np.matrix", "no header"])
def test_programs_for_older_versions_of_numpy_and_without_their_data_are_right(text, tmp_path):
    found = checked(text, tmp_path)
    assert found.status == "right", str(found)


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [(OLDER, "guess * (1 - guess)", "guess"), (MATRICES, "chance - marks", "chance + marks")],
    ids=["numbers in arrays of one", "np.matrix"],
)
def test_mistakes_in_them_are_found(text, old, new, tmp_path):
    assert checked(text.replace(old, new), tmp_path).status == "wrong"


def test_an_archive_that_is_not_there_is_invented(tmp_path):
    found = checked(ARCHIVE, tmp_path)
    assert "V has been updated already" in str(found)


def test_a_large_table_that_is_filled_number_by_number_fits_into_memory(tmp_path):
    found = checked(TABLE, tmp_path)
    assert "dB += np.outer(dz, hs[t - 1]): first belongs here" in str(found)


ADDED_TO = """
import math
import random

def squash(z):
    return 1 / (1 + math.exp(-z))

firsts, seconds, wanted = [0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0]
v0, v1, v2, rate = random.random(), random.random(), random.random(), 4
u0, u1, bias_in, bias_out = random.random(), random.random(), random.random(), random.random()
for round in range(400):
    k = round % 4
    inner = squash(u0 * firsts[k] + u1 * seconds[k] + bias_in)
    outer = squash(v0 * inner + bias_out)
    change = (wanted[k] - outer) * outer * (1 - outer) * rate
    below = change * v0 * inner * (1 - inner)
    u0 = u0 + below * firsts[k]
    u1 = u1 + below * seconds[k]
    v0 = v0 + change * inner
    bias_in = below + bias_in
    bias_out = change + bias_out
"""
LIKELIHOOD = """
import numpy as np

rng = np.random.default_rng(1)
points, marks = rng.normal(size=(9, 4)), np.eye(3)[rng.integers(0, 3, 9)]
V, W = rng.normal(size=(4, 5)), rng.normal(size=(5, 3))
for step in range(30):
    hidden = np.tanh(points @ V)
    e = np.exp(hidden @ W)
    chances = e / e.sum(axis=1, keepdims=True)
    score = np.sum(marks * np.log(chances))
    slope = chances - marks
    dW = hidden.T @ slope
    dV = points.T @ (slope @ W.T * (1 - hidden**2))
    W -= 0.01 * dW
    V -= 0.01 * dV
    print(step, -score / 9)
"""


def test_a_parameter_that_stands_second_in_its_sum_is_seen(tmp_path):
    found = checked(ADDED_TO, tmp_path)
    assert found.status == "right", str(found)
    assert "bias_in, bias_out" in str(found)


def test_a_rate_that_is_applied_twice_is_found_at_its_line(tmp_path):
    found = checked(ADDED_TO.replace("below = change * v0", "below = change * rate * v0"), tmp_path)
    assert found.status == "wrong"
    assert "below = change * rate * v0 * inner * (1 - inner): it is 4 times" in str(found)


def test_a_likelihood_is_no_loss_that_steps_must_lower(tmp_path):
    assert checked(LIKELIHOOD, tmp_path).status == "right"
    found = checked(LIKELIHOOD.replace("* (1 - hidden**2)", ""), tmp_path)
    assert found.status == "wrong"
    assert "uphill" not in str(found)


AXIS = """
import numpy as np

rng = np.random.default_rng(2)
points, classes = rng.normal(size=(14, 4)), rng.integers(0, 3, 14)
marks = np.eye(3)[classes]
V, W = rng.normal(size=(4, 5)) * 0.5, rng.normal(size=(5, 3)) * 0.5

def softmax(z):
    e = np.exp(z - np.max(z))
    return e / np.sum(e, axis=1, keepdims=True)

for step in range(30):
    hidden = np.tanh(points @ V)
    slope = softmax(hidden @ W) - marks
    dW = hidden.T @ slope / 14
    dV = points.T @ (slope @ W.T * (1 - hidden**2)) / 14
    W = W - 0.1 * dW
    V = V - 0.1 * dV
"""


@pytest.mark.parametrize(
    ("new", "said"),
    [("np.sum(e)", "all numbers of the batch"), ("sum(e)", "the examples"), ("np.sum(e, axis=0)", "the examples")],
)
def test_a_softmax_over_the_wrong_axis_is_named_in_the_forward_pass(new, said, tmp_path):
    assert checked(AXIS, tmp_path).status == "right"
    found = checked(AXIS.replace("np.sum(e, axis=1, keepdims=True)", new), tmp_path)
    assert f"return e / {new}: the softmax sums over {said}; it must sum over the classes" in str(found)
    assert "right: return e / np.sum(e, axis=1, keepdims=True)" in str(found)


LINE = """
from numpy import *

def total_error(b, m, points):
	total = 0
	for i in xrange(len(points)):
		total += (points[i, 1] - (m * points[i, 0] + b)) ** 2
	return total / float(len(points))

def moved(b_now, m_now, points, rate):
	b_slope = m_slope = 0
	for i in range(len(points)):
		b_slope += -(2 / float(len(points))) * (points[i, 1] - (m_now * points[i, 0] + b_now))
		m_slope += -(2 / float(len(points))) * points[i, 0] * (points[i, 1] - (m_now * points[i, 0] + b_now))
	b_new = b_now - (rate * b_slope)
	m_new = m_now - (rate * m_slope)
	return [b_new, m_new]

def run():
	points = genfromtxt("no such.csv", delimiter=",")
	start_b, start_m = 0, 0
	print "error at the start: %f" % total_error(start_b, start_m, points)
	b, m = start_b, start_m
	for i in range(1000):
		b, m = moved(b, m, points, 0.0001)
	print "b =", b, "m =", m

if __name__ == "__main__":
	run()
"""
OWN_NAMES = """
from numpy import array, dot, exp, random

class Net():
    def __init__(self):
        random.seed(1)
        self.weights = 2 * random.random((3, 1)) - 1

    def __squash(self, x):
        return 1 / (1 + exp(-x))

    def __squash_derivative(self, a):
        return a * (1 - a)

    def train(self, shown, wanted, count):
        for k in range(count):
            guess = self.__squash(dot(shown, self.weights))
            self.weights += dot(shown.T, (wanted - guess) * self.__squash_derivative(guess))

net = Net()
net.train(array([[0, 0, 1], [1, 1, 1], [1, 0, 1]]), array([[0, 1, 1]]).T, 1000)
"""
IN_A_BLOCK = """
import random

class Unit:
    def __init__(self, count):
        self.weights = [random.random() for _ in range(count)]

    def value(self, xs):
        self.xs = xs
        self.out = sum(w * x for w, x in zip(self.weights, xs))
        return self.out

below, above = [Unit(2), Unit(2)], [Unit(2), Unit(2)]
say = lambda epoch, cost: print(epoch, cost)
for epoch in range(50):
    hidden = [unit.value([0.3, -0.7]) for unit in below]
    guesses = [unit.value(hidden) for unit in above]
    cost = sum(0.5 * (t - g) ** 2 for t, g in zip([0.2, 0.9], guesses))
    deltas = [g - t for t, g in zip([0.2, 0.9], guesses)]
    for k in range(2):
        for w in range(2):
            above[k].weights[w] -= 0.5 * deltas[k] * hidden[w]
    for h in range(2):
        slope = 0
        for k in range(2):
            slope += deltas[k] * above[k].weights[h]
        for w in range(2):
            below[h].weights[w] -= 0.5 * slope * below[h].xs[w]
    say(epoch, cost)
"""


def test_python_2_is_read_and_numbers_that_start_as_0_are_stepped(tmp_path):
    found = checked(LINE, tmp_path)
    assert found.status == "right", str(found)
    assert "It is written in Python 2" in str(found)
    found = checked(LINE.replace("* points[i, 0] * (", "* ("), tmp_path)
    assert "m_slope += -(2 / float(len(points)))" in str(found)


def test_a_class_whose_methods_have_names_of_their_own_was_looked_at(tmp_path):
    assert checked(OWN_NAMES, tmp_path).status == "right"


def test_weights_that_were_updated_in_a_block_above_are_named(tmp_path):
    found = checked(IN_A_BLOCK, tmp_path)
    assert "has been updated already" in str(found)
    assert "right: move for k in range(2): with its block below line" in str(found)


OLD_LISTS = """
def summed(numbers):
    return reduce(lambda a, b: a + b, map(lambda n: n * 1.0, numbers))

pairs = map(lambda k: [k / 4.0, 1 - k / 2.0], range(4))
print len(pairs), pairs[0]
w, c = 0.3, 0.1
for step in xrange(100):
    misses = [w * x + c - t for x, t in pairs]
    w, c = w - 0.1 * summed([miss * x for miss, (x, t) in zip(misses, pairs)]), c - 0.1 * summed(misses)
"""


def test_what_were_lists_in_python_2_are_lists(tmp_path):
    found = checked(OLD_LISTS, tmp_path)
    assert found.status == "right", str(found)


UNFIT = """
import numpy as np

rng = np.random.default_rng(0)
points, wanted = rng.normal(size=(7, 3)), rng.normal(size=(7, 1))
inner, outer = rng.normal(size=(3, 4)), rng.normal(size=(4, 1))
for step in range(20):
    hidden = np.tanh(points @ inner)
    miss = hidden @ outer - wanted
    change = miss @ outer.T * (1 - hidden**2)
    inner -= 0.1 * hidden.T @ change
    outer -= 0.1 * hidden.T @ miss
"""


def test_a_gradient_that_does_not_fit_is_named_at_its_line(tmp_path):
    found = checked(UNFIT, tmp_path)
    assert "inner -= 0.1 * hidden.T @ change: inner has the shape (3, 4), and its gradient (4, 4)" in str(found)


def test_a_name_that_is_spelt_in_two_ways_is_said(tmp_path):
    found = checked(UNFIT.replace("hidden.T @ change", "points.T @ chnage"), tmp_path)
    assert "chnage is defined nowhere; change is" in str(found)


SEVERAL = """
import numpy as np

rng = np.random.default_rng(4)
points, classes = rng.normal(size=(11, 4)), rng.integers(0, 3, 11)
marks = np.eye(3)[classes]
inner, shift = rng.normal(size=(4, 3)), np.zeros(3)
outer, offset = rng.normal(size=(3, 3)), np.zeros(3)
for step in range(20):
    hidden = np.tanh(points @ inner + shift)
    e = np.exp(hidden @ outer + offset)
    slope = e / e.sum(axis=1, keepdims=True) - marks
    d_outer = slope.T @ hidden / 11
    d_offset = np.sum(slope, axis=1).sum() / 11
    below = slope @ outer.T * (1 - hidden**2)
    d_inner = points.T @ below / 11
    d_shift = np.sum(below) / 11
    outer -= 0.1 * d_outer
    offset -= 0.1 * d_offset
    inner -= 0.1 * d_inner
    shift -= 0.1 * d_shift
"""


def test_several_mistakes_are_each_named(tmp_path):
    found = str(checked(SEVERAL, tmp_path))
    assert "right: d_outer = (slope.T @ hidden).T / 11" in found or "right: d_outer = hidden.T @ slope / 11" in found
    assert "right: d_offset = np.sum(slope, axis=0) / 11" in found
    assert "right: d_shift = np.sum(below, axis=0) / 11" in found


LISTS = """
import math
import random

def between(low, high):
    return (high - low) * random.random() + low

V = [[between(-0.5, 0.5) for _ in range(2)] for _ in range(3)]
W = [between(-2.0, 2.0) for _ in range(2)]
last_V, last_W = [[0.0] * 2 for _ in range(3)], [0.0] * 2
inner, slopes = [1.0] * 2, [0.0] * 2
for step in range(400):
    shown, wanted = [[0, 1, 1.0], [1, 0, 1.0]][step % 2], [0.2, 0.7][step % 2]
    for j in range(2):
        total = 0.0
        for i in range(3):
            total = total + shown[i] * V[i][j]
        inner[j] = math.tanh(total)
    guess = math.tanh(sum(inner[j] * W[j] for j in range(2)))
    error = 0.5 * (wanted - guess) ** 2
    delta = (1 - guess**2) * (wanted - guess)
    for j in range(2):
        slopes[j] = (1 - inner[j] ** 2) * delta * W[j]
    for j in range(2):
        change = delta * inner[j]
        W[j] = W[j] + 0.5 * change + 0.1 * last_W[j]
        last_W[j] = change
    for i in range(3):
        for j in range(2):
            change = slopes[j] * shown[i]
            V[i][j] = V[i][j] + 0.5 * change + 0.1 * last_V[i][j]
            last_V[i][j] = change
"""


def test_numbers_drawn_between_bounds_are_parameters(tmp_path):
    found = checked(LISTS, tmp_path)
    assert found.status == "right", str(found)
    assert "W[0], V[0][0]" in str(found)
    found = checked(LISTS.replace("slopes[j] = (1 - inner[j] ** 2) * delta", "slopes[j] = delta"), tmp_path)
    assert found.status == "wrong"
