"""What an engine cannot do, it says; and what is not installed, too."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import clearprop as cp
from clearprop.engines import ENGINES, Batch
from clearprop.errors import NonFiniteWarning, OptionError, ShapeError, UnknownNameError, UnsupportedError

X = np.random.default_rng(0).normal(size=(8, 2))
Y = np.arange(8) % 2
OTHERS = [name for name in ENGINES if name != "batch"]


class Square(cp.Layer):
    """A layer as a user writes it, without registering it."""

    def forward(self, x, training=False):
        return x * x, x

    def backward(self, saved, dy):
        return dy * 2 * saved


class Steeper(cp.Sigmoid):
    """A subclass of a known layer may compute anything."""

    @staticmethod
    def f(z):
        return 1.0 / (1.0 + np.exp(-2 * z))

    @staticmethod
    def df(a):
        return 2 * a * (1.0 - a)


class Rounded(cp.nn.Activation):
    """An activation with a function that the compiled engine does not know."""

    @staticmethod
    def f(z):
        return np.rint(z)

    @staticmethod
    def df(a):
        return np.ones_like(a)


class AbsoluteError(cp.Loss):
    def forward(self, y_hat, y):
        return float(np.abs(y_hat - y).mean()), (y_hat, y)

    def backward(self, saved):
        y_hat, y = saved
        return np.sign(y_hat - y) / y_hat.size


class Slow(cp.SGD):
    """A user's optimizer."""

    def step(self, theta, grad):
        super().step(theta, 0.1 * grad)


def test_a_layer_and_a_loss_of_a_users_own_train_on_batch() -> None:
    net = cp.Net(cp.Linear(2, 4), Square(), Steeper(), cp.Linear(4, 1), dtype="float64")
    history = cp.fit(net, (X, Y[:, None].astype(float)), loss=AbsoluteError(), optimizer=Slow(1.0), epochs=30, batch_size=4)
    assert history[-1]["train_loss"] < history[0]["train_loss"]


@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize(
    ("layer", "loss", "optimizer", "named"),
    [
        (Square(), cp.CrossEntropy(), cp.SGD(), "Square()"),
        (Rounded(), cp.CrossEntropy(), cp.SGD(), "Rounded"),
        (cp.Tanh(), AbsoluteError(), cp.SGD(), "AbsoluteError()"),
        (cp.Tanh(), cp.CrossEntropy(), Slow(), "Slow()"),
    ],
)
def test_the_other_engines_say_why_not(engine: str, layer, loss, optimizer, named: str) -> None:
    net = cp.Net(cp.Linear(2, 2), layer.copy())
    reason = ENGINES.make(engine).supports(net, loss, optimizer)
    assert reason is not None
    assert named in reason
    assert reason[0].islower()
    assert reason.endswith(".")
    with pytest.raises(UnsupportedError, match="Engines that can: batch") as caught:
        cp.fit(net, (X, Y), loss=loss, optimizer=optimizer, engine=engine)
    assert reason in str(caught.value)


@pytest.mark.parametrize("engine", OTHERS)
def test_an_element_wise_subclass_is_compiled_or_refused(engine: str, agree) -> None:
    """A subclass of Sigmoid with f and df of its own is not taken for a Sigmoid."""
    net, made = cp.Net(cp.Linear(2, 2), Steeper(), dtype="float64"), ENGINES.make(engine)
    reason = made.supports(net, cp.CrossEntropy(), cp.SGD())
    if engine == "compiled":
        assert reason is None
        agree(
            made.loss_and_grad(net, cp.CrossEntropy(), X, Y)[1], Batch().loss_and_grad(net, cp.CrossEntropy(), X, Y)[1], 1e-12
        )
    else:
        assert "not Steeper()." in str(reason)


@pytest.mark.parametrize("engine", [name for name in OTHERS if name != "compiled"])
def test_methods_called_directly_say_it_too(engine: str) -> None:
    net, made = cp.Net(cp.Linear(2, 2), Square()), ENGINES.make(engine)
    calls = [
        lambda: made.forward(net, X),
        lambda: made.loss_and_grad(net, cp.CrossEntropy(), X, Y),
        lambda: made.train_epoch(net, cp.CrossEntropy(), cp.SGD(), X, Y, np.arange(8), 4),
    ]
    for call in calls:
        with pytest.raises(UnsupportedError, match=r"not Square\(\)\. Engines that can: batch\."):
            call()


