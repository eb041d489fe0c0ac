"""Every layer against central differences and torch.autograd, and planted faults that the same comparison must find.

The tolerances: central differences with h = 1e-5 in float64 carry an error of h^2 / 6 f''' + 1e-16 / h, about 1e-11, and
torch only rounding. 1e-6 and 1e-12 leave room, and still reject a derivative that is wrong by 0.001 %.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import clearprop as cp
from clearprop.nn import ACTIVATIONS, LAYERS, softmax

NUMERIC, TORCH = 1e-6, 1e-12
SCALES = (1.0, 1e-6, 1e-12)  # of dy: the comparison must not go blind when gradients are small


class Case(NamedTuple):
    layer: cp.Layer
    shape: tuple[int, ...]
    reference: Callable  # (x, parameters by name, the layer) -> y, in torch
    training: bool = False


def torch_linear(x, p, layer):
    return x @ p["W"] + p["b"]


def torch_batchnorm(training):
    def reference(x, p, layer):
        mean, var = torch.tensor(layer.running_mean), torch.tensor(layer.running_var)
        return torch.nn.functional.batch_norm(x, mean, var, p["gamma"], p["beta"], training, layer.momentum, layer.eps)

    return reference


def torch_layernorm(x, p, layer):
    return F.layer_norm(x, (layer.n,), p["gamma"], p["beta"], layer.eps)


def torch_residual(x, p, layer):
    return x + torch.tanh(x @ p["0.W"] + p["0.b"]) @ p["2.W"] + p["2.b"]


def torch_residual_norm(x, p, layer):
    z = x @ p["0.W"]
    return x + F.batch_norm(z, None, None, p["1.gamma"], p["1.beta"], True, 0.1, 1e-5)


def torch_conv2d(x, p, layer):
    return F.conv2d(x, p["W"], p["b"], layer.stride, layer.padding)


def torch_dropout(x, p, layer):
    mask = np.random.default_rng(5).random(tuple(x.shape)) >= layer.rate
    return torch.where(torch.tensor(mask), x / (1 - layer.rate), torch.zeros(()))


CASES = {
    "linear": Case(cp.Linear(3, 2), (4, 3), torch_linear),
    "linear, square": Case(cp.Linear(3, 3), (5, 3), torch_linear),
    "linear, 1 to 1, one example": Case(cp.Linear(1, 1), (1, 1), torch_linear),
    "linear, wide": Case(cp.Linear(2, 7), (1, 2), torch_linear),
    "sigmoid": Case(cp.Sigmoid(), (4, 3), lambda x, p, layer: torch.sigmoid(x)),
    "tanh": Case(cp.Tanh(), (4, 3), lambda x, p, layer: torch.tanh(x)),
    "relu": Case(cp.ReLU(), (4, 3), lambda x, p, layer: torch.relu(x)),
    "leaky relu": Case(cp.LeakyReLU(), (4, 3), lambda x, p, layer: F.leaky_relu(x, 0.01)),
    "leaky relu, slope": Case(cp.LeakyReLU(0.3), (4, 3), lambda x, p, layer: F.leaky_relu(x, 0.3)),
    "elu": Case(cp.ELU(), (4, 3), lambda x, p, layer: F.elu(x)),
    "elu, alpha": Case(cp.ELU(1.7), (4, 3), lambda x, p, layer: F.elu(x, 1.7)),
    "selu": Case(cp.SELU(), (4, 3), lambda x, p, layer: F.selu(x)),
    "softplus": Case(cp.Softplus(), (4, 3), lambda x, p, layer: F.softplus(x)),
    "silu": Case(cp.SiLU(), (4, 3), lambda x, p, layer: F.silu(x)),
    "gelu": Case(cp.GELU(), (4, 3), lambda x, p, layer: F.gelu(x)),
    "gelu, tanh": Case(cp.GELUTanh(), (4, 3), lambda x, p, layer: F.gelu(x, approximate="tanh")),
    "identity": Case(cp.nn.Identity(), (4, 3), lambda x, p, layer: x * 1),
    "softmax": Case(cp.Softmax(), (4, 3), lambda x, p, layer: torch.softmax(x, 1)),
    "softmax, one example": Case(cp.Softmax(), (1, 5), lambda x, p, layer: torch.softmax(x, 1)),
    "dropout, training": Case(cp.Dropout(0.4), (6, 5), torch_dropout, training=True),
    "dropout, after": Case(cp.Dropout(0.4), (6, 5), lambda x, p, layer: x * 1),
    "batchnorm, training": Case(cp.BatchNorm(3, momentum=0.3), (5, 3), torch_batchnorm(True), training=True),
    "batchnorm, two examples": Case(cp.BatchNorm(2, eps=0.1), (2, 2), torch_batchnorm(True), training=True),
    "layernorm": Case(cp.LayerNorm(3), (5, 3), torch_layernorm),
    "layernorm, one example": Case(cp.LayerNorm(6, eps=0.1), (1, 6), torch_layernorm),
    "residual": Case(cp.Residual(cp.Linear(3, 4), cp.Tanh(), cp.Linear(4, 3)), (5, 3), torch_residual),
    "residual, batchnorm": Case(
        cp.Residual(cp.Linear(3, 3, bias=False), cp.BatchNorm(3)), (5, 3), torch_residual_norm, training=True
    ),
    "unflatten": Case(cp.Unflatten(2, 2, 3), (3, 12), lambda x, p, layer: x.reshape(3, 2, 2, 3)),
    "flatten": Case(cp.Flatten(), (3, 2, 2, 3), lambda x, p, layer: x.flatten(1)),
    "conv2d": Case(cp.Conv2d(2, 3), (2, 2, 5, 4), torch_conv2d),
    "conv2d, stride": Case(cp.Conv2d(1, 2, kernel=2, stride=2), (3, 1, 5, 7), torch_conv2d),
    "conv2d, padding": Case(cp.Conv2d(2, 2, kernel=3, stride=2, padding=1), (2, 2, 5, 4), torch_conv2d),
    "conv2d, 1 x 1": Case(cp.Conv2d(3, 2, kernel=1), (1, 3, 2, 2), torch_conv2d),
    "max pool": Case(cp.MaxPool2d(2), (2, 2, 5, 4), lambda x, p, layer: F.max_pool2d(x, 2)),
    "max pool, 3 x 3": Case(cp.MaxPool2d(3), (2, 1, 6, 7), lambda x, p, layer: F.max_pool2d(x, 3)),
    "batchnorm, after": Case(cp.BatchNorm(3), (5, 3), torch_batchnorm(False)),
}


def prepare(case: Case) -> tuple[cp.Layer, np.ndarray, np.ndarray]:
    """A copy of the layer with random parameters; x away from ReLU's kink by 0.1, which is 10^4 steps h; and dy."""
    rng = np.random.default_rng(3)
    layer = case.layer.copy()
    for p in layer.parameters().values():
        p[...] = rng.normal(size=p.shape)
    for name in layer.buffers:
        getattr(layer, name)[...] = rng.uniform(0.5, 2, getattr(layer, name).shape)
    x = rng.choice([-1, 1], case.shape) * rng.uniform(0.1, 2, case.shape)
    return layer, x, rng.normal(size=layer.forward(x, training=True)[0].shape if len(x) > 1 else layer(x).shape)


