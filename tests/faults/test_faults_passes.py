"""The pass without faults computes what layers, losses and engines compute."""

from __future__ import annotations

import numpy as np
import pytest

import clearprop as cp
from clearprop.gradcheck.faults import Pass, catalogue
from clearprop.gradcheck.faults.matching import Claim
from clearprop.gradcheck.faults.planting import right_gradients
from clearprop.gradcheck.faults.specimens import random_problem
from clearprop.gradcheck.problem import Problem


def test_the_right_pass_gives_the_gradients_of_the_layers(agree) -> None:
    for seed in range(150):
        problem = random_problem(np.random.default_rng(seed))
        tape = Pass(problem).run()
        _, gradients = right_gradients(problem, "float64")
        claim = Claim(gradients, tape)
        assert set(claim.names) == set(tape.parameters)
        for name, gradient in gradients.items():
            assert tape.gradients[name].shape == gradient.shape
            assert claim.error(name, tape.gradients[name]) < 1e-11, (seed, name)


def test_the_right_pass_gives_the_slope_of_the_value(slope, agree) -> None:
    """Penalty included: against differences of `Problem.value`."""
    for seed in range(8):
        problem = random_problem(np.random.default_rng(seed))
        if np.abs(problem.X).max() > 10 or any(isinstance(layer, cp.ReLU) for layer in problem.net.layers):
            continue
        tape = Pass(problem).run()
        for name, array in problem.parameters().items():
            expected = slope(problem.value, array)
            floor = 1e-8 * np.abs(tape.gradients[name]).max()
            np.testing.assert_allclose(tape.gradients[name], expected, rtol=1e-5, atol=max(floor, 1e-8))


def test_layers_and_losses_of_ones_own_pass_through() -> None:
    class Cube(cp.Layer):
        def forward(self, x, training=False):
            return x**3, x

        def backward(self, saved, dy):
            return dy * 3 * saved**2

    class Quartic(cp.nn.Loss):
        def forward(self, y_hat, y):
            return float(((y_hat - y) ** 4).sum() / len(y)), y_hat - y

        def backward(self, saved):
            return 4 * saved**3 / len(saved)

    rng = np.random.default_rng(0)
    net = cp.Net(cp.Linear(3, 4), Cube(), cp.Dropout(0.5), cp.Linear(4, 2), dtype="float64")
    problem = Problem(net, Quartic(), rng.normal(size=(5, 3)), rng.normal(size=(5, 2)))
    first, second = Pass(problem).run(), Pass(problem).run()
    assert np.array_equal(first.gradients["W1"], second.gradients["W1"])  # one mask for every pass
    net = cp.Net(cp.Linear(3, 4), Cube(), cp.Linear(4, 2), dtype="float64")
    problem = Problem(net, Quartic(), problem.X, problem.y)
    _, gradients = right_gradients(problem, "float64")
    np.testing.assert_allclose(Pass(problem).run().gradients["W1"], gradients["W1"], rtol=1e-12)


def test_a_pass_leaves_the_problem_as_it_was() -> None:
    for seed in range(20):
        problem = random_problem(np.random.default_rng(seed))
        theta, X, y = problem.net.theta.copy(), problem.X.copy(), problem.y.copy()
        right = Pass(problem).run()
        for kind in catalogue():
            for site in kind.sites(right)[:1]:
                try:
                    Pass(problem, (kind(site, amount=0.1),)).run()
                except ValueError:  # shapes that no longer fit
                    continue
        assert np.array_equal(theta, problem.net.theta)
        assert np.array_equal(X, problem.X)
        assert np.array_equal(y, problem.y)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_labels_are_numbered_by_linear_layer(depth: int) -> None:
    layers = [layer for _ in range(depth) for layer in (cp.Linear(2, 2), cp.Tanh())]
    problem = Problem(cp.Net(*layers, dtype="float64"), cp.nn.MeanSquaredError(), np.ones((3, 2)), np.ones((3, 2)))
    labels = [node.label for node in Pass(problem).run().nodes]
    assert labels == [f"{kind}{k}" for k in range(1, depth + 1) for kind in ("linear", "tanh")]
