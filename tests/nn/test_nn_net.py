"""The net: one flat vector, views into it, sums over shared layers, copies."""

import copy
import pickle

import numpy as np
import pytest

import clearprop as cp


def value_and_gradient(net, loss, X, y, training=False):
    net.zero_grad()
    y_hat, saved = net.forward(X, training)
    value, kept = loss.forward(y_hat, y)
    dX = net.backward(saved, loss.backward(kept))
    return value, net.grad.copy(), dX


def check_views(net):
    """Every parameter and gradient lies in theta and grad, in order and without gaps."""
    values = [a for layer in net.unique_layers() for a in layer.parameters().values()]
    slopes = [a for layer in net.unique_layers() for a in layer.gradients().values()]
    for flat, arrays in ((net.theta, values), (net.grad, slopes)):
        assert flat.flags.c_contiguous
        assert flat.ndim == 1
        assert flat.dtype == net.dtype
        flat[:] = np.arange(flat.size)
        assert np.array_equal(np.concatenate([a.ravel() for a in arrays]), flat)
        assert all(np.shares_memory(a, flat) for a in arrays)


def twice(width=3, dtype="float64"):
    shared = cp.Linear(width, width)
    return cp.Net(shared, cp.Tanh(), shared, cp.Tanh(), cp.Linear(width, 2), seed=4, dtype=dtype)


def test_theta_is_the_parameters():
    net = cp.Net(cp.Linear(2, 3), cp.Tanh(), cp.BatchNorm(3), cp.Linear(3, 1), dtype="float64")
    assert net.theta.size == 2 * 3 + 3 + 3 + 3 + 3 * 1 + 1
    check_views(net)
    net.theta[:] = 0
    net[0].W[1, 2] = 5  # row 1 of 3 columns
    assert np.flatnonzero(net.theta) == [1 * 3 + 2]
    net.theta[-1] = 7
    assert net[3].b == [7]


def test_a_shared_layer_lies_in_theta_once_and_gets_both_gradients(slope, agree):
    net, loss, rng = twice(), cp.CrossEntropy(), np.random.default_rng(0)
    X, y = rng.normal(size=(4, 3)), rng.integers(2, size=4)
    assert net.theta.size == 3 * 3 + 3 + 3 * 2 + 2
    check_views(twice())
    _, grad, dX = value_and_gradient(net, loss, X, y)
    wanted = slope(lambda: loss(net(X), y), net.theta)
    agree(grad, wanted, 1e-6)
    agree(dX, slope(lambda: loss(net(X), y), X), 1e-6)

    class Assigned(cp.Linear):
        def backward(self, saved, dy):
            self.dW[:], self.db[:] = saved.T @ dy, dy.sum(axis=0)
            return dy @ self.W.T

    shared = Assigned(3, 3)
    wrong = cp.Net(shared, cp.Tanh(), shared, cp.Tanh(), cp.Linear(3, 2), seed=None, dtype="float64")
    wrong.theta[:] = net.theta
    with pytest.raises(AssertionError):
        agree(value_and_gradient(wrong, loss, X, y)[1], wanted, 1e-6)


def test_the_derivative_of_a_square_is_a_sum():
    # y = w (w x) = w^2 x, dy/dw = 2 w x: at w = 3, x = 1 it is 6, not the 3 of the last use alone
    layer = cp.Linear(1, 1)
    net = cp.Net(layer, layer, seed=None, dtype="float64")
    layer.W[:] = 3
    y, saved = net.forward(np.array([[1.0]]))
    assert y == 9
    assert net.backward(saved, np.ones((1, 1))) == 9
    assert layer.dW == 6


def test_gradients_add_up_until_they_are_zeroed():
    net, loss, rng = twice(), cp.CrossEntropy(), np.random.default_rng(1)
    X, y = rng.normal(size=(4, 3)), rng.integers(2, size=4)
    once = value_and_gradient(net, loss, X, y)[1]
    y_hat, saved = net.forward(X)
    net.backward(saved, loss.backward(loss.forward(y_hat, y)[1]))
    np.testing.assert_allclose(net.grad, 2 * once, rtol=1e-14)
    view = net.grad
    net.zero_grad()
    assert net.grad is view
    assert not net[0].dW.any()


COPIES = {
    "copy": lambda net: net.copy(),
    "deepcopy": copy.deepcopy,
    "pickle": lambda net: pickle.loads(pickle.dumps(net)),
    "astype": lambda net: net.astype("float64"),
    "copy.copy": copy.copy,
}


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_copies_are_equal_independent_and_still_views(duplicate):
    net = twice(dtype="float32")
    net.layers[4].init = cp.Normal(0.5)
    X = np.random.default_rng(0).normal(size=(4, 3))
    before, theta = net(X), net.theta.copy()
    twin = duplicate(net)
    np.testing.assert_allclose(twin(X), before, rtol=1e-5)
    assert np.array_equal(twin.theta, theta)
    assert twin.layers[0] is twin.layers[2]  # still shared
    assert repr(twin.layers) == repr(net.layers)
    check_views(twin)  # writes to twin.theta
    assert np.array_equal(net.theta, theta)
    assert np.array_equal(net(X), before)
    check_views(net)