def forward(layer: cp.Layer, x: np.ndarray, training: bool):
    if layer.rng is not None:
        layer.rng = np.random.default_rng(5)  # the same mask every time
    return layer.forward(x, training)


def derivatives(layer: cp.Layer, x: np.ndarray, dy: np.ndarray, training: bool) -> dict[str, np.ndarray]:
    """dx, dW, ... of sum(dy * y). The gradients start at 1 (in units of dy), and must be added to."""
    start = np.abs(dy).max()
    for g in layer.gradients().values():
        g[...] = start
    _, saved = forward(layer, x, training)
    dx = layer.backward(saved, dy)
    return {"x": dx, **{name: g - start for name, g in layer.gradients().items()}}


def check_numeric(layer, x, dy, training, slope, agree) -> None:
    got = derivatives(layer, x, dy, training)

    def value() -> float:
        return float((dy * forward(layer, x, training)[0]).sum())

    for name, array in {"x": x, **layer.parameters()}.items():
        agree(got[name], slope(value, array), NUMERIC, "d" + name)


def check_torch(layer, x, dy, training, reference, agree) -> None:
    tensors = {name: torch.tensor(p, requires_grad=True) for name, p in {"x": x, **layer.parameters()}.items()}
    y = reference(tensors["x"], tensors, layer)
    y.backward(torch.tensor(dy))
    agree(forward(layer, x, training)[0], y.detach().numpy(), TORCH, "y")
    for name, got in derivatives(layer, x, dy, training).items():
        agree(got, tensors[name].grad.numpy(), TORCH, "d" + name)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_derivatives_are_those_of_finite_differences(case, scale, slope, agree):
    layer, x, dy = prepare(case)
    check_numeric(layer, x, dy * scale, case.training, slope, agree)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_values_and_derivatives_are_those_of_torch(case, scale, agree):
    layer, x, dy = prepare(case)
    check_torch(layer, x, dy * scale, case.training, case.reference, agree)


