"""Programs that move a part of an array in each iteration: words, users and items, the cells of nested lists."""

import pytest

from clearprop.gradcheck.tracing import check_file

PAIRS = """
import numpy as np
np.random.seed(2)
pairs = [(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)]
inner = np.random.randn(4, 5) * 0.1
outer = np.random.randn(5, 4) * 0.1
for epoch in range(50):
    total = 0
    for word, near in pairs:
        h = inner[word]
        p = np.exp(h @ outer)
        p = p / p.sum()
        total += -np.log(p[near])
        e = p.copy()
        e[near] -= 1
        {first}
        {second}
"""
INNER = "inner[word] = inner[word] - 0.1 * outer @ e"
OUTER = "outer = outer - 0.1 * np.outer(h, e)"
RATINGS = """
import numpy as np
np.random.seed(4)
R = np.array([[5, 3, 0], [4, 0, 1], [0, 1, 5]])
class Factors:
    def __init__(self):
        self.P = np.random.normal(size=(3, 2))
        self.Q = np.random.normal(size=(3, 2))
        self.b = np.zeros(3)
    def train(self):
        for step in range(20):
            for i in range(3):
                for j in range(3):
                    if R[i, j] > 0:
                        e = R[i, j] - self.b[i] - self.P[i] @ self.Q[j]
                        before = {before}
                        self.b[i] += 0.01 * (2 * e - 0.02 * self.b[i])
                        self.P[i, :] += 0.01 * (2 * e * self.Q[j] - 0.02 * self.P[i])
                        self.Q[j, :] += 0.01 * (2 * e * before - 0.02 * self.Q[j])
Factors().train()
"""
CELLS = """
import math, random
random.seed(3)
class Net:
    def __init__(self, sizes):
        self.weights, self.biases = [], []
        for n, m in zip(sizes, sizes[1:]):
            of_layer = [[random.uniform(-1, 1) for _ in range(n)] for _ in range(m)]
            self.weights.append(of_layer)
            of_biases = [random.uniform(-1, 1) for _ in range(m)]
            self.biases.append(of_biases)
    def step(self, x, t):
        values = [x]
        for w, b in zip(self.weights, self.biases):
            values.append([math.tanh(sum(a * v for a, v in zip(row, values[-1])) + c) for row, c in zip(w, b)])
        deltas = [[(y - u) * (1 - y * y) for y, u in zip(values[-1], t)]]
        for k in (1,):
            back = [sum(self.weights[k][i][j] * d for i, d in enumerate(deltas[0])) for j in range(len(values[k]))]
            deltas.insert(0, [g * (1 - v * v) for g, v in zip(back, values[k])])
        for k in range(2):
            for i, d in enumerate(deltas[k]):
                self.biases[k][i] -= 0.1 * d
                for j in range(len(values[k])):
                    self.weights[k][i][j] -= 0.1 * d * values[k][j]
net = Net([2, 3, 1])
for epoch in range(30):
    for x, t in (([0.0, 1.0], [1.0]), ([1.0, 1.0], [0.0])):
        net.step(x, t)
"""


@pytest.mark.parametrize("line", [INNER, "inner[word] -= 0.1 * (e @ outer.T)"])
def test_rows_that_are_moved_one_after_the_other_are_judged_each_in_its_own_iteration(tmp_path, line):
    path = tmp_path / "pairs.py"
    path.write_text(PAIRS.format(first=f"slope = np.outer(h, e); {line}", second="outer -= 0.1 * slope"))
    assert check_file(path).status == "right"


def test_a_row_that_goes_by_an_updated_matrix_is_named(tmp_path):
    path = tmp_path / "stale.py"
    path.write_text(PAIRS.format(first=OUTER, second=INNER))
    [unit] = check_file(path).functions
    [finding] = unit.findings
    assert (finding.line, finding.correction) == (17, "move outer = outer - 0.1 * np.outer(h, e) below line 17")
    assert "outer has been updated already" in finding.message


@pytest.mark.parametrize(("before", "status"), [("self.P[i].copy()", "right"), ("self.P[i, :]", "wrong")])
def test_a_view_of_a_row_is_no_copy_of_it(tmp_path, before, status):
    path = tmp_path / "ratings.py"
    path.write_text(RATINGS.format(before=before))
    outcome = check_file(path)
    assert outcome.status == status
    if status == "wrong":
        [finding] = outcome.functions[0].findings
        assert finding.line == 19
        assert "has been updated already" in finding.message


def test_weights_that_were_made_under_another_name_are_judged_from_the_first_step_on(tmp_path):
    path = tmp_path / "cells.py"
    path.write_text(CELLS)
    outcome = check_file(path)
    assert outcome.status == "right"
    assert "self.weights" in outcome.functions[0].text
