"""One table of cases x every engine: after three epochs, the same parameters as the reference."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.engines import ENGINES, Batch
from clearprop.engines.compiled import program, session

N, N_IN, EPOCHS = 12, 3, 3


@dataclass(frozen=True)
class Case:
    """What is trained, on 12 examples with 3 inputs and 3 classes."""

    name: str
    net: Callable[[], list[cp.Layer]]
    loss: cp.Loss = field(default_factory=cp.CrossEntropy)
    optimizer: cp.Optimizer = field(default_factory=lambda: cp.SGD(0.1))
    batch_size: int = 4
    target: str = "classes"
    spread: float = 1.0  # of the inputs; large ones saturate every sigmoid
    not_in_float32: tuple[str, ...] = ()  # engines for which float32 has too few digits for a comparison

    def make(self, dtype: str) -> tuple[cp.Net, np.ndarray, np.ndarray]:
        rng = np.random.default_rng(7)
        net = cp.Net(*self.net(), seed=5, dtype=dtype)
        X = (self.spread * rng.normal(size=(N, N_IN))).astype(dtype)
        classes = rng.integers(3, size=N)
        targets = {
            "classes": classes,
            "one-hot": np.eye(3)[classes],
            "soft": rng.dirichlet(np.ones(3), size=N),
            "real": rng.normal(size=(N, 3)),
            "binary": rng.integers(2, size=(N, 3)).astype(float),
            "column": rng.integers(2, size=(N, 1)).astype(float),
        }
        y = targets[self.target]
        return net, X, y if y.ndim == 1 else y.astype(dtype)


def stack(depth: int, activation: type[cp.Layer] = cp.Tanh, *ending: cp.Layer) -> Callable[[], list[cp.Layer]]:
    """`depth` linear layers with activations between them, and an ending."""

    def build() -> list[cp.Layer]:
        sizes = [N_IN, *[4] * (depth - 1), 3]
        layers: list[cp.Layer] = []
        for n_in, n_out in pairwise(sizes):
            layers += [cp.Linear(n_in, n_out, bias_init="normal"), activation()]
        return [*layers[:-1], *deepcopy(ending)]

    return build


def shared() -> list[cp.Layer]:
    twice = cp.Linear(3, 3)
    return [twice, cp.Tanh(), twice, cp.Sigmoid(), cp.Linear(3, 3)]


def without_bias() -> list[cp.Layer]:
    return [cp.Linear(3, 5, bias=False), cp.Tanh(), cp.Linear(5, 4), cp.ReLU(), cp.Linear(4, 3, bias=False)]


def shared_without_bias() -> list[cp.Layer]:
    twice = cp.Linear(3, 3, bias=False)
    return [twice, cp.Tanh(), twice, cp.Sigmoid(), cp.Linear(3, 3)]


def normalised() -> list[cp.Layer]:
    return [cp.Linear(3, 4), cp.BatchNorm(4, momentum=0.3), cp.ReLU(), cp.Linear(4, 3)]


def dropped() -> list[cp.Layer]:
    return [cp.Linear(3, 6), cp.Tanh(), cp.Dropout(0.4), cp.Linear(6, 5), cp.Dropout(0.2), cp.Linear(5, 3)]


class Leaky(cp.nn.Activation):
    """A leaky ReLU, with a constant of the class."""

    slope = 0.1

    @staticmethod
    def f(z):
        return np.where(z > 0, z, Leaky.slope * z)

    @staticmethod
    def df(a):
        return np.where(a > 0, 1.0, Leaky.slope)


class Softplus(cp.nn.Activation):
    @staticmethod
    def f(z):
        return np.logaddexp(0, z)

    @staticmethod
    def df(a):
        return 1 - np.exp(-a)


ALPHA = 1.3


class Elu(cp.nn.Activation):
    """With a constant of the module."""

    @staticmethod
    def f(z):
        return np.where(z > 0, z, ALPHA * np.expm1(np.minimum(z, 0)))

    @staticmethod
    def df(a):
        return np.where(a > 0, 1.0, a + ALPHA)


class HardTanh(cp.nn.Activation):
    @staticmethod
    def f(z):
        return np.clip(z, -1.0, 1.0)

    @staticmethod
    def df(a):
        return ((a > -1) & (a < 1)) * 1.0


class Cube(cp.nn.Activation):
    """z^3, whose derivative is 3 z^2 = 3 |a|^(2/3)."""

    @staticmethod
    def f(z):
        return z**3

    @staticmethod
    def df(a):
        return 3 * np.exp(np.log(np.abs(a) + 1e-30) * (2 / 3))


def gate(z):
    return 1.0 / (1.0 + np.exp(-z))


class Gated(cp.nn.Activation):
    """2 sigmoid(z) - 1, with a function of one's own, which is defined elsewhere and takes a step in between."""

    @staticmethod
    def f(z):
        y = gate(z)
        y = y + y
        return y - 1

    @staticmethod
    def df(a):
        y = (a + 1) / 2
        return 2 * y * (1 - y)