def test_an_embedding_is_a_linear_layer_on_one_hot_columns(agree):
    rng = np.random.default_rng(0)
    layer = cp.Embedding([0, 3, 0, 2], dim=2).initialise(0)
    x = np.column_stack([rng.normal(size=6), rng.integers(3, size=6), rng.normal(size=6), rng.integers(2, size=6)])
    tables = [torch.tensor(layer.W[:3], requires_grad=True), torch.tensor(layer.W[3:], requires_grad=True)]
    wanted = torch.cat(
        [
            torch.tensor(x[:, [0, 2]]),
            *[F.embedding(torch.tensor(x[:, k]).long(), t) for k, t in zip((1, 3), tables, strict=True)],
        ],
        1,
    )
    y, saved = layer.forward(x)
    dy = rng.normal(size=y.shape)
    agree(y, wanted.detach().numpy(), TORCH)
    wanted.backward(torch.tensor(dy))
    layer.dW[:] = 1  # to which the gradient is added
    dx = layer.backward(saved, dy)
    agree(layer.dW - 1, np.vstack([t.grad.numpy() for t in tables]), TORCH)
    assert np.array_equal(dx, np.column_stack([dy[:, 0], np.zeros(6), dy[:, 1], np.zeros(6)]))
    with pytest.raises(cp.ClearpropError, match=r"Column 3 has the categories 0 ... 1, but row 2 holds 2"):
        layer(np.array([[0, 0, 0, 0], [0, 2, 0, 1], [0, 0, 0, 2.0]]))


@pytest.mark.parametrize("name", [*LAYERS, *ACTIVATIONS])
def test_every_registered_layer_is_in_the_table(name):
    if name == "embedding":
        return  # the test above; categories have no derivative to compare with
    assert LAYERS.find(name) in {type(case.layer) for case in CASES.values()}, f"add a case for {name} to CASES"


def test_softmax_jacobian_is_full_and_numeric(slope, agree):
    x = np.array([[0.3, -1.2, 0.8], [2.0, 0.1, -0.4]])
    y = softmax(x)
    jacobian = cp.Softmax.jacobian(y)
    for b, i in np.ndindex(2, 3):
        rows = slope(lambda b=b, i=i: float(softmax(x)[b, i]), x)
        agree(jacobian[b, i], rows[b], NUMERIC, f"d y_{b}{i}")
        assert not rows[1 - b].any()  # no example feels another
        dy = np.zeros((2, 3))
        dy[b, i] = 1
        agree(cp.Softmax().backward(y, dy)[b], jacobian[b, i], TORCH)  # backward is dy times that matrix


def test_batchnorm_running_averages_are_those_of_torch(agree):
    rng = np.random.default_rng(0)
    ours = cp.BatchNorm(3, momentum=0.2)
    theirs = torch.nn.BatchNorm1d(3, momentum=0.2, dtype=torch.float64)
    for size in (2, 5, 9):  # a biased variance would be off by 1/2, 1/5, 1/9
        x = rng.normal(2, 3, size=(size, 3))
        agree(ours.forward(x, training=True)[0], theirs(torch.tensor(x)).detach().numpy(), TORCH)
    agree(ours.running_mean, theirs.running_mean.numpy(), TORCH)
    agree(ours.running_var, theirs.running_var.numpy(), TORCH)
    kept = ours.running_mean.copy(), ours.running_var.copy()
    agree(ours(x), theirs.eval()(torch.tensor(x)).detach().numpy(), TORCH)
    assert np.array_equal(kept, (ours.running_mean, ours.running_var))  # evaluation moves nothing


def test_dropout_keeps_its_share_and_its_mean():
    y, mask = cp.Dropout(0.3).initialise(1).forward(np.ones((200, 500)), training=True)
    assert set(np.unique(y)) == {0.0, 1 / 0.7}
    # the share dropped has standard deviation sqrt(0.3 * 0.7 / 1e5) = 0.00145; 5 of them reject a rate of 0.31
    assert abs((y == 0).mean() - 0.3) < 5 * 0.00145
    assert np.array_equal(mask, y)


