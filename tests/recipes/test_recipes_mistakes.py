"""The write-ups' own mistakes: those of their code, in a small program of the same form, are found by the check."""

import pytest

import clearprop as cp

RIGHT = """
from math import exp, log


def sigmoid(x):
    return 1 / (1 + exp(-x))


def step(x, t, w1, b1, w2, b2, alpha):
    k = [sum(x[i] * w1[i][j] for i in range(2)) + b1[j] for j in range(3)]
    h = [sigmoid(value) for value in k]
    o = [sum(h[j] * w2[j][c] for j in range(3)) + b2[c] for c in range(2)]
    total = sum(exp(value) for value in o)
    y = [exp(value) / total for value in o]
    loss = -sum(t[c] * log(y[c]) for c in range(2))
    d = [y[c] - t[c] for c in range(2)]
    dw2 = [[d[c] * h[j] for c in range(2)] for j in range(3)]
    dh = [sum(d[c] * w2[j][c] for c in range(2)) for j in range(3)]
    dk = [dh[j] * h[j] * (1 - h[j]) for j in range(3)]
    dw1 = [[dk[j] * x[i] for j in range(3)] for i in range(2)]
    w2 = [[w2[j][c] - alpha * dw2[j][c] for c in range(2)] for j in range(3)]
    b2 = [b2[c] - alpha * d[c] for c in range(2)]
    w1 = [[w1[i][j] - alpha * dw1[i][j] for j in range(3)] for i in range(2)]
    b1 = [b1[j] - alpha * dk[j] for j in range(3)]
    return loss, w1, b1, w2, b2


w1, b1 = [[0.3, -0.8, 0.5], [-0.2, 0.4, 0.9]], [0.0, 0.0, 0.0]
w2, b2 = [[1.0, 0.5], [-1.0, 0.25], [-0.5, -1.0]], [0.0, 0.0]
for n in range(20):
    x, t = ([1.0, -1.0], [1, 0]) if n % 2 else ([0.5, 2.0], [0, 1])
    loss, w1, b1, w2, b2 = step(x, t, w1, b1, w2, b2, 0.1)
    print(loss)
"""
DIAGONAL = "dy = [-t[c] / y[c] for c in range(2)]\n    d = [dy[c] * y[c] * (1 - y[c]) for c in range(2)]"
AXIS = "dh = [d[0] * (w2[0][0] + w2[1][0]), d[1] * (w2[0][1] + w2[1][1]), 0.0]"
MISTAKES = {
    "the minus and the old value of a bias are lost": (
        "b1 = [b1[j] - alpha * dk[j] for j in range(3)]", "b1 = [alpha * dk[j] for j in range(3)]",
        "b1 is replaced by its gradient",
    ),
    "the minus and the old value of weights are lost": (
        "w2 = [[w2[j][c] - alpha * dw2[j][c] for c in range(2)] for j in range(3)]",
        "w2 = [[alpha * dw2[j][c] for c in range(2)] for j in range(3)]", "w2 is replaced by its gradient",
    ),
    "another bias is returned": ("return loss, w1, b1, w2, b2", "return loss, w1, b2 + [0.0], w2, b2", ""),
    "a sum over the wrong axis": ("dh = [sum(d[c] * w2[j][c] for c in range(2)) for j in range(3)]", AXIS, ""),
    "the derivative of softmax element by element": ("d = [y[c] - t[c] for c in range(2)]", DIAGONAL, "d = [dy[c]"),
}  # fmt: skip
"""Mistake -> the right line, the wrong one, and words that the finding holds."""


def checked(source, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(source)
    return cp.check_program(path)


def test_the_program_without_a_mistake_is_right(tmp_path):
    assert checked(RIGHT, tmp_path).status == "right"


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_of_the_write_ups_is_found(name, tmp_path):
    right, wrong, words = MISTAKES[name]
    assert RIGHT.count(right) == 1
    result = checked(RIGHT.replace(right, wrong), tmp_path)
    assert result.status == "wrong"
    assert words in str(result)
