"""Linear(bias=False): y = x W, everywhere that a linear layer goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.nn import LAYERS

X = np.random.default_rng(0).normal(size=(20, 3))
Y = np.arange(20) % 2


def make_net(dtype: str = "float64") -> cp.Net:
    return cp.Net(cp.Linear(3, 4, bias=False), cp.Tanh(), cp.Linear(4, 2, bias=False), seed=0, dtype=dtype)


def test_by_hand() -> None:
    """x = (1, 2), W = [[1, 2], [3, 4]], dy = (1, -1): y = (7, 10), dW = x^T dy = [[1, -1], [2, -2]], dx = dy W^T = (-1, -1)."""
    layer = cp.Linear(2, 2, bias=False)
    layer.W[:] = [[1, 2], [3, 4]]
    y, saved = layer.forward(np.array([[1.0, 2.0]]))
    np.testing.assert_array_equal(y, [[7, 10]])
    np.testing.assert_array_equal(layer.backward(saved, np.array([[1.0, -1.0]])), [[-1, -1]])
    np.testing.assert_array_equal(layer.dW, [[1, -1], [2, -2]])


def test_it_has_no_b() -> None:
    layer = cp.Linear(3, 4, bias=False)
    assert layer.names == ("W",)
    assert list(layer.parameters()) == list(layer.gradients()) == ["W"]
    with pytest.raises(AttributeError, match="'b'"):
        _ = layer.b
    assert cp.Linear(3, 4).names == ("W", "b")
    assert make_net().theta.size == 3 * 4 + 4 * 2


def test_the_weights_are_those_of_a_layer_with_bias() -> None:
    np.testing.assert_array_equal(cp.Linear(3, 4, bias=False).initialise(7).W, cp.Linear(3, 4).initialise(7).W)


def test_name_configuration_and_summary() -> None:
    layer = cp.Linear(3, 4, bias=False)
    assert repr(layer) == "Linear(3, 4, bias=False)"
    assert repr(LAYERS.make(layer.config())) == repr(layer)
    assert LAYERS.make({"type": "Linear", "n_in": 3, "n_out": 4}).names == ("W", "b")  # as in files of before
    assert "Linear(3, 4, bias=False)  (B, 4)          12     48" in make_net("float32").summary()


def test_gradients_are_right_and_a_wrong_one_is_named() -> None:
    assert cp.check(make_net(), (X, Y), loss=cp.CrossEntropy()).ok

    class Halved(cp.Linear):
        def backward(self, saved, dy):
            self.dW += saved.T @ dy / 2
            return dy @ self.W.T

    report = cp.check(
        cp.Net(Halved(3, 4, bias=False), cp.Tanh(), cp.Linear(4, 2, bias=False), seed=0), (X, Y), cp.CrossEntropy()
    )
    assert not report.ok
    assert "factor of 1/2" in str(report)


def test_a_step_of_it_is_explained() -> None:
    text = str(cp.explain(make_net(), X[:1], Y[:1], optimizer="adam"))
    assert "z1 = x W1 " in text
    assert "dW2 = a1^T dz2" in text
    assert "b1" not in text


def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    data = cp.data.Dataset("two", {"train": cp.data.Split(X, Y)}, classes=[0, 1])
    net = make_net()
    cp.fit(net, data, loss=cp.CrossEntropy(), epochs=2, engine="batch")
    cp.Model.of(net, cp.CrossEntropy(), data).save(tmp_path / "model.safetensors")
    again = cp.Model.load(tmp_path / "model.safetensors")
    assert repr(again.net) == repr(net)
    np.testing.assert_array_equal(again.net.theta, net.theta)


def test_a_run_is_resumed(tmp_path: Path) -> None:
    def train(**given: Any) -> np.ndarray:
        net = make_net()
        cp.fit(net, (X, Y), optimizer=cp.SGD(0.1, momentum=0.9), batch_size=4, engine="batch", **given)
        return net.theta

    train(epochs=2, callbacks=[cp.Checkpoint(tmp_path / "run.safetensors")])
    np.testing.assert_array_equal(train(epochs=4, resume=tmp_path / "run.safetensors"), train(epochs=4))


def test_it_is_diagnosed() -> None:
    assert cp.diagnose(make_net("float32"), (X.astype("f"), Y), optimizer="sgd").findings is not None
