"""check and check_layer: planted faults in each layer, conduct, the quick evaluation of many shifts, and time."""

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import OptionError, ShapeError
from clearprop.gradcheck import assert_gradients, check, check_layer
from clearprop.gradcheck.numeric.net_objective import NetObjective
from clearprop.gradcheck.numeric.objective import Objective
from clearprop.nn import LOSSES


class HalfLinear(cp.Linear):
    """Forgets to sum over the batch: takes the mean."""

    def backward(self, saved, dy):
        self.dW += saved.T @ dy
        self.db += dy.mean(axis=0)
        return dy @ self.W.T


class DiagonalSoftmax(cp.Softmax):
    def backward(self, saved, dy):
        return dy * saved * (1 - saved)


class NearlyTanh(cp.Tanh):
    def backward(self, saved, dy):
        return dy * (1 - saved * saved) * 1.0005


class Assigning(cp.Linear):
    def backward(self, saved, dy):
        self.dW[:] = saved.T @ dy
        self.db[:] = dy.sum(axis=0)
        return dy @ self.W.T


class Square(cp.Layer):
    def forward(self, x, training=False):
        return x * x, x

    def backward(self, saved, dy):
        return 2 * saved * dy


class Random(cp.Tanh):
    def forward(self, x, training=False):
        a = np.tanh(x) * np.random.default_rng().random()
        return a, a


class FlippedConv2d(cp.Conv2d):
    """Turns the kernel round, as many do who have read that the derivative of a convolution is one."""

    def backward(self, saved, dy):
        super().backward(saved, dy)
        twin = cp.Conv2d(self.n_in_channels, self.n_out_channels, self.kernel)
        twin.W[:] = self.W[:, :, ::-1, ::-1]
        return twin.backward(saved, dy)


class FirstMaxPool2d(cp.MaxPool2d):
    """Hands dy to the first number of each square, not to the largest."""

    def backward(self, saved, dy):
        place, shape = saved
        return super().backward((np.zeros_like(place), shape), dy)


class OnceEmbedding(cp.Embedding):
    """Assigns with +=, which adds once where several examples pick a row."""

    def backward(self, saved, dy):
        self.dW[saved] += dy[:, len(self.numbers) :].reshape(*saved.shape, self.dim)
        return np.zeros((len(dy), self.n_in))


class BareResidual(cp.Residual):
    """Forgets the path around the layers."""

    def backward(self, saved, dy):
        return super().backward(saved, dy) - dy


class LeakyLayerNorm(cp.LayerNorm):
    """Lets a hundredth of dy through, past the normalisation."""

    def backward(self, saved, dy):
        return super().backward(saved, dy) + 0.01 * dy


RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(30, 3)), RNG.integers(2, size=30)


def test_planted_faults_are_found_where_they_are():
    net = cp.Net(cp.Linear(3, 4), cp.Tanh(), HalfLinear(4, 2))
    report = check(net, (X, Y), "cross_entropy")
    assert [tensor.name for tensor in report.tensors if tensor.verdict == "wrong"] == ["b2"]
    assert report.suspects
    net = cp.Net(cp.Linear(3, 4), NearlyTanh(), cp.Linear(4, 2))
    report = check(net, (X, Y), "cross_entropy")
    assert [tensor.verdict for tensor in report.tensors] == ["wrong", "wrong", "right", "right", "wrong"]
    net = cp.Net(cp.Linear(3, 4), cp.Sigmoid(), cp.Linear(4, 2), DiagonalSoftmax())
    report = check(net, (X, Y), "negative_log_likelihood")
    assert "softmax" in str(report.suspects[0]).lower()
    assert report.verdict == "wrong"


BLOCKS = {
    "conv2d": [cp.Unflatten(2, 3, 4), FlippedConv2d(2, 1, kernel=2), cp.Flatten(), cp.Linear(6, 2)],
    "max pool": [cp.Unflatten(1, 4, 6), FirstMaxPool2d(2), cp.Flatten(), cp.Linear(6, 2)],
    "residual": [BareResidual(cp.Linear(24, 24), cp.Tanh()), cp.Linear(24, 2)],
    "layernorm": [LeakyLayerNorm(24), cp.Linear(24, 2)],
    "linear behind a convolution": [cp.Unflatten(2, 3, 4), cp.Conv2d(2, 1, 2), cp.Flatten(), HalfLinear(6, 2)],
}


@pytest.mark.parametrize("name", BLOCKS)
def test_faults_in_layers_that_the_catalogue_does_not_know(name):
    """Nothing is said of where they come from, but they are found in the arrays that they spoil, and in no others."""
    net = cp.Net(cp.Linear(3, 24), *[layer.copy() for layer in BLOCKS[name]], seed=3)
    report = check(net, (X, Y), "cross_entropy")
    wrong = [tensor.name for tensor in report.tensors if tensor.verdict == "wrong"]
    assert wrong == (["b2"] if name == "linear behind a convolution" else ["W1", "b1", "X"]), report
    assert report.verdict == "wrong"


