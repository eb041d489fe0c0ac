"""Layers and losses against numbers that were worked out by hand, published figures, and extreme arguments."""

import numpy as np
import pytest

import clearprop as cp

EXACT = 1e-14  # a few rounding errors; one digit less in any of the arithmetic below is found
LN3 = np.log(3.0)


def array(*rows):
    return np.array(rows, dtype=float)


def run(layer, x, dy, training=False, **parameters):
    for name, value in parameters.items():
        getattr(layer, name)[...] = value
    y, saved = layer.forward(x, training)
    return y, layer.backward(saved, dy), layer.gradients()


def test_linear(agree):
    # y = (1*2 - 1*3 + 1, 4*2 + 0.5*3 + 1) = (0, 10.5); dW = (1*1 + 4*2, -1*1 + 0.5*2) = (9, 0); db = 1 + 2; dx_b = dy_b (2, 3)
    y, dx, grads = run(cp.Linear(2, 1), array([1, -1], [4, 0.5]), array([1], [2]), W=[[2], [3]], b=1)
    agree(y, array([0], [10.5]), EXACT)
    agree(dx, array([2, 3], [4, 6]), EXACT)
    agree(grads["W"], array([9], [0]), EXACT)
    agree(grads["b"], [3], EXACT)


ACTIVATIONS = {
    # exp(-ln 3) = 1/3, so y = 1 / (4/3) = 3/4 and y' = 3/4 * 1/4 = 3/16; with dy = 2: 3/8
    "sigmoid": (cp.Sigmoid(), [LN3], [2], [3 / 4], [3 / 8]),
    # tanh ln 2 = (2 - 1/2) / (2 + 1/2) = 3/5, y' = 1 - 9/25 = 16/25; with dy = 5: 16/5
    "tanh": (cp.Tanh(), [np.log(2)], [5], [3 / 5], [16 / 5]),
    # 0 below and at the kink, 1 above
    "relu": (cp.ReLU(), [-1, 2, 0], [5, 7, 3], [0, 2, 0], [0, 7, 0]),
    # exp: 1 and 3 of 4. dy = (1, 0): sum_i dy_i y_i = 1/4, dx = (1/4 * 3/4, 3/4 * -1/4)
    "softmax": (cp.Softmax(), [0, LN3], [1, 0], [1 / 4, 3 / 4], [3 / 16, -3 / 16]),
    # dy = (2, 1): sum_i dy_i y_i = 5/4, dx = (1/4 * 3/4, 3/4 * -1/4) again; the diagonal alone would give (6/16, 3/16)
    "softmax, both": (cp.Softmax(), [0, LN3], [2, 1], [1 / 4, 3 / 4], [3 / 16, -3 / 16]),
}


