"""Two networks worked by hand, on every engine."""

from __future__ import annotations

import math

import numpy as np
import pytest

import clearprop as cp
from clearprop.walkthrough import published_example

ENGINES = list(cp.ENGINES)


def gradients(net: cp.Net, grad: np.ndarray) -> list[np.ndarray]:
    """The flat gradient as dW, db, dV, dc."""
    net.grad[:] = grad
    return [layer.gradients()[name] for layer in (net[0], net[2]) for name in ("W", "b")]


@pytest.mark.parametrize("engine", list(ENGINES))
def test_the_published_network(engine: str) -> None:
    """Vrije Universiteit Amsterdam, assignment 1, question 3; the figures are those of the write-ups.

    z = x W + b = (2, 2, 2); h = sigmoid(z) = 0.8808 each; o = h V + c = (-0.8808, -0.8808); p = (0.5, 0.5).
    do = p - y = (-0.5, 0.5); dV_i = h_i do; dh_i = V_i . do = 0, as each row of V has two equal numbers; so dW = 0, db = 0.
    """
    net, x, y = published_example()
    made = cp.ENGINES.make(engine)
    value, grad = made.loss_and_grad(net, cp.CrossEntropy(), x, y)
    assert value == pytest.approx(0.6931471805599453, rel=1e-15)
    dW, db, dV, dc = gradients(net, grad)
    np.testing.assert_allclose(dV, [[-0.44039853898894116, 0.44039853898894116]] * 3, rtol=1e-15)
    np.testing.assert_allclose(dc, [-0.5, 0.5], rtol=1e-15)
    assert not dW.any()
    assert not db.any()
    np.testing.assert_allclose(made.forward(net, x), [[-0.8807970779778823] * 2], rtol=1e-15)


def asymmetric() -> tuple[cp.Net, np.ndarray, np.ndarray]:
    """A network of the same kind whose first-layer gradients are not zero.

    x = (1, -1), class 0; W = [[1, 2, 3], [1, 2, 3]], b = 0; V = [[1, 0], [0, 2], [1, 0]], c = 0.

        z = (1 - 1, 2 - 2, 3 - 3) = (0, 0, 0)           h = sigmoid(0) = (1/2, 1/2, 1/2)
        o = (1/2 + 0 + 1/2, 0 + 1 + 0) = (1, 1)         p = (1/2, 1/2)          L = -log(1/2) = log 2
        do = p - y = (-1/2, 1/2)
        dV_ij = h_i do_j: three rows (-1/4, 1/4)        dc = (-1/2, 1/2)
        dh_i = sum_j do_j V_ij = (-1/2, 1, -1/2)        sigmoid'(0) = 1/4: dz = (-1/8, 1/4, -1/8)
        dW_ij = x_i dz_j: rows (-1/8, 1/4, -1/8) and (1/8, -1/4, 1/8)           db = dz
    """
    net = cp.Net(cp.Linear(2, 3), cp.Sigmoid(), cp.Linear(3, 2), seed=None, dtype="float64")
    net[0].W[:] = [[1, 2, 3], [1, 2, 3]]
    net[2].W[:] = [[1, 0], [0, 2], [1, 0]]
    return net, np.array([[1.0, -1.0]]), np.array([0])


@pytest.mark.parametrize("engine", list(ENGINES))
def test_a_network_with_a_gradient_in_every_layer(engine: str) -> None:
    net, x, y = asymmetric()
    made = cp.ENGINES.make(engine)
    value, grad = made.loss_and_grad(net, cp.CrossEntropy(), x, y)
    assert value == pytest.approx(math.log(2), rel=1e-15)
    dz = [-1 / 8, 1 / 4, -1 / 8]
    wanted = [[dz, [1 / 8, -1 / 4, 1 / 8]], dz, [[-1 / 4, 1 / 4]] * 3, [-1 / 2, 1 / 2]]
    for got, right in zip(gradients(net, grad), wanted, strict=True):
        np.testing.assert_allclose(got, right, rtol=1e-15)
    # One step of gradient descent with learning rate 8: W - 8 dW, b - 8 db, V - 8 dV, c - 8 dc.
    steps = made.train_epoch(net, cp.CrossEntropy(), cp.SGD(8.0), x, y, np.array([0]), 1)
    np.testing.assert_allclose(net[0].W, [[2, 0, 4], [0, 4, 2]], atol=1e-14)
    np.testing.assert_allclose(net[0].b, [1, -2, 1], rtol=1e-14)
    np.testing.assert_allclose(net[2].W, [[3, -2], [2, 0], [3, -2]], atol=1e-14)
    np.testing.assert_allclose(net[2].b, [4, -4], rtol=1e-14)
    assert steps.losses.tolist() == pytest.approx([math.log(2)], rel=1e-15)
    assert steps.n_correct.tolist() == [1.0]  # of two equal scores, the first counts as the larger
