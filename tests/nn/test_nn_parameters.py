"""Parameters: a net draws only what its layers do not hold, and no assignment detaches an array from its vector."""

import copy
import pickle
from typing import Literal, get_args, get_type_hints

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import OptionError, ShapeError
from clearprop.nn import LOSSES

W, B = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [7.0, 8.0, 9.0]


def trained_layer():
    net = cp.Net(cp.Linear(2, 3), cp.Tanh(), cp.Linear(3, 2), seed=4)
    X = np.random.default_rng(0).normal(size=(20, 2))
    cp.fit(net, (X, (X[:, 0] > 0).astype(int)), epochs=1, engine="batch")
    return net[0]


def assigned():
    layer = cp.Linear(2, 3)
    layer.W = W
    return layer


def written_in_place():
    layer = cp.Linear(2, 3)
    layer.W[:] = W
    return layer


def set_to_zero():
    layer = cp.Linear(2, 3)
    layer.W[:] = 0
    return layer


HOLDING = {
    "assigned": assigned,
    "written in place": written_in_place,
    "set to zero": set_to_zero,
    "initialised": lambda: cp.Linear(2, 3, bias_init="normal").initialise(3),
    "a copy of a trained one": lambda: trained_layer().copy(),
    "a deep copy of a trained one": lambda: copy.deepcopy(trained_layer()),
    "a pickle of a trained one": lambda: pickle.loads(pickle.dumps(trained_layer())),
}


# --- drawing what is not held ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", HOLDING.values(), ids=HOLDING)
@pytest.mark.parametrize("seed", [0, 5, None])
def test_a_net_takes_over_what_its_layers_hold(make, seed):
    layer = make()
    held = layer.W.copy(), layer.b.copy()
    net = cp.Net(layer, cp.Linear(3, 2), seed=seed, dtype="float64")
    assert np.array_equal(net[0].W, held[0])
    assert np.array_equal(net[0].b, held[1])
    assert np.isnan(net[1].W).all() == (seed is None)


def test_a_fresh_layer_holds_biases_of_zero_but_no_weights():
    layer = cp.Linear(2, 3)
    assert layer.undrawn() == ["W"]
    assert np.isnan(layer.W).all()
    assert not layer.b.any()
    assert cp.Linear(2, 3, bias_init="normal").undrawn() == ["W", "b"]
    assert cp.Linear(2, 3, init="zeros").undrawn() == cp.BatchNorm(3).undrawn() == cp.Tanh().undrawn() == []
    assert not cp.Net(cp.Linear(2, 3, init="zeros")).theta.any()


def test_the_seed_decides_what_is_drawn_and_one_that_is_held_takes_nothing_from_it():
    fresh = [cp.Net(cp.Linear(2, 3), cp.Linear(3, 2), seed=seed) for seed in (5, 5, 6)]
    assert np.array_equal(fresh[0].theta, fresh[1].theta)
    assert not np.array_equal(fresh[0][1].W, fresh[2][1].W)
    alone = cp.Net(cp.Linear(3, 2), seed=5)
    assert np.array_equal(cp.Net(assigned(), cp.Linear(3, 2), seed=5)[1].W, alone[0].W)


def test_what_is_held_in_part_is_drawn_in_part():
    layer = cp.Linear(2, 3, bias_init="normal")
    layer.b = B
    net = cp.Net(layer, seed=0, dtype="float64")
    assert np.array_equal(net[0].b, B)
    assert np.isfinite(net[0].W).all()
    assert net[0].W.any()


def test_a_trained_batch_norm_keeps_its_statistics():
    net = cp.Net(cp.BatchNorm(2), seed=0)
    net.forward(np.array([[5.0, 1.0], [7.0, 3.0]]), training=True)
    again = cp.Net(net[0].copy(), seed=0)
    assert again[0].running_mean.tolist() == net[0].running_mean.tolist() != [0, 0]


def test_nothing_is_drawn_without_a_seed():
    net = cp.Net(cp.Linear(2, 3), seed=None)
    assert np.isnan(net[0].W).all()
    net.theta = np.arange(9)
    assert net[0].b.tolist() == [6, 7, 8]


def test_initialise_draws_everything_anew():
    net = cp.Net(assigned(), cp.Linear(3, 2), seed=0)
    fresh = cp.Net(cp.Linear(2, 3), cp.Linear(3, 2), seed=8)
    view = net.theta
    assert net.initialise(8) is net
    assert np.array_equal(net.theta, fresh.theta)
    assert net.theta is view


class Scale(cp.Layer):
    """A user's layer with a parameter."""

    names = ("s",)

    def __init__(self, n):
        self.n = self.n_in = n
        self.allocate(s=(n,))

    def initialise(self, rng):
        self.s = np.random.default_rng(rng).uniform(1, 2, self.n)
        return self

    def forward(self, x, training=False):
        return x * self.s, x

    def backward(self, saved, dy):
        self.ds += (dy * saved).sum(axis=0)
        return dy * self.s


def test_a_users_layer_is_drawn_like_the_others():
    drawn = cp.Net(Scale(3), seed=0)[0].s
    assert ((drawn >= 1) & (drawn < 2)).all()
    layer = Scale(3)
    layer.s = B
    assert cp.Net(layer, seed=0).theta.tolist() == B


def test_a_check_draws_what_is_missing():
    assert cp.check_layer(cp.Linear(3, 2), 3).ok
    assert cp.check_layer(assigned(), 2).ok
    assert cp.check_layer(Scale(3), 3).ok