OWN = (Leaky, Softplus, Elu, HardTanh, Gated)


def begins_with_activation() -> list[cp.Layer]:
    return [cp.Tanh(), cp.Linear(3, 5), cp.Sigmoid(), cp.Linear(5, 3)]


def two_in_a_row() -> list[cp.Layer]:
    return [cp.Linear(3, 5), cp.Tanh(), cp.Sigmoid(), Leaky(), cp.Linear(5, 3), cp.Tanh(), cp.Softmax()]


def of_several_kinds() -> list[cp.Layer]:
    return [cp.Linear(3, 5), Softplus(), cp.Linear(5, 4, bias=False), Elu(), cp.Linear(4, 3), Leaky()]


def everything() -> list[cp.Layer]:
    before = [Leaky(), cp.Dropout(0.3), cp.Linear(3, 19), cp.Softmax(), cp.BatchNorm(19), Softplus(), cp.Dropout(0.5)]
    return [*before, cp.Linear(19, 4), cp.BatchNorm(4, momentum=0.5), cp.Tanh(), cp.Tanh(), cp.Linear(4, 3)]


def layer_normalised() -> list[cp.Layer]:
    return [cp.Linear(3, 4), cp.LayerNorm(4), cp.ReLU(), cp.Linear(4, 3)]


def with_blocks() -> list[cp.Layer]:
    block = [cp.LayerNorm(4), cp.Linear(4, 6), cp.SiLU(), cp.Linear(6, 4)]
    return [cp.Linear(3, 4), cp.Residual(*block), cp.Residual(cp.Linear(4, 4), cp.BatchNorm(4)), cp.Linear(4, 3)]


def convolved() -> list[cp.Layer]:
    before = [cp.Linear(3, 50), cp.Unflatten(2, 5, 5), cp.Conv2d(2, 3, padding=1), cp.ReLU(), cp.MaxPool2d(2)]
    return [*before, cp.Conv2d(3, 4, kernel=2, stride=2), cp.Flatten(), cp.Linear(4, 3)]


def of_z() -> list[cp.Layer]:
    return [cp.Linear(3, 5), cp.SiLU(), cp.Linear(5, 4), cp.GELU(), cp.Linear(4, 3)]


def of_z_in_a_row() -> list[cp.Layer]:
    return [cp.SiLU(), cp.Linear(3, 19), cp.GELU(), cp.GELUTanh(), cp.Dropout(0.2), cp.SiLU(), cp.Linear(19, 3), cp.GELU()]