# --- planted faults -----------------------------------------------------------------------------------------------------


class TransposedWeight(cp.Linear):
    def backward(self, saved, dy):
        super().backward(saved, dy)
        return dy @ self.W


class TransposedGradient(cp.Linear):
    def backward(self, saved, dy):
        self.dW += dy.T @ saved
        self.db += dy.sum(axis=0)
        return dy @ self.W.T


class AssignedGradient(cp.Linear):
    def backward(self, saved, dy):
        self.dW[:] = saved.T @ dy
        self.db[:] = dy.sum(axis=0)
        return dy @ self.W.T


class AveragedBias(cp.Linear):
    def backward(self, saved, dy):
        self.dW += saved.T @ dy
        self.db += dy.mean(axis=0)
        return dy @ self.W.T


class FirstExampleOnly(cp.Linear):
    def backward(self, saved, dy):
        return super().backward(saved[:1], dy[:1]).repeat(len(dy), axis=0)


class SlightlyWrongWeight(cp.Linear):
    def backward(self, saved, dy):
        self.dW += 0.0005 * (saved.T @ dy)
        return super().backward(saved, dy)


class NoDerivative(cp.Sigmoid):
    def backward(self, saved, dy):
        return dy


class DerivativeAtZ(cp.Sigmoid):
    def forward(self, x, training=False):
        return super().forward(x)[0], x  # saves z where a is meant


class SlightlyWrongTanh(cp.Tanh):
    @staticmethod
    def df(a):
        return 1.0005 * (1 - a * a)


class HardlyWrongTanh(cp.Tanh):
    @staticmethod
    def df(a):
        return 1.00001 * (1 - a * a)


class LeakyDerivative(cp.ReLU):
    @staticmethod
    def df(a):
        return a >= 0


class DiagonalSoftmax(cp.Softmax):
    def backward(self, saved, dy):
        return dy * saved * (1 - saved)


class BatchSoftmax(cp.Softmax):
    def backward(self, saved, dy):
        return saved * (dy - (dy * saved).sum())  # summed over the batch too


class UnscaledDropout(cp.Dropout):
    def backward(self, saved, dy):
        return dy * (saved > 0)


class FreshMask(cp.Dropout):
    def backward(self, saved, dy):
        return dy * (self.rng.random(dy.shape) >= self.rate) / (1 - self.rate)


class ConstantVariance(cp.BatchNorm):
    def backward(self, saved, dy):
        super().backward(saved, dy)
        dx_hat = dy * self.gamma
        return saved[1] * (dx_hat - dx_hat.mean(axis=0))


class ConstantStatistics(cp.BatchNorm):
    def backward(self, saved, dy):
        super().backward(saved, dy)
        return saved[1] * dy * self.gamma


class NoGamma(cp.BatchNorm):
    def backward(self, saved, dy):
        return super().backward(saved, dy) / self.gamma


FAULTS = {
    TransposedWeight(3, 3): "linear, square",
    TransposedGradient(3, 3): "linear, square",
    AssignedGradient(3, 2): "linear",
    AveragedBias(3, 2): "linear",
    FirstExampleOnly(3, 2): "linear",
    SlightlyWrongWeight(3, 2): "linear",
    NoDerivative(): "sigmoid",
    DerivativeAtZ(): "sigmoid",
    SlightlyWrongTanh(): "tanh",
    HardlyWrongTanh(): "tanh",
    LeakyDerivative(): "relu",
    DiagonalSoftmax(): "softmax",
    BatchSoftmax(): "softmax",
    UnscaledDropout(0.4): "dropout, training",
    FreshMask(0.4): "dropout, training",
    ConstantVariance(3): "batchnorm, training",
    ConstantStatistics(3): "batchnorm, training",
    NoGamma(3): "batchnorm, after",
}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("layer", "name"), FAULTS.items(), ids=lambda v: type(v).__name__ if isinstance(v, cp.Layer) else "")
def test_planted_faults_are_found(layer, name, scale, slope, agree):
    case = CASES[name]._replace(layer=layer)
    layer, x, dy = prepare(case)
    with pytest.raises(AssertionError, match=r"^d[a-zW]+: "):
        check_numeric(layer, x, dy * scale, case.training, slope, agree)
    with pytest.raises(AssertionError, match=r"^d[a-zW]+: "):
        check_torch(layer, x, dy * scale, case.training, case.reference, agree)