@pytest.mark.parametrize("engine", ["scalar", "sample"])
@pytest.mark.parametrize("layer", [cp.BatchNorm(2), cp.Dropout(0.5)])
def test_one_example_at_a_time_has_no_batch(engine: str, layer: cp.Layer) -> None:
    reason = ENGINES.make(engine).supports(cp.Net(cp.Linear(2, 2), layer.copy()), cp.CrossEntropy(), cp.SGD())
    assert reason is not None
    assert reason.startswith("it takes one example at a time")


def test_dropout_and_batch_normalisation_run_on_three_engines() -> None:
    net = cp.Net(cp.Linear(2, 2), cp.BatchNorm(2), cp.Dropout(0.5))
    assert {"batch", "compiled", "torch_nn"} == set(ENGINES.able(net, cp.CrossEntropy(), cp.Adam()))


@pytest.mark.parametrize("engine", ["batch", "compiled", "torch_nn"])
def test_a_batch_of_one_cannot_be_normalised(engine: str) -> None:
    net = cp.Net(cp.Linear(2, 2), cp.BatchNorm(2))
    with pytest.raises(ShapeError, match="batch of 1"):
        cp.fit(net, (X, Y), batch_size=7, engine=engine)


@pytest.mark.parametrize("engine", list(ENGINES))
def test_shapes_that_do_not_fit(engine: str) -> None:
    net, made = cp.mlp([2, 3, 2]), ENGINES.make(engine)
    with pytest.raises(ShapeError, match="needs a batch of shape"):
        made.forward(net, X[:, :1])
    with pytest.raises(ShapeError, match="outside the classes"):
        made.loss_and_grad(net, cp.CrossEntropy(), X, Y + 1)
    with pytest.raises(ShapeError, match="compares number by number"):
        made.loss_and_grad(net, cp.MeanSquaredError(), X, X[:, :1])


@pytest.mark.parametrize("engine", list(ENGINES))
def test_divergence_is_reported_at_the_same_step(engine: str) -> None:
    def diverge(engine: str) -> dict:
        net = cp.mlp([2, 4, 1], hidden="relu", dtype="float64")
        with pytest.warns(NonFiniteWarning):
            history = cp.fit(net, (X, Y[:, None]), loss="mse", optimizer=cp.SGD(1e4), batch_size=3, epochs=20, engine=engine)
        assert np.isfinite(net.theta).all()
        return history.nonfinite

    assert diverge(engine) == diverge("batch")


@pytest.mark.parametrize("engine", list(ENGINES))
def test_a_probability_of_zero_in_the_bare_formula_is_no_error(engine: str) -> None:
    """Python's own arithmetic would raise where IEEE's says inf or NaN."""
    net = cp.Net(cp.Linear(2, 1), cp.Sigmoid(), seed=None, dtype="float64")
    net[0].W[:] = 1e4
    loss = cp.BinaryCrossEntropy(raw=True)
    if ENGINES.make(engine).supports(net, loss, cp.SGD()) is None:
        with np.errstate(all="ignore"):
            value, grad = ENGINES.make(engine).loss_and_grad(net, loss, X, Y[:, None].astype(float))
        assert not np.isfinite(value)
        assert not np.isfinite(grad).all()


@pytest.mark.parametrize("engine", list(ENGINES))
def test_names_and_configurations(engine: str) -> None:
    made = ENGINES.make(engine)
    assert type(ENGINES.make(made.config())) is type(made)
    assert type(ENGINES.make(engine.replace("_", "-").upper())) is type(made)
    assert ENGINES.make(made) is made


def test_unknown_names_and_devices() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'torch_nn'"):
        ENGINES.make("torch_n")
    with pytest.raises(UnknownNameError, match="did you mean 'cuda'"):
        ENGINES.make({"type": "torch_nn", "device": "cude"})
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        with pytest.raises(OptionError, match="use device='cpu'"):
            ENGINES.make({"type": "torch_manual", "device": "cuda"})


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
import clearprop as cp
from clearprop.errors import MissingExtraError
net = cp.mlp([2, 2])
print(cp.ENGINES.able(net, cp.CrossEntropy(), cp.SGD())[:3])
for call in (lambda: cp.ENGINES.make("torch_nn"), net.to_torch):
    try:
        call()
    except MissingExtraError as error:
        print("pip install 'clearprop[torch]'" in str(error))
"""


def test_without_pytorch() -> None:
    result = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == ["['scalar', 'sample', 'batch']", "True", "True"]


def test_torch_keeps_its_own_generator() -> None:
    torch = pytest.importorskip("torch")
    before = torch.random.get_rng_state()
    net = cp.Net(cp.Linear(2, 3), cp.Dropout(0.5), cp.Linear(3, 2))
    cp.fit(net, (X, Y), engine="torch_nn", epochs=1)
    assert torch.equal(torch.random.get_rng_state(), before)
