"""The tape without faults holds what layers, losses and engines compute."""

from __future__ import annotations

import numpy as np
import pytest

import clearprop as cp
from clearprop.gradcheck import Step
from clearprop.gradcheck.faults import catalogue, name_faults, record
from clearprop.gradcheck.faults.matching import Claim
from support.faults_specimens import random_step, right_gradients


def test_the_right_tape_has_the_gradients_of_the_layers(agree) -> None:
    for seed in range(150):
        step = random_step(np.random.default_rng(seed))
        tape = record(step)
        _, gradients = right_gradients(step, "float64")
        claim = Claim(gradients, tape)
        assert set(claim.names) == set(tape.parameters)
        for name, gradient in gradients.items():
            assert tape.gradients[name].shape == gradient.shape
            assert claim.error(name, tape.gradients[name]) < 1e-11, (seed, name)


def test_the_right_tape_has_the_slope_of_the_value(slope, agree) -> None:
    """Penalty included: against differences of `Step.value`."""
    for seed in range(8):
        step = random_step(np.random.default_rng(seed))
        if np.abs(step.X).max() > 10 or any(isinstance(layer, cp.ReLU) for layer in step.net.layers):
            continue
        tape = record(step)
        for name, array in step.parameters().items():
            expected = slope(step.value, array)
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
    step = Step(net, Quartic(), rng.normal(size=(5, 3)), rng.normal(size=(5, 2)))
    first, second = record(step), record(step)
    assert np.array_equal(first.gradients["W1"], second.gradients["W1"])  # one mask for every tape
    net = cp.Net(cp.Linear(3, 4), Cube(), cp.Linear(4, 2), dtype="float64")
    step = Step(net, Quartic(), step.X, step.y)
    _, gradients = right_gradients(step, "float64")
    np.testing.assert_allclose(record(step).gradients["W1"], gradients["W1"], rtol=1e-12)


def test_recording_leaves_the_step_as_it_was() -> None:
    for seed in range(20):
        step = random_step(np.random.default_rng(seed))
        theta, X, y = step.net.theta.copy(), step.X.copy(), step.y.copy()
        right = record(step)
        for kind in catalogue():
            for site in kind.sites(right)[:1]:
                try:
                    record(step, (kind(site, amount=0.1),))
                except ValueError:  # shapes that no longer fit
                    continue
        assert np.array_equal(theta, step.net.theta)
        assert np.array_equal(X, step.X)
        assert np.array_equal(y, step.y)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_labels_are_numbered_by_linear_layer(depth: int) -> None:
    layers = [layer for _ in range(depth) for layer in (cp.Linear(2, 2), cp.Tanh())]
    step = Step(cp.Net(*layers, dtype="float64"), cp.nn.MeanSquaredError(), np.ones((3, 2)), np.ones((3, 2)))
    labels = [node.label for node in record(step).nodes]
    assert labels == [f"{kind}{k}" for k in range(1, depth + 1) for kind in ("linear", "tanh")]


def test_a_linear_layer_without_bias_has_no_bias_gradient() -> None:
    rng = np.random.default_rng(0)
    net = cp.Net(cp.Linear(3, 4, bias=False), cp.Tanh(), cp.Linear(4, 2), dtype="float64")
    step = Step(net, cp.CrossEntropy(), rng.normal(size=(5, 3)), rng.integers(2, size=5))
    right = record(step)
    assert set(right.gradients) == {"W1", "W2", "b2", "dX"}
    omitted = next(kind for kind in catalogue() if kind.slug == "derivative-omitted")
    wrong = record(step, (omitted(("tanh1",)),)).gradients
    assert [suspect.fault for suspect in name_faults(step, wrong)] == ["derivative-omitted"]
    assert name_faults(step, right.gradients) == []
