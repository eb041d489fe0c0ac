"""Mistakes that have a name of their own: each is planted in one right program, and named at its line."""

import pytest

from clearprop.gradcheck.tracing.examine import examine
from clearprop.gradcheck.tracing.person_program import silence

RIGHT = """
import numpy as np
rng = np.random.default_rng(3)
X = rng.normal(size=(9, 3))
t = np.tanh(X @ rng.normal(size=(3, 5)))
A, a = rng.normal(size=(3, 5)) * 0.5, np.zeros(5)
B, b = rng.normal(size=(5, 5)) * 0.5, np.zeros(5)


def forward(X):
    h = np.tanh(X @ A + a)
    return h, h @ B + b


def backward(h, out):
    d_out = 2 * (out - t) / len(X)
    d_B = h.T @ d_out
    d_b = d_out.sum(axis=0)
    d_h = d_out @ B.T
    d_z = d_h * (1 - h**2)
    d_A = X.T @ d_z
    d_a = d_z.sum(axis=0)
    return d_A, d_a, d_B, d_b


for step in range(50):
    h, out = forward(X)
    loss = np.sum((out - t) ** 2) / len(X)
    print("loss", loss)
    d_A, d_a, d_B, d_b = backward(h, out)
    A -= 0.1 * d_A
    a -= 0.1 * d_a
    B -= 0.1 * d_B
    b -= 0.1 * d_b
"""
NAMED = {
    "clipped": ("d_h = d_out @ B.T", "d_h = np.clip(d_out @ B.T, -0.01, 0.01)", 19, "clipped"),
    "upstream gradient ignored": ("d_h * (1 - h**2)", "1 - h**2", 20, "the gradient from above, d_h, is ignored"),
    "unused in the forward pass": ("h @ B + b", "h @ B", 34, "the forward pass does not use it"),
    "stale at the second step": ("    h, out =", "    if step == 0:\n        h, out =", 32, "stale"),
    "gradient of another array": ("d_A, d_a, d_B, d_b\n\n", "d_A, d_b, d_B, d_a\n\n", 18, "it is the gradient of b"),
    "a term too many": ("d_a = d_z.sum(axis=0)", "d_a = d_z.sum(axis=0) + d_b", 22, "d_b does not belong here"),
    "a sum left out": ("d_a = d_z.sum(axis=0)", "d_a = d_z", 22, "summed"),
    "a factor of its own": ("d_a = d_z.sum(axis=0)", "d_a = d_z.mean(axis=0)", 22, "it is the sum that is meant"),
    "added where it is subtracted": ("B -= 0.1", "B += 0.1", 33, "uphill"),
}


def outcome(source, tmp_path):
    path = tmp_path / "net.py"
    path.write_text(source)
    with silence():
        return examine(path, [], seed=0)


def planted(old, new):
    assert RIGHT.count(old) == 1, old
    return RIGHT.replace(old, new)


@pytest.mark.parametrize("name", NAMED)
def test_a_mistake_has_its_name_and_line(name, tmp_path):
    old, new, line, words = NAMED[name]
    found = outcome(planted(old, new), tmp_path).functions[0]
    assert found.verdict == "wrong"
    assert found.findings[0].line == line, found.text
    assert words in found.text


def test_without_a_mistake_it_is_right(tmp_path):
    found = outcome(RIGHT, tmp_path)
    assert found.functions[0].verdict == "right"
    assert found.notes == []


def test_a_forgotten_return_is_named(tmp_path):
    found = outcome(planted("return d_A, d_a, d_B, d_b", "(d_A, d_a, d_B, d_b)"), tmp_path)
    assert found.status == "inconclusive"
    assert "line 23: (d_A, d_a, d_B, d_b): backward returns nothing, and line 30 uses what it returns" in found.problem