ACTIVATIONS = [type(cp.nn.ACTIVATIONS.make(name)) for name in cp.nn.ACTIVATIONS]
ENDINGS = {  # loss: what the net must end in, and which targets there are
    cp.CrossEntropy: ((), ("classes", "one-hot", "soft")),
    cp.NegativeLogLikelihood: ((cp.Softmax(),), ("classes", "soft")),
    cp.BinaryCrossEntropy: ((cp.Sigmoid(),), ("binary",)),
    cp.BinaryCrossEntropyWithLogits: ((), ("binary",)),
    cp.Focal: ((), ("classes", "soft")),
    cp.MeanSquaredError: ((), ("real",)),
    cp.MeanAbsoluteError: ((), ("real",)),
    cp.Huber: ((), ("real",)),
    cp.Quantile: ((), ("real",)),
}
OPTIMIZERS = [
    cp.SGD(0.1, momentum=0.9),
    cp.SGD(0.1, momentum=0.8, nesterov=True),
    cp.SGD(0.1, weight_decay=0.1, clip_norm=0.2),
    cp.SGD(0.1, momentum=0.9, weight_decay=0.1, clip_norm=1000.0),
    cp.SGD(cp.WarmUp(cp.StepDecay(0.3, every=4), steps=3)),
    cp.AdaGrad(0.1),
    cp.AdaGrad(0.1, weight_decay=0.05, clip_norm=0.5),
    cp.RMSProp(0.01, rho=0.9),
    cp.RMSProp(0.01, weight_decay=0.05),
    cp.Adam(0.02),
    cp.AdamW(0.02, weight_decay=0.5),
    cp.AdamW(cp.Cosine(0.05, total=9), weight_decay=0.3, clip_norm=0.3),
    cp.Nadam(0.02),
    cp.Nadam(cp.Cosine(0.05, total=7), beta1=0.8, beta2=0.9, weight_decay=0.1, clip_norm=0.3),
    cp.Lion(0.01),
    cp.Lion(0.01, beta1=0.8, weight_decay=0.5, clip_norm=0.3),
    cp.Adam(cp.ExponentialDecay(0.05, factor=0.9), beta1=0.5, beta2=0.9, weight_decay=0.1, clip_norm=0.3),
]
CASES = [
    *[Case(f"depth {depth}", stack(depth)) for depth in range(1, 6)],
    *[Case(f"{kind.__name__}", stack(3, kind)) for kind in ACTIVATIONS],
    Case("LeakyReLU of another slope", stack(3, lambda: cp.LeakyReLU(0.3))),
    Case("ELU of another alpha", stack(3, lambda: cp.ELU(0.4))),
    Case("activations that read z, one by one", of_z, batch_size=1),
    Case("activations that read z, in a row, dropout", of_z_in_a_row, cp.MeanSquaredError(), cp.Adam(0.01), target="real"),
    *[
        Case(f"{kind.__name__} {target} {reduction}", stack(2, cp.Tanh, *ending), kind(reduction=reduction), target=target)
        for kind, (ending, targets) in ENDINGS.items()
        for target in targets
        for reduction in ("mean", "sum")
    ],
    *[Case(repr(optimizer), stack(2), optimizer=optimizer) for optimizer in OPTIMIZERS],
    *[
        Case(f"batch {size} {loss!r}", stack(2), loss, batch_size=size, target=target)
        for size in (1, 4, 5, 12)
        for loss, target in (
            (cp.CrossEntropy(), "classes"),
            (cp.MeanSquaredError(), "real"),
            (cp.CrossEntropy("sum"), "classes"),
        )
    ],
    Case("label smoothing", stack(2), cp.CrossEntropy(label_smoothing=0.2)),
    Case("class weights", stack(2), cp.CrossEntropy(class_weight=[0.5, 2, 3]), optimizer=cp.Adam(0.02)),
    Case("both", stack(2), cp.CrossEntropy("sum", 0.5, [10, 0.1, 0]), cp.SGD(0.01), target="soft"),
    Case("focal 0.5", stack(2), cp.Focal(gamma=0.5)),
    Case("huber of another delta", stack(2), cp.Huber(delta=0.2), target="real"),
    Case("quantile 0.9", stack(2), cp.Quantile(q=0.9), target="real"),
    Case("broadcast", stack(2, cp.Tanh, cp.Sigmoid()), cp.BinaryCrossEntropy(broadcast=True), target="column"),
    Case("bare formula", stack(2, cp.Tanh, cp.Sigmoid()), cp.BinaryCrossEntropy(raw=True), target="binary"),
    # Python's floats are float64, in which 1 / (1 + exp(-17)) is not yet 1, and its derivative not yet 0.
    Case(
        "saturated sigmoid",
        stack(1, cp.Tanh, cp.Sigmoid()),
        cp.BinaryCrossEntropy(),
        cp.SGD(0.01),
        target="binary",
        spread=40.0,
        not_in_float32=("scalar",),
    ),
    Case("saturated softmax", stack(1, cp.Tanh, cp.Softmax()), cp.NegativeLogLikelihood(), cp.SGD(0.01), spread=40.0),
    Case("large scores", stack(1), cp.CrossEntropy(), cp.SGD(0.01), spread=300.0),
    Case("large logits", stack(1), cp.BinaryCrossEntropyWithLogits(), cp.SGD(0.01), target="binary", spread=300.0),
    Case("a layer used twice", shared, optimizer=cp.Adam(0.01)),
    *[
        Case(f"without bias {optimizer!r} batch {size}", without_bias, optimizer=optimizer, batch_size=size)
        for optimizer, size in (
            (cp.SGD(0.1), 1),
            (cp.SGD(0.1), 5),
            (cp.SGD(0.1, momentum=0.9, weight_decay=0.1, clip_norm=0.2), 4),
            (cp.AdaGrad(0.1), 4),
            (cp.RMSProp(0.01), 4),
            (cp.Adam(0.02, weight_decay=0.1, clip_norm=0.3), 4),
        )
    ],
    Case("without bias, used twice", shared_without_bias, optimizer=cp.Adam(0.01)),
    Case("no hidden layer, no activation", stack(1), cp.MeanSquaredError(), target="real"),
    Case("an activation first", begins_with_activation, optimizer=cp.Adam(0.01)),
    Case("two activations in a row", two_in_a_row, cp.NegativeLogLikelihood(), cp.SGD(0.1, momentum=0.9)),
    *[Case(f"own {kind.__name__}", stack(3, kind), optimizer=cp.SGD(0.05)) for kind in OWN],
    Case("own Cube", stack(2, Cube), optimizer=cp.SGD(0.001)),
    *[Case(f"own {kind.__name__}, one by one", stack(2, kind), batch_size=1) for kind in (Leaky, Gated)],
    Case("own activations of several kinds", of_several_kinds, optimizer=cp.Adam(0.01, clip_norm=0.5)),
    Case("all kinds of layers, dropout too", everything, optimizer=cp.SGD(0.1, weight_decay=0.1), batch_size=6),
    Case("dropout", dropped, optimizer=cp.Adam(0.01)),
    Case("batch normalisation", normalised, optimizer=cp.SGD(0.1, momentum=0.9)),
    Case("layer normalisation", layer_normalised, optimizer=cp.Adam(0.01)),
    Case("residual blocks", with_blocks, optimizer=cp.SGD(0.1, momentum=0.9)),
    Case("convolutions", convolved, optimizer=cp.SGD(0.05, momentum=0.9)),
    # The bias before a BatchNorm has derivative 0: Adam divides the rounding error of that zero by itself.
    Case("batch normalisation, Adam", normalised, optimizer=cp.Adam(0.001), not_in_float32=tuple(ENGINES)),
]
BY_NAME = {case.name: case for case in CASES}