def test_astype_changes_every_array():
    net = cp.Net(cp.Linear(2, 3), cp.BatchNorm(3), dtype="float32")
    wide = net.astype("float64")
    assert net.dtype == net[0].W.dtype == net[1].running_var.dtype == np.float32
    assert wide.dtype == wide.theta.dtype == wide.grad.dtype == wide[0].dW.dtype == wide[1].running_var.dtype == np.float64
    assert wide(np.ones((1, 2))).dtype == np.float64


def test_copies_draw_the_same_masks():
    net = cp.Net(cp.Linear(4, 4), cp.Dropout(0.5), seed=1)
    net.forward(np.ones((2, 4)), training=True)
    twins = [net.copy(), pickle.loads(pickle.dumps(net)), net.astype("float64")]
    masks = [n.forward(np.ones((2, 4)), training=True)[1][1] for n in (net, *twins)]
    assert all(np.array_equal(mask, masks[0]) for mask in masks)


def test_a_layer_belongs_to_one_net():
    layer = cp.Linear(2, 2)
    net = cp.Net(layer)
    with pytest.raises(ValueError, match=r"Linear\(2, 2\) already belongs to another Net.*use layer\.copy\(\)"):
        cp.Net(cp.Tanh(), layer)
    other = cp.Net(layer.copy(), seed=None)
    other.theta[:] = 3
    assert not (net.theta == 3).any()


def test_layer_copy_belongs_to_no_net():
    net = cp.Net(cp.Linear(2, 2))
    twin = net[0].copy()
    twin.W[:] = 9
    assert not (net.theta == 9).any()
    assert np.array_equal(twin.b, net[0].b)


def test_a_failed_net_leaves_its_layers_free():
    layer = cp.Linear(2, 3)
    with pytest.raises(ValueError, match="takes 4 inputs"):
        cp.Net(layer, cp.Linear(4, 1))
    cp.Net(layer, cp.Linear(3, 1))


def test_seed_none_keeps_the_values():
    layer = cp.Linear(2, 2)
    layer.W[:] = [[1, 2], [3, 4]]
    assert np.array_equal(cp.Net(layer, seed=None).theta, [1, 2, 3, 4, 0, 0])


def test_a_net_without_parameters():
    net = cp.Net(cp.Tanh(), cp.Softmax())
    assert net.theta.shape == net.grad.shape == (0,)
    y, saved = net.forward(np.ones((2, 3)))
    assert net.backward(saved, y).shape == (2, 3)


def test_calling_is_forward_without_training():
    net = cp.Net(cp.Linear(3, 3), cp.BatchNorm(3), cp.Dropout(0.5), dtype="float64")
    X = np.random.default_rng(0).normal(size=(5, 3))
    assert np.array_equal(net(X), net.forward(X)[0])
    assert np.array_equal(net(X), net(X))
    assert not np.array_equal(net(X), net.forward(X, training=True)[0])


def test_lists_and_integers_are_taken_as_batches():
    net = cp.Net(cp.Linear(2, 1), dtype="float64")
    assert np.array_equal(net([[1, 2], [3, 4]]), net(np.array([[1.0, 2.0], [3.0, 4.0]])))


def test_mlp_is_the_stack_it_says():
    net = cp.mlp([4, 5, 6, 2], hidden=["tanh", "relu"], output="softmax", dropout=0.2)
    assert " ".join(type(layer).__name__ for layer in net) == "Linear Tanh Dropout Linear ReLU Dropout Linear Softmax"
    assert [repr(net[i].init) for i in (0, 3, 6)] == ["Xavier()", "He()", "Xavier()"]
    assert (net.n_in, net.n_out) == (4, 2)
    assert net.theta.size == 4 * 5 + 5 + 5 * 6 + 6 + 6 * 2 + 2
    linear = cp.mlp([4, 5, 2], hidden="linear", init="normal")
    assert [repr(layer) for layer in linear] == ["Linear(4, 5, init=Normal())", "Linear(5, 2, init=Normal())"]
    assert repr(cp.mlp([4, 2])[0]) == "Linear(4, 2)"


def test_summary_counts_parameters_and_bytes():
    text = twice().summary(batch_size=10)
    assert "20 parameters, 160 bytes (float64)" in text  # 9 + 3 shared, counted once, + 6 + 2; 8 bytes each
    assert "(shared, counted above)" in text
    rows = text.splitlines()
    assert rows[2].split()[-1] == "240"  # the first layer saves its input: 10 x 3 x 8 bytes
    assert "<table>" in twice()._repr_html_()