def test_a_value_that_is_not_finite_is_named(tmp_path):
    text = planted("h = np.tanh(X @ A + a)", "h = np.log(X @ A + a)").replace("* (1 - h**2)", "/ (X @ A + a)")
    found = outcome(text, tmp_path).functions[0]
    assert found.verdict == "inconclusive"
    assert "NaN from line 11 on: h = np.log(X @ A + a)" in found.text


def test_a_clipped_step_is_no_mistake(tmp_path):
    found = outcome(planted("A -= 0.1 * d_A", "A -= 0.1 * np.clip(d_A, -0.05, 0.05)"), tmp_path).functions[0]
    assert found.verdict == "right"
    assert "The step of A is clipped" in found.text


def test_another_measure_that_is_printed_is_said(tmp_path):
    found = outcome(planted("np.sum((out - t) ** 2)", "np.sum(np.abs(out - t))"), tmp_path).functions[0]
    assert found.verdict == "right"
    assert "the gradient of the squared error; loss of line 28, which it computes, is another measure" in found.text


def test_branches_that_were_not_taken_are_listed(tmp_path):
    text = planted("d_a = d_z.sum(axis=0)\n", "d_a = d_z.sum(axis=0)\n    if step > 30:\n        d_a = 2 * d_a\n")
    found = outcome(text, tmp_path)
    assert found.functions[0].verdict == "right"
    assert found.notes == ["Not checked, because it was not taken: the branch of line 23 for step > 30."]


TIME = """
import numpy as np
rng = np.random.default_rng(0)
U, V, c = rng.normal(size=(2, 4)) * 0.5, rng.normal(size=(4, 4)) * 0.4, np.zeros(4)
W = rng.normal(size=(4, 1))
for step in range(40):
    x, goal = rng.normal(size=(6, 5, 2)), rng.normal(size=(5, 1))
    h, tape = np.zeros((5, 4)), []
    for t in range(6):
        before = h
        gate = 1 / (1 + np.exp(-(x[t] @ U + before @ V + c)))
        h = gate * np.tanh(x[t] @ U) + (1 - gate) * before
        tape.append((before, gate))
    loss = np.mean((h @ W - goal) ** 2)
    d = 2 * (h @ W - goal) / len(goal)
    dW, dh = h.T @ d, d @ W.T
    dU, dV, dc = np.zeros_like(U), np.zeros_like(V), np.zeros_like(c)
    for t in reversed(range(6)):
        before, gate = tape[t]
        a = np.tanh(x[t] @ U)
        dg = dh * (a - before)
        ds = dg * gate * (1 - gate)
        da = dh * gate
        dp = da * (1 - a**2)
        dU += x[t].T @ (ds + dp)
        dV += before.T @ ds
        dc += ds.sum(axis=0)
        dh = dh * (1 - gate) + ds @ V.T
    U -= 0.1 * dU
    V -= 0.1 * dV
    c -= 0.1 * dc
    W -= 0.1 * dW
"""
THROUGH_TIME = {
    "ds = dg * gate * (1 - gate)": "ds = dg * a * (1 - gate)",
    "dh = dh * (1 - gate) + ds @ V.T": "dh = dh * (1 - gate)",
    "dh = dh * (1 - gate) + ds @ V.T ": "dh = dh * gate + ds @ V.T",
    "dV += before.T @ ds": "dV = before.T @ ds",
    "dp = da * (1 - a**2)": "dp = da",
    "dU += x[t].T @ (ds + dp)": "dU += x[t - 1].T @ (ds + dp)",
}


@pytest.mark.parametrize("right", THROUGH_TIME)
def test_mistakes_in_loops_through_time(right, tmp_path):
    """Gradient sums over time steps: the line where it goes wrong, not the lines that only carry it on."""
    text = TIME.replace(right.strip(), THROUGH_TIME[right])
    assert text != TIME
    found = outcome(text, tmp_path).functions[0]
    wanted = 1 + TIME.splitlines().index(f"        {right.strip()}")
    assert found.findings[0].line == wanted, found.text


def test_a_gated_unit_is_right(tmp_path):
    assert outcome(TIME, tmp_path).functions[0].verdict == "right"