# --- assignment -----------------------------------------------------------------------------------------------------------


def test_assigning_theta_copies_into_it():
    net, loss = cp.mlp([2, 10, 2], hidden="tanh", seed=0), cp.CrossEntropy()
    data = cp.data.load("circles", seed=0)
    theta, other = net.theta, cp.mlp([2, 10, 2], hidden="tanh", seed=1).theta
    net.theta = other
    assert net.theta is theta
    assert np.array_equal(theta, other)
    assert not np.shares_memory(theta, other)
    assert np.shares_memory(net[0].W, theta)
    history = cp.fit(net, data, epochs=2, engine="batch", train_metrics="after")
    assert history[-1]["train_loss"] == pytest.approx(cp.evaluate(net, data.train, loss)["loss"], rel=1e-6)


def test_assigning_the_gradient_copies_into_it():
    net = cp.Net(cp.Linear(2, 1), dtype="float64")
    grad = net.grad
    net.grad = [1, 2, 3]
    net.grad += 1
    assert net.grad is grad
    assert net[0].dW.ravel().tolist() == [2, 3]
    assert net[0].db.tolist() == [4]


def test_assigning_a_parameter_copies_into_the_view():
    net = cp.Net(cp.Linear(2, 3), seed=0)
    layer, view = net[0], net[0].W
    layer.W = W
    layer.b = np.array(B)
    layer.W += 1
    layer.dW = np.ones((2, 3))
    assert layer.W is view
    assert net.theta.tolist() == [2, 3, 4, 5, 6, 7, 7, 8, 9]
    assert net.grad.tolist() == [1] * 6 + [0] * 3
    assert net.theta.dtype == np.float32


def test_a_backward_that_assigns_reaches_the_gradient_of_the_net():
    class Assigning(cp.Linear):
        def backward(self, saved, dy):
            self.dW = saved.T @ dy
            return dy @ self.W.T

    net = cp.Net(Assigning(2, 1), seed=0)
    y, saved = net.forward(np.ones((3, 2)))
    net.backward(saved, np.ones_like(y))
    assert net.grad.tolist() == [3, 3, 0]


ASSIGNMENTS = {
    "theta": (lambda net: setattr(net, "theta", np.ones(3)), "theta has shape (9,) and cannot be set to a float64 array"),
    "grad": (lambda net: setattr(net, "grad", 0), "grad has shape (9,) and cannot be set to 0 (int); give an array"),
    "W": (
        lambda net: setattr(net[0], "W", np.ones((3, 2))),
        "W of Linear(2, 3) has shape (2, 3) and cannot be set to a float64 array of shape (3, 2); give an array of that shape,"
        " or write W[:] = ... to broadcast.",
    ),
    "dW": (lambda net: setattr(net[0], "dW", None), "dW of Linear(2, 3) has shape (2, 3) and cannot be set to None"),
    "W of a free layer": (
        lambda net: setattr(net[0].copy(), "W", [[1, 2, 3]]),
        "W of Linear(2, 3) has shape (2, 3) and cannot be set to a list of length 1",
    ),
}


@pytest.mark.parametrize(("assign", "message"), ASSIGNMENTS.values(), ids=ASSIGNMENTS)
def test_another_shape_is_one_sentence(assign, message):
    net = cp.Net(cp.Linear(2, 3))
    before = net.theta.copy()
    with pytest.raises(ShapeError) as caught:
        assign(net)
    assert str(caught.value).startswith(message)
    assert np.array_equal(net.theta, before)


def test_the_layers_of_a_net_are_fixed():
    net = cp.mlp([2, 3, 2])
    assert isinstance(net.layers, tuple)
    with pytest.raises(AttributeError):
        net.layers = [cp.Linear(2, 2)]
    with pytest.raises(OptionError, match=r"one by one, not a list of length 2; write Net\(\*layers\)"):
        cp.Net([cp.Linear(2, 3), cp.Tanh()])


def test_a_layer_is_found_by_identity():
    net = cp.Net(cp.Linear(2, 2), cp.Tanh(), cp.Linear(2, 2))
    assert net.layers.index(net.layers[2]) == 2
    assert {net[0]: "first", net[2]: "last"}[net[2]] == "last"
    assert net[0] != net[2]
    assert net[0].same_config(net[2])


# --- words that are one of a few ---------------------------------------------------------------------------------------------


def test_words_that_are_one_of_a_few_are_literals():
    for name in LOSSES:
        assert get_type_hints(LOSSES.find(name).__init__)["reduction"] == Literal["mean", "sum"]
    assert get_type_hints(cp.He.__init__)["distribution"] == Literal["uniform", "normal"]
    for function in (cp.Net.__init__, cp.mlp):
        assert Literal["float32", "float64"] in get_args(get_type_hints(function)["dtype"])


def test_a_layer_that_holds_no_weights_says_so_instead_of_giving_nan():
    layer, x = cp.Linear(2, 3), np.ones((1, 2))
    with pytest.raises(cp.ClearpropError, match=r"Linear\(2, 3\) holds no W yet: call initialise\(seed\), assign to W"):
        layer(x)
    layer.W = np.ones((2, 3))
    np.testing.assert_array_equal(layer(x), [[2, 2, 2]])
    assert np.isfinite(cp.Linear(2, 3).initialise(0)(x)).all()
