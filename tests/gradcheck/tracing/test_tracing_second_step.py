"""Verdicts that depend on the second step, or on several mistakes at once, each from a program that was judged badly."""

from __future__ import annotations

from pathlib import Path

import clearprop as cp
from clearprop.gradcheck.tracing.file_outcome import FileOutcome

DESCENT = """
x, y, lr = -1.2, 1.0, 0.01
for step in range(500):
    loss = (1 - x) ** 2 + 10 * (y - x**2) ** 2
    dx = -2 * (1 - x) - 40 * x * (y - x**2)
    dy = {dy}
    x = x - lr * dx
    y = y - lr * dy
"""

TWICE = """
import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(50, 2))
Y = rng.integers(0, 2, size=(50, 1)).astype(float)
W1, b1 = rng.normal(size=(2, 4)), np.zeros(4)
W2, b2 = rng.normal(size=(4, 1)), np.zeros(1)
B = len(X)
for step in range(100):
    a = np.tanh(X @ W1 + b1)
    p = 1 / (1 + np.exp(-(a @ W2 + b2)))
    loss = -np.mean(Y * np.log(p) + (1 - Y) * np.log(1 - p))
    dz2 = (p - Y) / B
    dW2 = a.T @ dz2 / B
    db2 = dz2.sum(axis=0)
    dz1 = dz2 @ W2.T * (1 - a**2)
    dW1 = X.T @ dz1{over}
    db1 = dz1.sum(axis=0)
    W1 -= 0.1 * dW1
    b1 -= 0.1 * db1
    W2 -= 0.1 * dW2
    b2 -= 0.1 * db2
"""


def checked(tmp_path: Path, source: str) -> FileOutcome:
    path = tmp_path / "program.py"
    path.write_text(source)
    return cp.check_program(path)


def wrong_names(outcome: FileOutcome) -> set[str]:
    return {
        t["name"] for found in outcome.functions if found.report for t in found.report["tensors"] if t["verdict"] == "wrong"
    }


def test_a_difference_of_two_parameters_is_no_velocity(tmp_path: Path) -> None:
    assert checked(tmp_path, DESCENT.format(dy="20 * (y - x**2)")).verdict == "right"


def test_its_mistake_is_found_all_the_same(tmp_path: Path) -> None:
    outcome = checked(tmp_path, DESCENT.format(dy="20 * (y + x**2)"))
    assert outcome.verdict == "wrong"
    assert wrong_names(outcome) == {"y"}


def test_a_second_factor_is_not_called_right_beside_a_first(tmp_path: Path) -> None:
    assert wrong_names(checked(tmp_path, TWICE.format(over=" / B"))) == {"W1", "W2"}


def test_a_right_gradient_is_not_blamed_beside_a_wrong_factor(tmp_path: Path) -> None:
    assert wrong_names(checked(tmp_path, TWICE.format(over=""))) == {"W2"}
