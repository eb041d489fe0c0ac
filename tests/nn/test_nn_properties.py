"""Properties that hold for every shape and every number, looked for by hypothesis."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import clearprop as cp
from clearprop.errors import ShapeError
from clearprop.nn import ACTIVATIONS, LOSSES, softmax

sizes = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)


def batches(low, high):
    return st.tuples(sizes, sizes).flatmap(
        lambda shape: arrays(np.float64, shape, elements=st.floats(low, high, allow_subnormal=False))
    )


@given(B=sizes, n_in=sizes, n_hidden=sizes, n_out=st.integers(2, 6), depth=st.integers(0, 3), seed=seeds, data=st.data())
def test_a_net_of_any_shape_is_consistent(B, n_in, n_hidden, n_out, depth, seed, data):
    """Along a random direction v, (L(theta + h v) - L(theta - h v)) / 2h is grad . v; and likewise for the input."""
    hidden = data.draw(st.lists(st.sampled_from(["sigmoid", "tanh", "softmax"]), min_size=depth, max_size=depth))
    net = cp.mlp([n_in, *[n_hidden] * depth, n_out], hidden=hidden, seed=seed, dtype="float64")
    rng, loss = np.random.default_rng(seed), cp.CrossEntropy()
    X, y = rng.normal(size=(B, n_in)), rng.integers(n_out, size=B)
    y_hat, saved = net.forward(X)
    assert y_hat.shape == (B, n_out)
    assert (net.n_in, net.n_out, len(saved)) == (n_in, n_out, len(net))
    dX = net.backward(saved, loss.backward(loss.forward(y_hat, y)[1]))
    assert dX.shape == X.shape
    assert net.grad.shape == net.theta.shape
    # the slope has size about 1; 2e-8 is 20 times what rounding (1e-16 / h) and the third derivative (h^2) leave of it
    h, theta = 1e-5, net.theta.copy()
    v, u = rng.normal(size=theta.shape), rng.normal(size=X.shape)
    v, u = v / np.linalg.norm(v), u / np.linalg.norm(u)
    values = []
    for sign in (1, -1):
        net.theta[:] = theta + sign * h * v
        values.append(loss(net(X), y))
    net.theta[:] = theta
    assert (values[0] - values[1]) / (2 * h) == pytest.approx(net.grad @ v, abs=2e-8)
    values = [loss(net(X + sign * h * u), y) for sign in (1, -1)]
    assert (values[0] - values[1]) / (2 * h) == pytest.approx((dX * u).sum(), abs=2e-8)


@given(B=sizes, n_in=sizes, n_out=sizes, seed=seeds)
def test_linear_is_linear(B, n_in, n_out, seed):
    rng, layer = np.random.default_rng(seed), cp.Linear(n_in, n_out).initialise(seed)
    x, z = rng.normal(size=(2, B, n_in))
    np.testing.assert_allclose(layer(x + 2 * z), layer(x) + 2 * layer(z), rtol=0, atol=1e-12)


@given(B=st.integers(2, 6), n_in=sizes, n_out=st.integers(2, 5), seed=seeds)
def test_a_batch_is_its_examples_one_by_one(B, n_in, n_out, seed):
    """The gradient of the summed loss is the sum of the examples' gradients."""
    net = cp.mlp([n_in, 4, n_out], hidden="tanh", seed=seed, dtype="float64")
    rng, loss = np.random.default_rng(seed), cp.CrossEntropy("sum")
    X, y = rng.normal(size=(B, n_in)), rng.integers(n_out, size=B)

    def grad(rows):
        net.zero_grad()
        y_hat, saved = net.forward(X[rows])
        net.backward(saved, loss.backward(loss.forward(y_hat, y[rows])[1]))
        return net.grad.copy()

    np.testing.assert_allclose(grad(slice(None)), sum(grad([b]) for b in range(B)), rtol=0, atol=1e-12)


@given(x=batches(-1e4, 1e4), shift=st.floats(-1e4, 1e4))
def test_softmax_rows_sum_to_one_and_shifts_change_nothing(x, shift):
    y = softmax(x)
    assert (y >= 0).all()
    np.testing.assert_allclose(y.sum(axis=1), 1, rtol=0, atol=1e-14)
    # x + shift is rounded at 1e-16 * 2e4 = 4e-12, and so is the exponent
    np.testing.assert_allclose(softmax(x + shift), y, rtol=0, atol=1e-11)
    scores = x - x.max(axis=1, keepdims=True)
    np.testing.assert_allclose(softmax(scores), y, rtol=0, atol=1e-11)