def agrees(engine: cp.Engine, case: Case, dtype: str, tolerance: float, agree: Callable[..., None]) -> None:
    """Train with the engine and with the reference, and compare everything that training changes."""
    results = []
    for each in (engine, Batch()):
        net, X, y = case.make(dtype)
        optimizer, rng = deepcopy(case.optimizer), np.random.default_rng(11)
        steps = [each.train_epoch(net, case.loss, optimizer, X, y, rng.permutation(N), case.batch_size) for _ in range(EPOCHS)]
        results.append((net, optimizer, steps, each.forward(net, X), each.loss_and_correct(net, case.loss, X, y)))
    (net, optimizer, steps, y_hat, measured), (wanted_net, wanted_optimizer, wanted_steps, wanted_y_hat, wanted) = results
    np.testing.assert_allclose(measured, wanted, rtol=10 * tolerance)  # loss and number correct, which are NaN without classes
    agree(net.theta, wanted_net.theta, tolerance, "theta")
    assert net.theta.dtype == wanted_net.theta.dtype
    assert optimizer.t == wanted_optimizer.t
    assert list(optimizer.state) == list(wanted_optimizer.state)
    remembers = not (isinstance(optimizer, cp.SGD) and optimizer.momentum == 0)  # v is then multiplied by 0 at every step
    for name, value in wanted_optimizer.state.items():
        if remembers:
            agree(optimizer.state[name], value, 10 * tolerance, f"state {name}")
        assert optimizer.state[name].dtype == value.dtype
    for layer, wanted in zip(net.layers, wanted_net.layers, strict=True):
        for name in layer.buffers:
            agree(getattr(layer, name), getattr(wanted, name), tolerance, name)
        if layer.rng is not None:
            assert layer.rng.bit_generator.state == wanted.rng.bit_generator.state
    for got, wanted_step in zip(steps, wanted_steps, strict=True):
        agree(got.losses, wanted_step.losses, 10 * tolerance, "losses")
        assert got.losses.dtype == got.n_correct.dtype == np.float64
        # Thirds may be added in any order; one output of one example counted wrongly would be a difference of 1/3.
        np.testing.assert_allclose(got.n_correct, wanted_step.n_correct, rtol=0, atol=1e-12)
    agree(y_hat, wanted_y_hat, 10 * tolerance, "the output")


NOT_COMPILED = ("layer normalisation", "residual blocks", "convolutions")