@pytest.mark.parametrize(("layer", "x", "dy", "y", "dx"), ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_activations(layer, x, dy, y, dx, agree):
    got_y, got_dx, _ = run(layer, array(x), array(dy))
    agree(got_y, array(y), EXACT)
    agree(got_dx, array(dx), EXACT)


def test_dropout(agree):
    class Drawn:
        def random(self, shape):
            return array([0.74, 0.75, 0.9])

    layer = cp.Dropout(0.75)
    layer.rng = Drawn()
    # kept where the draw is at least 0.75, times 1 / (1 - 0.75) = 4
    y, dx, _ = run(layer, array([1, 2, 3]), array([5, 6, 7]), training=True)
    agree(y, array([0, 8, 12]), EXACT)
    agree(dx, array([0, 24, 28]), EXACT)


def test_batchnorm_training(agree):
    # x = 1, 1, 3, 3: mean 2, variance 1, x_hat = -1, -1, 1, 1; y = 2 x_hat + 1. dy = 1, 0, 0, 0: dx_hat = 2, 0, 0, 0 with mean
    # 1/2, and mean of dx_hat x_hat -1/2: dx = dx_hat - 1/2 + x_hat / 2 = (2 - 1/2 - 1/2, -1/2 - 1/2, 0, 0)
    layer = cp.BatchNorm(1, momentum=0.5, eps=0.0)
    y, dx, grads = run(layer, array([1], [1], [3], [3]), array([1], [0], [0], [0]), training=True, gamma=2, beta=1)
    agree(y, array([-1], [-1], [3], [3]), EXACT)
    agree(dx, array([1], [-1], [0], [0]), EXACT)
    agree(grads["gamma"], [-1], EXACT)
    agree(grads["beta"], [1], EXACT)
    agree(layer.running_mean, [1], EXACT)  # half of 0 and of 2
    agree(layer.running_var, [7 / 6], EXACT)  # half of 1 and of 4/3, the unbiased variance


def test_batchnorm_afterwards(agree):
    # (5 - 1) / sqrt(4) = 2, times 3, plus 1; dx = 3 / 2
    layer = cp.BatchNorm(1, eps=0.0)
    y, dx, _ = run(layer, array([5]), array([1]), gamma=3, beta=1, running_mean=1, running_var=4)
    agree(y, array([7]), EXACT)
    agree(dx, array([1.5]), EXACT)


LOSSES = {
    # p = (1/4, 3/4); -log 1/4 = ln 4; p - y = (-3/4, 3/4)
    "cross-entropy": (cp.CrossEntropy(), [0, LN3], np.array([0]), np.log(4), [-3 / 4, 3 / 4]),
    # y = (1/2, 1/2): (ln 4 + ln 4/3) / 2; p - y = (-1/4, 1/4)
    "soft": (cp.CrossEntropy(), [0, LN3], array([0.5, 0.5]), np.log(16 / 3) / 2, [-1 / 4, 1 / 4]),
    # -log 3/4; -1 / (3/4)
    "nll": (cp.NegativeLogLikelihood(), [1 / 4, 3 / 4], np.array([1]), np.log(4 / 3), [0, -4 / 3]),
    # y = 1 at p = 1/4: ln 4 and -4; y = 0 at 1/4: -log 3/4 and 1 / (3/4); halved by the mean over two numbers
    "bce": (cp.BinaryCrossEntropy(), [1 / 4, 1 / 4], array([1, 0]), np.log(16 / 3) / 2, [-2, 2 / 3]),
    "bce, sum": (cp.BinaryCrossEntropy("sum"), [1 / 4, 1 / 4], array([1, 0]), np.log(16 / 3), [-4, 4 / 3]),
    # sigmoid(ln 3) = 3/4: -log 3/4, 3/4 - 1
    "bce with logits": (cp.BinaryCrossEntropyWithLogits(), [LN3], array([1]), np.log(4 / 3), [-1 / 4]),
    # (1 + 4) / 2; 2 * 1 / 2 and 2 * 2 / 2: the factor 2 stays
    "mse": (cp.MeanSquaredError(), [1, 3], array([0, 1]), 2.5, [1, 2]),
    "mse, sum": (cp.MeanSquaredError("sum"), [1, 3], array([0, 1]), 5, [2, 4]),
    # one target for three predictions: 1 + 0 + 4 = 5, / 3; 2 (-1, 0, 2) / 3
    "mse, broadcast": (cp.MeanSquaredError(broadcast=True), [1, 2, 4], array([2]), 5 / 3, [-2 / 3, 0, 4 / 3]),
}


@pytest.mark.parametrize(("loss", "y_hat", "y", "value", "dy_hat"), LOSSES.values(), ids=LOSSES)
def test_losses(loss, y_hat, y, value, dy_hat, agree):
    got, saved = loss.forward(array(y_hat), y)
    agree(got, value, EXACT)
    agree(loss.backward(saved), array(dy_hat), EXACT)


def test_n_correct():
    scores = array([1, 3], [2, 0], [0, 1])
    assert cp.CrossEntropy().n_correct(scores, np.array([1, 1, 1])) == 2
    assert cp.CrossEntropy().n_correct(scores, array([0, 1], [0, 1], [0, 1])) == 2
    assert cp.BinaryCrossEntropy().n_correct(array([0.6], [0.4], [0.3]), array([1], [0], [1])) == 2
    assert cp.BinaryCrossEntropyWithLogits().n_correct(array([0.1], [-0.1], [-3]), array([1], [0], [1])) == 2
    # two outputs: one of two right, both right
    assert cp.BinaryCrossEntropy().n_correct(array([0.6, 0.6], [0.1, 0.9]), array([1, 0], [0, 1])) == 1.5
    assert np.isnan(cp.MeanSquaredError().n_correct(scores, scores))


# --- the figures of the Radboud assignment, from default_rng(12345) ------------------------------------------------------

PRINTED = 5e-7  # six decimals are printed


def test_radboud_components():
    x = np.random.default_rng(12345).uniform(-10, 10, (1, 5))
    np.testing.assert_allclose(x[0], [-5.45328, -3.664833, 5.947309, 3.525093, -2.177809], rtol=0, atol=PRINTED)
    y, dx, _ = run(cp.Sigmoid(), x, np.ones_like(x))
    np.testing.assert_allclose(y[0], [0.004264, 0.024969, 0.997394, 0.971393, 0.101761], rtol=0, atol=PRINTED)
    np.testing.assert_allclose(dx[0], [0.004246, 0.024346, 0.002599, 0.027788, 0.091406], rtol=0, atol=PRINTED)
    _, dx, _ = run(cp.Sigmoid(), np.random.default_rng(12345).uniform(-2, 2, (1, 5)), np.ones((1, 5)))
    np.testing.assert_allclose(dx[0], [0.188245, 0.219215, 0.178901, 0.221338, 0.238508], rtol=0, atol=PRINTED)


def test_radboud_binary_cross_entropy():
    rng = np.random.default_rng(12345)
    y = rng.integers(2, size=5)[:, None]
    y_hat = rng.uniform(0, 1, 5)[:, None]
    loss = cp.BinaryCrossEntropy("sum")
    each = [loss(y_hat[i : i + 1], y[i : i + 1]) for i in range(5)]
    np.testing.assert_allclose(each, [0.391186, 0.496117, 1.100172, 0.912072, 0.206697], rtol=0, atol=PRINTED)
    dy_hat = loss.backward(loss.forward(y_hat, y)[1])[:, 0]
    np.testing.assert_allclose(dy_hat, [-1.478733, 1.642332, -3.004682, 2.489474, 1.22961], rtol=0, atol=PRINTED)


def test_radboud_one_layer(agree):
    rng = np.random.default_rng(12345)
    net = cp.Net(cp.Linear(5, 1), cp.Sigmoid(), seed=None, dtype="float64")
    net.theta[:5], net.theta[5:] = rng.normal(size=5), rng.normal()
    loss, y = cp.BinaryCrossEntropy(), array([1])

    def dx_at(x):
        y_hat, saved = net.forward(x[None, :])
        value, kept = loss.forward(y_hat, y)
        return value, net.backward(saved, loss.backward(kept))[0]

    value, dx = dx_at(rng.uniform(size=5))
    agree(value, 2.309880244091049, EXACT)
    np.testing.assert_allclose(dx, [1.282477, -1.138274, 0.784228, 0.233444, 0.067864], rtol=0, atol=PRINTED)
    _, dx = dx_at(np.random.default_rng(12345).uniform(size=5))
    np.testing.assert_allclose(dx, [1.177245, -1.044874, 0.719879, 0.214289, 0.062295], rtol=0, atol=PRINTED)


# --- the scalar network of the Amsterdam assignment ----------------------------------------------------------------------


def amsterdam_net():
    net = cp.Net(cp.Linear(2, 3), cp.Sigmoid(), cp.Linear(3, 2), seed=None, dtype="float64")
    net[0].W[:], net[2].W[:] = [[1, 1, 1], [-1, -1, -1]], [[1, 1], [-1, -1], [-1, -1]]
    return net


def test_amsterdam_published():
    net, loss = amsterdam_net(), cp.CrossEntropy()
    scores, saved = net.forward(array([1, -1]))
    value, kept = loss.forward(scores, np.array([0]))
    net.backward(saved, loss.backward(kept))
    np.testing.assert_allclose(saved[1], np.full((1, 3), 0.8808), rtol=0, atol=5e-5)
    assert value == 0.6931471805599453
    assert np.array_equal(loss.probabilities(scores), array([0.5, 0.5]))
    np.testing.assert_allclose(net[2].dW, [[-0.44039853898894116, 0.44039853898894116]] * 3, rtol=1e-15)
    assert np.array_equal(net[2].db, [-0.5, 0.5])
    assert not net[0].dW.any()  # the columns of V are equal, so nothing reaches the first layer, exactly
    assert not net[0].db.any()


def test_amsterdam_with_a_first_layer_that_learns(agree):
    # V = [[1, 0], [0, 0], [0, -1]]: scores (h, -h), p = sigmoid(+-2h). dscores = p - (1, 0) = (-q, q) with q = sigmoid(-2h);
    # dh = dscores V^T = (-q, 0, -q); dz = dh h (1 - h); dW = x^T dz, whose second row is minus the first, as x = (1, -1)
    net, loss = amsterdam_net(), cp.CrossEntropy()
    net[2].W[:] = [[1, 0], [0, 0], [0, -1]]
    scores, saved = net.forward(array([1, -1]))
    _, kept = loss.forward(scores, np.array([0]))
    net.backward(saved, loss.backward(kept))
    h = 1 / (1 + np.exp(-2))
    slope = -h * (1 - h) / (1 + np.exp(2 * h))
    agree(net[0].dW, array([slope, 0, slope], [-slope, 0, -slope]), EXACT)
    agree(net[0].db, [slope, 0, slope], EXACT)


# --- extremes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cross_entropy_of_extreme_scores(dtype):
    # rows differ wildly: the maximum of the whole batch, subtracted from the second row, would give log(0)
    scores = np.array([[1e4, -1e4], [-1e4, -2e4], [1e4, -1e4]], dtype=dtype)
    loss = cp.CrossEntropy("sum")
    value, saved = loss.forward(scores, np.array([0, 0, 1]))
    assert value == 2e4  # 0 + 0 + 20000
    assert np.array_equal(loss.backward(saved), [[0, 0], [0, 0], [1, -1]])
    assert np.array_equal(loss.probabilities(scores), [[1, 0]] * 3)
    assert np.array_equal(cp.Softmax()(scores), [[1, 0]] * 3)


def test_cross_entropy_with_a_class_masked_by_minus_infinity():
    # p = (0, 1), so -log p_1 = 0, and 0 log 0 counts as 0; p - y = 0 or (-1, 1)
    loss, scores = cp.CrossEntropy(), array([-np.inf, 0])
    for y in (np.array([1]), array([0, 1])):
        value, saved = loss.forward(scores, y)
        assert value == 0
        assert np.array_equal(loss.backward(saved), [[0, 0]])
    value, saved = loss.forward(scores, np.array([0]))
    assert value == np.inf
    assert np.array_equal(loss.backward(saved), [[-1, 1]])


@pytest.mark.parametrize(
    ("loss", "y_hat", "y"),
    [
        (cp.CrossEntropy(), array([1000, 0]), np.array([0])),
        (cp.NegativeLogLikelihood(), array([1, 0]), np.array([0])),
        (cp.BinaryCrossEntropyWithLogits(), array([1000, -1000]), array([1, 0])),
        (cp.MeanSquaredError(), array([-0.0, 2]), array([0, 2])),
    ],
    ids=str,
)
def test_a_loss_of_nothing_is_zero_without_a_minus(loss, y_hat, y):
    for reduction in ("mean", "sum"):
        value = type(loss)(reduction)(y_hat, y)
        assert value == 0
        assert not np.signbit(value)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("z", "y", "value", "slope"), [(1000, 0, 1000, 1), (1000, 1, 0, 0), (-1000, 1, 1000, -1), (-1000, 0, 0, 0)]
)
def test_bce_with_extreme_logits(dtype, z, y, value, slope):
    loss = cp.BinaryCrossEntropyWithLogits()
    got, saved = loss.forward(np.array([[z]], dtype=dtype), np.array([[y]], dtype=dtype))
    assert got == value
    assert loss.backward(saved)[0, 0] == slope


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("p", "y"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_bce_of_certainties_is_finite(dtype, p, y):
    loss, eps = cp.BinaryCrossEntropy(), np.finfo(dtype).eps
    value, saved = loss.forward(np.array([[p]], dtype=dtype), np.array([[y]], dtype=dtype))
    slope = loss.backward(saved)[0, 0]
    right = p == y
    # p is read as eps away: -log(1 - eps) = eps when right, -log(eps) when wrong; the slope is -+1, or -+1 / eps
    assert value == pytest.approx(eps if right else -np.log(eps), rel=1e-6)
    assert slope == pytest.approx((1 if y == 0 else -1) * (1 if right else 1 / eps), rel=1e-6)


@pytest.mark.parametrize(
    ("p", "y", "value", "slope"),
    # -log 0 = inf and -1 / 0 = -inf for y = 1; for p = y, 0 * log 0 and 0 / 0 are NaN
    [(0, 1, np.inf, -np.inf), (1, 0, np.inf, np.inf), (0, 0, np.nan, np.nan), (1, 1, np.nan, np.nan)],
)
def test_bce_raw_is_the_bare_formula(p, y, value, slope):
    loss = cp.BinaryCrossEntropy(raw=True)
    with np.errstate(all="ignore"):
        got, saved = loss.forward(array([p]), array([y]))
        np.testing.assert_equal([got, loss.backward(saved)[0, 0]], [value, slope])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nll_of_impossible_classes_is_finite(dtype):
    loss = cp.NegativeLogLikelihood()
    value, saved = loss.forward(np.array([[0, 1]], dtype=dtype), np.array([0]))
    tiny = np.finfo(dtype).tiny
    assert value == pytest.approx(-np.log(float(tiny)), rel=1e-6)
    assert loss.backward(saved)[0, 0] == pytest.approx(-1 / float(tiny), rel=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_saturated_activations_neither_overflow_nor_warn(dtype):
    z = np.array([[-1e4, 1e4]], dtype=dtype)
    for layer, wanted in ((cp.Sigmoid(), [0, 1]), (cp.Tanh(), [-1, 1])):
        y, dx, _ = run(layer, z, np.ones_like(z))
        assert np.array_equal(y[0], wanted)
        assert not dx.any()


def test_binary_losses_give_the_probabilities_of_both_classes():
    p = cp.BinaryCrossEntropy().probabilities(np.array([[0.25], [1.0]]))
    assert np.array_equal(p, [[0.75, 0.25], [0, 1]])
    z = np.array([[0.0], [np.log(3)]])  # sigmoid(ln 3) = 3 / (1 + 3)
    assert np.allclose(cp.BinaryCrossEntropyWithLogits().probabilities(z), [[0.5, 0.5], [0.25, 0.75]], rtol=1e-15)


def test_a_tie_of_two_classes_goes_to_the_first_in_every_count():
    # p = 1/2: argmax takes class 0, so a label 0 is right and a label 1 is wrong
    zero, one = np.array([[0.0]]), np.array([[1.0]])
    for loss, y_hat in ((cp.BinaryCrossEntropyWithLogits(), zero), (cp.BinaryCrossEntropy(), np.array([[0.5]]))):
        assert (loss.n_correct(y_hat, zero), loss.n_correct(y_hat, one)) == (1, 0)
    assert cp.CrossEntropy().n_correct(np.array([[2.0, 2.0]]), np.array([0])) == 1


def test_the_table_of_a_net_of_unknown_width():
    assert cp.Net(cp.Tanh(), cp.Sigmoid()).summary().count("?") >= 2