@given(x=batches(-50, 50), seed=seeds)
def test_softmax_gradients_sum_to_zero(x, seed):
    """Since the rows of y always sum to 1, no dy can push x along (1, 1, ..., 1)."""
    dx = cp.Softmax().backward(softmax(x), np.random.default_rng(seed).uniform(-1, 1, x.shape))
    np.testing.assert_allclose(dx.sum(axis=1), 0, rtol=0, atol=1e-14)


@given(z=batches(-700, 700))
def test_ranges_and_symmetries_of_activations(z):
    s, t = cp.Sigmoid(), cp.Tanh()
    assert ((s(z) >= 0) & (s(z) <= 1)).all()
    np.testing.assert_allclose(s(z) + s(-z), 1, rtol=0, atol=1e-15)
    assert np.array_equal(t(-z), -t(z))
    np.testing.assert_allclose(t(z), 2 * s(2 * z) - 1, rtol=0, atol=1e-15)
    assert np.array_equal(cp.ReLU()(z) - cp.ReLU()(-z), z)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
@given(z=batches(-1e4, 1e4))
def test_activations_are_finite(name, z):
    layer = ACTIVATIONS.make(name)
    y, saved = layer.forward(z)
    assert np.isfinite(y).all()
    assert np.isfinite(layer.backward(saved, np.ones_like(z))).all()


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", list(LOSSES))
@given(y_hat=batches(-1e4, 1e4), seed=seeds)
def test_losses_are_never_negative_and_finite(name, reduction, y_hat, seed):
    loss, rng = LOSSES.make({"type": name, "reduction": reduction}), np.random.default_rng(seed)
    if name in ("negative_log_likelihood", "binary_cross_entropy"):
        y_hat = softmax(y_hat)  # these take probabilities
    y = rng.integers(2, size=y_hat.shape).astype(float)
    if name in ("cross_entropy", "negative_log_likelihood", "focal"):
        if y_hat.shape[1] == 1:  # one class out of one is refused
            with pytest.raises(ShapeError, match="C >= 2 classes"):
                loss.forward(y_hat, np.zeros(len(y_hat), int))
            y_hat = np.hstack([y_hat, y_hat])
        y = rng.integers(y_hat.shape[1], size=len(y_hat))
    value, saved = loss.forward(y_hat, y)
    assert isinstance(value, float)
    assert 0 <= value < np.inf
    assert not np.signbit(value)  # nor -0.0
    dy_hat = loss.backward(saved)
    assert dy_hat.shape == y_hat.shape
    assert np.isfinite(dy_hat).all()


@given(B=sizes, C=st.integers(2, 6), seed=seeds)
def test_the_three_kinds_of_class_target_are_one(B, C, seed):
    rng = np.random.default_rng(seed)
    labels, scores = rng.integers(C, size=B), rng.normal(size=(B, C))
    for loss, y_hat in ((cp.CrossEntropy(), scores), (cp.NegativeLogLikelihood(), softmax(scores))):
        targets = (labels, labels.astype(np.uint8), np.eye(C)[labels], np.eye(C, dtype=int)[labels])
        values = [loss.forward(y_hat, y) for y in targets]
        for value, saved in values[1:]:
            assert value == values[0][0]
            assert np.array_equal(loss.backward(saved), loss.backward(values[0][1]))


@given(x=batches(-5, 5), training=st.booleans())
def test_batchnorm_standardises(x, training):
    if len(x) < 2:
        return
    layer = cp.BatchNorm(x.shape[1])
    y = layer.forward(x, training)[0]
    if training:
        np.testing.assert_allclose(y.mean(axis=0), 0, rtol=0, atol=1e-9)
        var = x.var(axis=0)
        np.testing.assert_allclose(y.var(axis=0), var / (var + layer.eps), rtol=0, atol=1e-9)
    else:
        np.testing.assert_allclose(y, x / np.sqrt(1 + layer.eps), rtol=1e-14)