def make(engine: str, case: Case) -> cp.Engine:
    made = ENGINES.make(engine)
    reason = made.supports(case.make("float64")[0], case.loss, case.optimizer)
    if reason is not None:
        assert engine != "compiled" or "used twice" in reason or case.name in NOT_COMPILED, reason
        pytest.skip(reason)
    return made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("engine", list(ENGINES))
def test_three_epochs_give_the_same_parameters(engine: str, case: Case, agree: Any) -> None:
    agrees(make(engine, case), case, "float64", 1e-10, agree)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("engine", list(ENGINES))
def test_three_epochs_in_float32(engine: str, case: Case, agree: Any) -> None:
    if engine in case.not_in_float32:
        pytest.skip("float32 has too few digits for this comparison")
    agrees(make(engine, case), case, "float32", 1e-5, agree)


@pytest.mark.parametrize("narrow", [True, False])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_both_passes_of_the_compiled_engine(case: Case, dtype: str, narrow: bool, agree: Any, monkeypatch: Any) -> None:
    if "compiled" in case.not_in_float32 and dtype == "float32":
        pytest.skip("float32 has too few digits for this comparison")
    monkeypatch.setattr(session, "is_narrow", lambda net, batch_size: narrow)
    monkeypatch.setattr(program, "KEPT_HERE", program.Kept())  # the sessions of nets that were trained the other way
    agrees(make("compiled", case), case, dtype, {"float64": 1e-10, "float32": 1e-5}[dtype], agree)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("engine", list(ENGINES))
def test_loss_and_gradient(engine: str, case: Case, agree: Any) -> None:
    net, X, y = case.make("float64")
    reference, before = net.copy(), net.theta.copy()
    value, grad = make(engine, case).loss_and_grad(net, case.loss, X, y)
    wanted_value, wanted_grad = Batch().loss_and_grad(reference, case.loss, X, y)
    assert value == pytest.approx(wanted_value, rel=1e-12)
    agree(grad, wanted_grad, 1e-12, "the gradient")
    np.testing.assert_array_equal(net.theta, before)


SMOOTH = [case for case in CASES if case.spread == 1.0 and "dropout" not in case.name]


@pytest.mark.parametrize("case", SMOOTH, ids=lambda case: case.name)
def test_gradient_against_central_differences(case: Case, slope: Any, agree: Any) -> None:
    """Of the reference, in training mode; the other engines agree with it to 1e-12."""
    net, X, y = case.make("float64")
    grad = Batch().loss_and_grad(net, case.loss, X, y)[1]

    def value() -> float:
        return case.loss(net.forward(X, training=True)[0], y)

    agree(grad, slope(value, net.theta), 1e-7, "the gradient")


@pytest.mark.parametrize("engine", list(ENGINES))
def test_gradient_of_the_engine_itself_against_central_differences(engine: str, slope: Any, agree: Any) -> None:
    """With the engine's own forward pass: it must differentiate what it computes."""
    net, X, y = BY_NAME["depth 3"].make("float64")
    made, loss = ENGINES.make(engine), cp.CrossEntropy()
    agree(made.loss_and_grad(net, loss, X, y)[1], slope(lambda: loss(made.forward(net, X), y), net.theta), 1e-7)


def test_engines_can_be_mixed_from_epoch_to_epoch(agree: Any) -> None:
    net, X, y = BY_NAME["depth 3"].make("float64")
    reference, optimizer = net.copy(), cp.Adam(0.02, weight_decay=0.01)
    wanted, order = deepcopy(optimizer), np.arange(N)
    for engine in [*ENGINES, *ENGINES]:
        ENGINES.make(engine).train_epoch(net, cp.CrossEntropy(), optimizer, X, y, order, 5)
        Batch().train_epoch(reference, cp.CrossEntropy(), wanted, X, y, order, 5)
    agree(net.theta, reference.theta, 1e-10)
    assert optimizer.t == wanted.t == 2 * len(list(ENGINES)) * 3