def test_a_category_that_is_picked_twice():
    assert [tensor.verdict for tensor in check_layer(OnceEmbedding([0, 2, 3]), (6, 3)).tensors] == ["wrong"]
    report = check_layer(cp.Embedding([0, 2, 3]), (6, 3))
    assert [(tensor.name, tensor.verdict) for tensor in report.tensors] == [("W", "right")]


def test_layers_alone():
    assert check_layer(Square(), (4, 3)).ok
    assert check_layer(cp.Linear(3, 2), 3).ok
    report = check_layer(cp.BatchNorm(3), (4, 3))
    assert [tensor.name for tensor in report.tensors] == ["gamma", "beta", "x"]
    assert [tensor.verdict for tensor in check_layer(HalfLinear(3, 2), (4, 3)).tensors] == ["right", "wrong", "right"]
    assert check_layer(NearlyTanh(), (4, 3)).verdict == "wrong"
    with pytest.raises(ShapeError, match=r"shape must be that of a batch, \(B, n_in\), or n_in alone, not \(2, 3, 4\)"):
        check_layer(cp.Tanh(), (2, 3, 4))
    with pytest.raises(AssertionError, match=r"NearlyTanh\(\), input \(4, 3\): wrong"):
        assert_gradients(NearlyTanh(), (4, 3))


def test_conduct():
    report = check(cp.Net(Assigning(3, 2)), (X, Y), "cross_entropy")
    assert report.ok
    assert "the gradient of W1 in place of the last one; it must add to it: dW += ..." in str(report)
    report = check(cp.Net(cp.Linear(3, 2), Random()), (X, Y), "cross_entropy")
    assert report.verdict == "inconclusive"
    assert "not deterministic" in str(report)
    net = cp.Net(cp.Linear(3, 4), cp.BatchNorm(4), cp.Dropout(), cp.Linear(4, 2))
    before = net.theta.copy(), net[1].running_mean.copy(), net[2].rng.bit_generator.state
    assert check(net, (X, Y), "cross_entropy").ok
    assert np.array_equal(net.theta, before[0])
    assert np.array_equal(net[1].running_mean, before[1])
    assert net[2].rng.bit_generator.state == before[2]
    shared = cp.Linear(3, 3)
    assert check(cp.Net(shared, cp.Tanh(), shared), (X, Y), "cross_entropy").ok
    assert check(cp.Net(Square(), cp.Linear(3, 2)), cp.data.Split(X, Y), "cross_entropy", weight_decay=0.3).ok
    with pytest.raises(OptionError, match=r"data must be a Dataset or a Split or a pair \(X, y\)"):
        check(net, X, "cross_entropy")
    with pytest.raises(OptionError, match="batch_size must be a whole number, 1 or more, not 0"):
        check(net, (X, Y), "cross_entropy", batch_size=0)


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_many_shifts_at_once_are_shifts_of_the_loss_itself(loss, reduction):
    rng = np.random.default_rng(1)
    ends = {"negative_log_likelihood": [cp.Softmax()], "binary_cross_entropy": [cp.Sigmoid()]}.get(loss, [])
    net = cp.Net(cp.Linear(3, 4), cp.Tanh(), cp.Linear(4, 3), cp.Softmax(), cp.Linear(3, 2), *ends, seed=1, dtype="float64")
    y = Y[:6] if loss in ("cross_entropy", "negative_log_likelihood", "focal") else np.eye(2)[Y[:6]]
    made = LOSSES.make({"type": loss, "reduction": reduction})
    objective = NetObjective(net, made, X[:6], y, weight_decay=0.2)
    assert objective.shifted is not None
    for name, array in objective.arrays.items():
        index, h = np.arange(array.size), rng.uniform(-0.5, 0.5, array.size)
        for quick, slow in zip(objective.pairs(name, index, h), Objective.pairs(objective, name, index, h), strict=True):
            np.testing.assert_allclose(quick, slow, rtol=1e-13)


def test_large_nets_in_full_and_at_a_glance():  # times are measured in benchmarks/check_speed.py
    X, y = RNG.random((64, 100)) * (RNG.random((64, 100)) > 0.8), RNG.integers(10, size=64)
    report = check(cp.mlp([100, 60, 10], hidden="sigmoid"), (X, y), "cross_entropy", method="full")
    assert report.ok
    assert [tensor.checked for tensor in report.tensors] == [6000, 60, 600, 10, 16 * 100]
    assert report.evaluations > 2 * 8270
    wrong = cp.Net(cp.Linear(100, 60), NearlyTanh(), cp.Linear(60, 10))
    report = check(wrong, (X, y), "cross_entropy")
    assert [tensor.verdict for tensor in report.tensors] == ["wrong", "wrong", "right", "right", "wrong"]
    net, X = cp.mlp([784, 300, 10], hidden="sigmoid"), RNG.random((64, 784))
    report = check(net, (X, y), "cross_entropy", method="projection")
    assert report.ok
    assert report.evaluations < 10
    report = check(net, (X, y), "cross_entropy")
    assert report.ok
    assert all(tensor.checked >= 10 for tensor in report.tensors)
