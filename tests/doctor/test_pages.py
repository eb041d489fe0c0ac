"""The pages on the findings say what is true: their statements, in a few lines each."""

from __future__ import annotations

import math

import numpy as np
import pytest

import clearprop as cp
from clearprop.arrays import Array
from clearprop.doctor.explanations import explanation


def says(slug: str, *words: str) -> None:
    """Assert that a page has these words; line breaks aside."""
    page = " ".join(explanation(slug).split())
    for part in words:
        assert part in page, part


def dead(net: cp.Net, X: Array) -> list[Array]:
    """For each ReLU layer, which units answer 0 for every example."""
    found, a = [], X
    for layer in net.layers:
        a = layer(a)
        if isinstance(layer, cp.ReLU):
            found.append(~(a > 0).any(axis=0))
    return found


def test_dead_relus_of_the_first_layer_stay_dead_and_later_ones_may_revive() -> None:
    says("dead-relus", "In the first layer, whose x are the data, it is dead for good", "now and then a unit revives")
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(128, 4)), rng.normal(size=(128, 1))
    revived = [0, 0]
    for seed in range(6):
        bias = cp.Normal(0.5, -1.0)
        net = cp.Net(
            cp.Linear(4, 20, bias_init=bias), cp.ReLU(), cp.Linear(20, 20, bias_init=bias), cp.ReLU(), cp.Linear(20, 1),
            seed=seed, dtype="float64",
        )  # fmt: skip
        before = dead(net, X)
        for _ in range(40):
            cp.fit(net, (X, y), loss="mse", optimizer=cp.SGD(0.05), batch_size=16, epochs=1, seed=seed, engine="batch")
            after = dead(net, X)
            revived = [n + int((b & ~a).sum()) for n, b, a in zip(revived, before, after, strict=True)]
            before = after
    assert revived[0] == 0
    assert revived[1] > 0


def test_n_relus_divide_the_plane_into_no_more_pieces_and_bend_the_boundary_more_than_n_times() -> None:
    says("underfitting", "at most 1 + n + n (n - 1) / 2 pieces", "more than n times in all")
    n, grid = 3, np.linspace(-3, 3, 301)
    points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    most = 0
    for seed in range(5):
        W, b = np.random.default_rng(seed).normal(size=(2, n)), np.random.default_rng(seed + 50).normal(size=n) * 0.5
        most = max(most, len(np.unique((points @ W + b > 0) @ [1, 2, 4])))
    assert most <= 1 + n + n * (n - 1) // 2
    assert most == 7, "and that many there may be"
    # Around the origin, three folds through it are crossed twice each: a closed boundary bends six times.
    angles = np.deg2rad([0, 60, 120])
    W = np.stack([np.cos(angles), np.sin(angles)])
    turn = np.linspace(0, 2 * np.pi, 20_001)[:-1]
    pieces = np.column_stack([np.cos(turn), np.sin(turn)]) @ W > 0
    assert int((pieces != np.roll(pieces, 1, axis=0)).any(axis=1).sum()) == 2 * n > n


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max())
    return e / e.sum()


def test_a_double_softmax_has_one_jacobian_too_many() -> None:
    says("double-softmax", "one Jacobian too many", "0.73 for two classes, 0.23 for ten", "diag(p) - p p^T")
    z, t = np.array([0.3, -1.2, 2.0]), np.array([0.0, 1.0, 0.0])
    p = softmax(z)
    jacobian = np.diag(p) - np.outer(p, p)

    def slope(loss: object, h: float = 1e-6) -> Array:
        return np.array([(loss(z + h * e) - loss(z - h * e)) / (2 * h) for e in np.eye(3)])  # type: ignore[operator]

    once = slope(lambda z: -t @ np.log(softmax(z)))
    twice = slope(lambda z: -t @ np.log(softmax(softmax(z))))
    np.testing.assert_allclose(once, p - t, atol=1e-8)  # its own Jacobian has cancelled
    np.testing.assert_allclose(twice, jacobian @ (softmax(p) - t), atol=1e-8)  # the other's has not
    for classes, shown in ((2, 0.73), (10, 0.23)):
        best = softmax(np.eye(classes)[0])[0]
        assert best == pytest.approx(math.e / (math.e + classes - 1))
        assert best == pytest.approx(shown, abs=0.005)
        assert -math.log(best) == pytest.approx(math.log(1 + (classes - 1) / math.e))


def test_in_a_net_of_zeros_the_last_bias_alone_moves() -> None:
    says("constant-initialisation", "only the last bias moves, to the best constant")
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(200, 3)), rng.normal(2.0, 1.0, size=(200, 1))
    net = cp.mlp([3, 8, 8, 1], init="zeros", dtype="float64")
    cp.fit(net, (X, y), loss="mse", optimizer=cp.SGD(0.1), batch_size=200, epochs=200, seed=0, engine="batch")
    moved = [
        name
        for i, layer in enumerate(net.layers)
        for name, a in layer.parameters().items()
        if a.any()
        for name in [f"{i}{name}"]
    ]
    assert moved == ["4b"]
    assert float(net.layers[-1].parameters()["b"][0]) == pytest.approx(float(y.mean()), rel=1e-6)


