"""A net as an nn.Sequential, and back."""

from __future__ import annotations

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import UnsupportedError

torch = pytest.importorskip("torch")
nn = torch.nn
X = np.random.default_rng(0).normal(size=(9, 3))


def trained(dtype: str) -> cp.Net:
    """Every kind of layer, with running statistics that are not the first ones."""
    net = cp.Net(
        cp.Linear(3, 5), cp.BatchNorm(5, momentum=0.4), cp.Tanh(), cp.Dropout(0.3), cp.Linear(5, 4), cp.ReLU(),
        cp.Linear(4, 4, bias=False), cp.Sigmoid(), cp.Linear(4, 2), cp.Softmax(), dtype=dtype,
    )  # fmt: skip
    cp.fit(net, (X, np.arange(9) % 2), loss="nll", epochs=3, batch_size=3)
    return net


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-14)])
def test_there_and_back(dtype: str, tolerance: float) -> None:
    net = trained(dtype)
    module = net.to_torch()
    with torch.no_grad():
        y_hat = module(torch.tensor(X.astype(dtype))).numpy()
    np.testing.assert_allclose(y_hat, net(X), rtol=tolerance, atol=tolerance)
    again = cp.Net.from_torch(module)
    assert again.dtype == net.dtype
    assert [repr(layer) for layer in again.layers] == [repr(layer) for layer in net.layers]
    np.testing.assert_array_equal(again.theta, net.theta)
    np.testing.assert_array_equal(again(X), net(X))


def test_the_module_has_parameters_of_its_own() -> None:
    net = cp.mlp([3, 2])
    module, before = net.to_torch(), net.theta.copy()
    with torch.no_grad():
        module[0].weight.zero_()
    np.testing.assert_array_equal(net.theta, before)
    again = cp.Net.from_torch(module)
    again.theta[:] = 1
    assert not module[0].weight.any()


def test_a_shared_layer_is_a_shared_module() -> None:
    twice = cp.Linear(3, 3)
    module = cp.Net(twice, cp.Tanh(), twice).to_torch()
    assert module[0] is module[2]
    again = cp.Net.from_torch(module)
    assert again[0] is again[2]
    assert again.theta.size == 12


def test_modules_of_pytorch_users() -> None:
    module = nn.Sequential(nn.Sequential(nn.Linear(3, 4, bias=False), nn.Tanh()), nn.Linear(4, 2), nn.Softmax(dim=-1))
    net = cp.Net.from_torch(module)
    with torch.no_grad():
        wanted = module(torch.tensor(X, dtype=torch.float32)).numpy()
    np.testing.assert_allclose(net(X), wanted, rtol=1e-5)
    assert repr(net[0]) == "Linear(3, 4, bias=False)"
    assert cp.Net.from_torch(nn.Linear(3, 1))(X).shape == (9, 1)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Sequential(nn.Conv1d(1, 2, 3)), "Conv1d.*has no counterpart in clearprop; from_torch knows Linear, Sigmoid"),
        (nn.Sequential(nn.Linear(3, 2), nn.Softmax(dim=0)), "must have dim=1"),
        (nn.BatchNorm1d(3, affine=False), "must have affine=True"),
        (nn.Conv2d(1, 2, (3, 2)), "must have square kernels"),
        (nn.Conv2d(1, 2, 3, dilation=2), "one group, no dilation"),
        (nn.Conv2d(2, 2, 3, groups=2), "one group, no dilation"),
        (nn.Conv2d(1, 2, 3, padding="same"), "must have square kernels"),
        (nn.MaxPool2d(3, stride=1), "squares side by side"),
        (nn.LayerNorm([2, 3]), "must run over one axis"),
        (nn.Unflatten(1, (2, 3)), "must turn rows into images"),
        (nn.Linear(3, 2).half(), "not in torch.float16"),
        ("a string", "takes a torch.nn.Module"),
    ],
)
def test_what_cannot_come_back(module, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        cp.Net.from_torch(module)


def test_a_users_layer_cannot_go_there() -> None:
    class Square(cp.Layer):
        def forward(self, x, training=False):
            return x * x, x

        def backward(self, saved, dy):
            return dy * 2 * saved

    with pytest.raises(UnsupportedError, match=r"Square\(\) has no counterpart in PyTorch"):
        cp.Net(cp.Linear(3, 2), Square()).to_torch()