# A mistake planted in a copy of an engine: (engine, right, wrong, the case that must notice).
FAULTS = [
    ("scalar", "sum(dy[j] * W[i][j] for", "sum(dy[j] * W[j % len(W)][i % len(b)] for", "depth 3"),
    ("scalar", "1.0 / len(X)", "1.0", "depth 2"),
    ("scalar", "da_i * (1.0 - a_i * a_i)", "da_i", "Tanh"),
    ("scalar", "scale /= len(y[0])", "pass", "MeanSquaredError real mean"),
    ("scalar", "m / sum1", "m", "Adam(lr=0.02)"),
    ("sample", "return W @ dy", "return (W.T if W.shape[0] == W.shape[1] else W) @ dy", "depth 3"),
    ("sample", "net.grad *= scale", "pass", "depth 2"),
    ("sample", "return da * a * (1.0 - a)", "return da", "Sigmoid"),
    ("sample", "net.zero_grad()", "pass", "depth 2"),
    ("batch", "            net.zero_grad()\n            y_hat", "            y_hat", "depth 2"),
    ("batch", "loss.backward(kept)", "loss.backward(kept) * len(rows)", "depth 2"),
    ("batch", "net.backward(saved, loss.backward(kept))", "net[-1].backward(saved[-1], loss.backward(kept))", "depth 2"),
    ("torch_manual", "return dy @ W.T", "return dy @ (W if W.shape[0] == W.shape[1] else W.T)", "depth 3"),
    ("torch_manual", "1.0 / len(X)", "1.0", "depth 2"),
    ("torch_manual", "return da * (a > 0.0)", "return da", "ReLU"),
    ("torch_manual", "db += dy.sum(dim=0)", "pass", "depth 1"),
    ("torch_autograd", "return x @ W + b", "return x @ (W.T if W.shape[0] == W.shape[1] else W) + b", "depth 3"),
    ("torch_autograd", "1.0 / len(X)", "1.0", "depth 2"),
    ("torch_autograd", "(y_hat.clamp(low, high) - y_hat).detach()", "(y_hat.clamp(low, high) - y_hat)", "saturated sigmoid"),
    ("torch_nn", "piece.reshape(shape[::-1]).T if", "piece.reshape(shape) if", "SGD(momentum=0.9)"),
    ("torch_nn", "nn.CrossEntropyLoss(reduction=reduction)", "nn.CrossEntropyLoss(reduction='sum')", "depth 2"),
    ("torch_nn", "twin.model.zero_grad()", "pass", "depth 2"),
    ("torch_nn", "p + (p.clamp(self.low, self.high) - p).detach()", "p.clamp(self.low, self.high)", "saturated sigmoid"),
]  # fmt: skip


def mutant(engine: str, right: str, wrong: str) -> cp.Engine:
    """An engine made from a copy of its source with one mistake in it."""
    kind = ENGINES.find(engine)
    path = Path(str(inspect.getsourcefile(kind)))
    source = path.read_text()
    if engine == "scalar":  # whose formulas stand in a file of their own
        formulas = path.with_name("scalar_formulas.py").read_text().replace("from __future__ import annotations\n", "")
        lines = [line for line in source.splitlines() if not line.startswith("from clearprop.engines.scalar_formulas")]
        first = next(i for i, line in enumerate(lines) if line.startswith("class "))
        source = "\n".join([*lines[:first], formulas.replace("def forward(", "def forward("), *lines[first:]])
    assert right in source, "the fault must be planted somewhere"
    module = types.ModuleType("mutant")
    exec(compile(source.replace(right, wrong), str(path), "exec"), module.__dict__)
    made: cp.Engine = module.__dict__[kind.__name__]()
    return made


@pytest.mark.parametrize(("engine", "right", "wrong", "name"), FAULTS)
def test_a_planted_fault_is_noticed(engine: str, right: str, wrong: str, name: str, agree: Any) -> None:
    case = BY_NAME[name]
    agrees(mutant(engine, right, right), case, "float64", 1e-10, agree)  # the copy itself is not at fault
    with pytest.raises(AssertionError):
        agrees(mutant(engine, right, wrong), case, "float64", 1e-10, agree)


@pytest.mark.parametrize("engine", ["torch_manual", "torch_autograd"])
def test_a_fault_in_the_update_they_share_is_noticed(engine: str, monkeypatch: pytest.MonkeyPatch, agree: Any) -> None:
    from clearprop.engines import torch_state

    def uncorrected(*arguments: Any) -> Any:
        return torch_state.adam(*arguments[:-2], 1.0, 1.0)

    monkeypatch.setitem(torch_state.UPDATES, cp.Adam, uncorrected)
    with pytest.raises(AssertionError):
        agrees(ENGINES.make(engine), BY_NAME["Adam(lr=0.02)"], "float64", 1e-10, agree)


def test_every_engine_of_one_file_has_planted_faults() -> None:
    assert {fault[0] for fault in FAULTS} == set(ENGINES) - {"compiled"}, "compiled, a package, plants its own"