def test_with_a_mean_the_best_rate_still_grows_with_the_batch() -> None:
    says("summed-gradient", "the size of a step no longer grows with the batch. The best rate still does, somewhat")
    # The mean gradient has noise of variance s^2 / B: the larger B, the longer the step that still pays.
    rng = np.random.default_rng(2)
    x = rng.normal(size=(4000, 10))
    y = x @ rng.normal(size=10) + 2 * rng.normal(size=4000)

    def best(size: int) -> float:
        rates = np.geomspace(0.01, 1.0, 25)
        ends = []
        for lr in rates:
            losses = []
            for seed in range(6):
                own, theta = np.random.default_rng(seed), np.zeros(10)
                for _ in range(30):
                    rows = own.integers(len(x), size=size)
                    theta -= lr * x[rows].T @ (x[rows] @ theta - y[rows]) / size
                losses.append(min(float(((x @ theta - y) ** 2).mean()), 1e6))
            ends.append(np.mean(losses))
        return float(rates[int(np.argmin(ends))])

    assert 1.5 * best(2) < best(32)


def test_slopes_of_saturated_units_fall_as_they_are_said_to() -> None:
    says("saturated-units", "sigma'(z) = sigma (1 - sigma) falls like exp(-|z|)", "like 4 exp(-2 |z|)")
    z = np.array([6.0, 8.0, 10.0])
    sigma, tanh = 1 / (1 + np.exp(-z)), np.tanh(z)
    np.testing.assert_allclose(sigma * (1 - sigma), np.exp(-z), rtol=6e-3)
    np.testing.assert_allclose(1 - tanh**2, 4 * np.exp(-2 * z), rtol=1e-4)


@pytest.mark.parametrize(("relu", "half"), [(False, 1.0), (True, math.sqrt(2))])
def test_the_gradients_elements_grow_by_the_square_root_of_n_out_var_w(relu: bool, half: float) -> None:
    says("exploding-gradients", "for each element", "g = sqrt(n_out var W)")
    rng = np.random.default_rng(3)
    n_in, n_out, spread = 300, 500, 0.1
    x, W, dy = rng.normal(size=(400, n_in)), rng.normal(0, spread, (n_in, n_out)), rng.normal(size=(400, n_out))
    dz = dy * (x @ W > 0) if relu else dy
    rms = math.sqrt(float(((dz @ W.T) ** 2).mean()))
    assert rms == pytest.approx(math.sqrt(n_out) * spread / half, rel=0.02)


def test_the_figures_of_the_product_in_place_of_the_sum() -> None:
    says("initial-scale", "g = sqrt(2 / 64) = 0.177, and 0.125 with the ReLU behind it", "leave 0.002 of the signal")
    rng = np.random.default_rng(4)
    W = rng.normal(0, math.sqrt(2 / (64 * 64)), (64, 64))
    x = rng.normal(size=(4000, 64))
    gain = math.sqrt(float(((x @ W) ** 2).mean()))
    assert gain == pytest.approx(math.sqrt(2 / 64), rel=0.05)
    assert gain == pytest.approx(0.177, abs=0.01)
    assert math.sqrt(float((np.maximum(x @ W, 0) ** 2).mean())) == pytest.approx(0.125, abs=0.01)
    assert pytest.approx(0.002, abs=1e-4) == 0.125**3


def test_sigmoids_reach_1_where_it_is_said() -> None:
    says("nonfinite-loss", "in float64 for z > 36.7, in float32 for z > 16.6")
    for kind, below, above in (("float64", 36.7, 36.8), ("float32", 16.6, 16.7)):
        one = np.dtype(kind).type(1)
        low, high = (one / (one + np.exp(-np.dtype(kind).type(z))) for z in (below, above))
        assert low < 1 == high


def test_a_likelihood_of_labels_outside_0_and_1_has_no_lower_bound() -> None:
    says("label-encoding", "For y = -1 it is -2 log(1 - p) + log p", "for y = 2 likewise as p goes to 1")
    for y, p in ((-1, 10.0 ** -np.arange(1, 9)), (2, 1 - 10.0 ** -np.arange(1, 9))):
        loss = -(y * np.log(p) + (1 - y) * np.log(1 - p))
        assert (np.diff(loss) < 0).all()
        assert loss[-1] < -15
    p = np.array([0.1, 0.5])
    np.testing.assert_allclose(-(-1 * np.log(p) + 2 * np.log(1 - p)), -2 * np.log(1 - p) + np.log(p))


def test_bounded_scores_bound_the_probability() -> None:
    says("output-mismatch", "p lies between 0.27 and 0.73 (or 0.5 and 0.73)")
    assert softmax(np.array([0.0, 1.0])) == pytest.approx([0.27, 0.73], abs=0.005)
    assert [1 / (1 + math.exp(-s)) for s in (0, 1)] == pytest.approx([0.5, 0.73], abs=0.005)


def test_a_sigmoid_takes_three_quarters_of_the_gradient() -> None:
    says("vanishing-gradients", "at most 1/4", "after six layers 1/4096")
    z = np.linspace(-5, 5, 1001)
    sigma = 1 / (1 + np.exp(-z))
    assert (sigma * (1 - sigma)).max() == pytest.approx(0.25)
    assert 4**6 == 4096


def test_equal_columns_get_equal_steps() -> None:
    says("constant-initialisation", "by induction the layer is one unit, repeated", "Zero biases alone do no harm")
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(60, 3)), rng.normal(size=(60, 1))
    for init, alike in ((cp.Normal(0.0, 0.3), True), ("xavier", False)):
        net = cp.mlp([3, 5, 1], hidden="tanh", init=init, seed=0, dtype="float64")
        cp.fit(net, (X, y), loss="mse", optimizer=cp.SGD(0.1), batch_size=20, epochs=10, seed=0, engine="batch")
        W = net.layers[0].parameters()["W"]
        assert (float(np.abs(W - W[:, :1]).max()) < 1e-12) == alike
