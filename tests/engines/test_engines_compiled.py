"""The compiled engine: its passes, its data, and what it is chosen for. That it agrees with the others stands in the table of
cases; its mathematics, its threads, its library and several epochs in one call have files of their own."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.engines import Batch
from clearprop.engines.compiled import compiled_engine, program, session
from clearprop.engines.compiled.compiled_engine import Compiled
from clearprop.engines.compiled.library import COMPILATIONS
from clearprop.engines.compiled.session import Session
from clearprop.errors import ShapeError, UnsupportedError
from clearprop.nn import BinaryCrossEntropyWithLogits
from clearprop.optim.schedules import StepDecay

# ---------------------------------------------------------------- blocks of examples


@pytest.mark.parametrize("narrow", [True, False])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 8, 9, 16, 17, 33, 50])
@pytest.mark.parametrize("loss", [cp.CrossEntropy(), BinaryCrossEntropyWithLogits(), cp.CrossEntropy("sum")], ids=repr)
def test_blocks_that_are_not_full(loss: cp.Loss, batch_size: int, narrow: bool, agree: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(session, "is_narrow", lambda net, batch_size: narrow)
    monkeypatch.setattr(program, "KEPT_HERE", program.Kept())
    monkeypatch.setattr(compiled_engine, "EVALUATED", batch_size)
    rng = np.random.default_rng(batch_size)
    X, labels, order = rng.normal(size=(50, 2)), rng.integers(3, size=50), rng.permutation(50)
    y = labels if isinstance(loss, cp.CrossEntropy) else np.eye(3)[labels]
    results = []
    for engine in (Compiled(), Batch()):
        net = cp.mlp([2, 10, 3], hidden="tanh", seed=1, dtype="float64")
        steps = engine.train_epoch(net, loss, cp.SGD(0.01), X, y, order, batch_size)
        results.append((net.theta, steps.losses, steps.n_correct, engine.loss_and_correct(net, loss, X, y)))
    for got, wanted in zip(*results, strict=True):
        agree(got, wanted, 1e-12)


ONLINE = {
    "one layer": ([4, 3], "tanh", cp.CrossEntropy()),
    "circles": ([2, 10, 2], "tanh", cp.CrossEntropy()),
    "deep": ([7, 33, 17, 5, 3], "sigmoid", cp.CrossEntropy("sum")),
    "more classes than lanes": ([5, 9, 20], "relu", cp.CrossEntropy()),
    "likelihood": ([6, 8, 4], "tanh", cp.NegativeLogLikelihood()),
    "numbers": ([3, 18, 2], "relu", cp.MeanSquaredError()),
    "yes or no": ([9, 4, 1], "sigmoid", cp.BinaryCrossEntropyWithLogits()),
}


@pytest.mark.parametrize(("sizes", "hidden", "loss"), ONLINE.values(), ids=ONLINE)
def test_online_descent_takes_the_steps_of_the_reference(sizes: list[int], hidden: str, loss: cp.Loss, agree: Any) -> None:
    rng = np.random.default_rng(3)
    X, labels, order = rng.normal(size=(40, sizes[0])), rng.integers(sizes[-1], size=40), rng.permutation(40)
    y = labels
    if isinstance(loss, cp.MeanSquaredError):
        y = rng.normal(size=(40, sizes[-1]))
    elif isinstance(loss, cp.BinaryCrossEntropyWithLogits):
        y = rng.integers(2, size=(40, 1)).astype(float)
    output = "softmax" if isinstance(loss, cp.NegativeLogLikelihood) else "linear"
    results = []
    for engine in (Compiled(), Batch()):
        net = cp.mlp(sizes, hidden=hidden, output=output, seed=1, dtype="float64")
        optimizer = cp.SGD(StepDecay(0.05, every=13)) if len(sizes) == 3 else cp.SGD(0.05)
        for _ in range(2):  # the transposed weights begin anew with each epoch
            steps = engine.train_epoch(net, loss, optimizer, X, y, order, 1)
        results.append((net.theta, steps.losses, np.nan_to_num(steps.n_correct, nan=-1)))
    for got, wanted in zip(*results, strict=True):
        agree(got, wanted, 1e-12)


# ---------------------------------------------------------------- one file of code, run in several ways

SCRIPT = """
import numpy as np, clearprop as cp
rng = np.random.default_rng(0)
X, y = rng.normal(size=(20, 3)), rng.integers(2, size=20)
for loss, out in ((cp.CrossEntropy(), 2), (cp.BinaryCrossEntropyWithLogits(), 1)):
    optimizers = cp.SGD(0.1), cp.SGD(0.1, momentum=0.9, nesterov=True), cp.AdaGrad(), cp.RMSProp(), cp.Adam()
    for optimizer, size in ((optimizer, size) for optimizer in optimizers for size in (1, 2, 8)):  # both kinds of pass
        thetas = []
        for engine in ("compiled", "batch"):
            net = cp.mlp([3, 5, out], hidden="sigmoid", dtype="float64")
            target = y if out == 2 else y[:, None].astype(float)
            cp.fit(net, (X, target), loss=loss, optimizer=optimizer, batch_size=size, epochs=2, engine=engine)
            thetas.append(net.theta)
        print(np.abs(thetas[0] - thetas[1]).max())
"""
EVERY_KIND = """
for stop in ([], [cp.EarlyStopping(5, "train_loss")]):
    found = []
    for engine in ("compiled", "batch"):
        layers = [cp.Tanh(), cp.Linear(3, 5), cp.BatchNorm(5), cp.Dropout(0.3), cp.Sigmoid(), cp.Tanh(), cp.Linear(5, 2)]
        net = cp.Net(*layers, dtype="float64") if not stop else cp.mlp([3, 5, 2], dtype="float64")
        history = cp.fit(net, (X, y), validation=(X, y), batch_size=5, epochs=3, engine=engine, callbacks=stop)
        found.append(np.array([*net.theta, history[-1]["val_loss"], history[-1]["train_loss"]]))
    print(np.abs(found[0] - found[1]).max())
"""


def run_script(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
        timeout=300,
    )


def test_the_same_code_runs_interpreted() -> None:
    result = run_script(SCRIPT + EVERY_KIND, NUMBA_DISABLE_JIT="1")
    differences = [float(line) for line in result.stdout.split()]
    assert len(differences) == 32
    assert max(differences) < 1e-14


# ---------------------------------------------------------------- what it is chosen for


class Squared(cp.Layer):
    """A layer that no engine but batch knows."""

    def forward(self, x, training=False):
        return x * x, x

    def backward(self, saved, dy):
        return dy * 2 * saved


def test_it_is_the_default_and_says_when_it_cannot(caplog: pytest.LogCaptureFixture) -> None:
    data = cp.data.load("circles", seed=0)
    with caplog.at_level(logging.WARNING, "clearprop"):
        cp.fit(cp.mlp([2, 4, 2], dropout=0.5), data, epochs=1)
        assert caplog.messages == []
        cp.fit(cp.Net(cp.Linear(2, 4), Squared(), cp.Linear(4, 2)), data, epochs=1)
    (line,) = caplog.messages
    assert line == (
        "Training on the engine 'batch'; 'compiled' cannot:"
        " it knows Linear, Dropout, BatchNorm, Softmax and element-wise activations only, not Squared()."
    )


class OwnDropout(cp.Dropout):
    """May compute anything."""


class OwnSoftmax(cp.Softmax):
    """Likewise."""


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ([cp.Tanh(), cp.Linear(2, 2)], None),
        ([cp.Linear(2, 2), cp.Tanh(), cp.ReLU(), cp.BatchNorm(2), cp.Dropout()], None),
        ([cp.BatchNorm(2), cp.Linear(2, 2)], None),
        ([cp.Linear(2, 2), Squared()], "not Squared()."),
        ([cp.Linear(2, 2), OwnDropout()], "not OwnDropout()."),
        ([cp.Linear(2, 2), OwnSoftmax()], "OwnSoftmax"),
        ([cp.Dropout(0.0)], "it needs to know the number of inputs of Dropout(rate=0.0); begin with a Linear."),
        ([cp.Tanh()], "it needs to know the number of inputs of Tanh(); begin with a Linear."),
    ],
)
def test_what_it_cannot_do_has_a_reason(layers: list[cp.Layer], reason: str | None) -> None:
    net = cp.Net(*layers)
    found = Compiled().supports(net, cp.CrossEntropy(), cp.SGD())
    assert found is None if reason is None else reason in str(found)


def test_binary_losses_at_the_edge_are_those_of_the_reference() -> None:
    X, y = np.array([[-800.0], [800.0], [0.0]]), np.array([[1.0], [0.0], [1.0]])
    for loss, output in ((cp.BinaryCrossEntropy(), "sigmoid"), (BinaryCrossEntropyWithLogits(), "linear")):
        net = cp.mlp([1, 1], output=output, init="xavier", dtype="float64")
        got, wanted = (engine.loss_and_grad(net, loss, X, y) for engine in (Compiled(), Batch()))
        assert got[0] == pytest.approx(wanted[0], rel=1e-12)
        np.testing.assert_allclose(got[1], wanted[1], rtol=1e-9)


@pytest.mark.parametrize("engine", ["compiled", "batch"])
@pytest.mark.parametrize("stored", ["uint8", "float32"])
def test_a_mapped_file_trains_as_the_array_in_it(tmp_path: Path, stored: str, engine: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(compiled_engine, "PIECE", 40)  # several pieces, of several batches each
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 4, size=(150, 3)).astype(stored), rng.integers(2, size=150)
    np.save(tmp_path / "X.npy", X)
    thetas = []
    for data in (np.load(tmp_path / "X.npy", mmap_mode="r"), X):
        net = cp.mlp([3, 5, 2])
        cp.fit(net, (data, y), batch_size=16, epochs=2, optimizer="adam", engine=engine)
        thetas.append(net.theta)
    np.testing.assert_array_equal(*thetas)


def test_read_only_arrays_are_read_where_they_lie() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)).astype(np.float32), rng.integers(2, size=20)
    thetas = []
    for writable in (True, False):
        for array in (X, y):
            array.setflags(write=writable)
        net = cp.mlp([3, 2], seed=0)
        cp.fit(net, (X, y), epochs=2, validation=(X, y))
        held = Session.of(net, cp.CrossEntropy(), cp.SGD(), 2, 20, None)
        held.set_data(X, y, 20, None)
        assert held.job.parts["x"] is X
        assert held.job.parts["labels"] is y
        thetas.append(net.theta)
    np.testing.assert_array_equal(*thetas)


def test_what_is_kept_of_the_data_is_never_out_of_date() -> None:
    """The engine remembers where the data of the last call lie; what they hold, and what is done with them, may change."""
    rng, engine, net = np.random.default_rng(0), Compiled(), cp.mlp([3, 4, 2], seed=0, dtype="float64")
    X, y = rng.normal(size=(20, 3)), rng.integers(2, size=20)

    def agree(loss: cp.Loss, X: np.ndarray, y: np.ndarray) -> None:
        for got, wanted in zip(engine.loss_and_grad(net, loss, X, y), Batch().loss_and_grad(net, loss, X, y), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-15)

    agree(cp.CrossEntropy(), X, y)
    agree(cp.CrossEntropy(reduction="sum"), X, y)
    agree(cp.MeanSquaredError(), X, np.eye(2)[y])
    X *= 2
    y[:] = 1 - y
    agree(cp.CrossEntropy(), X, y)
    agree(cp.CrossEntropy(), X[:, ::-1], y)  # copied, since it does not lie in rows
    X += 1
    agree(cp.CrossEntropy(), X[:, ::-1], y)
    agree(cp.CrossEntropy(), X, y.copy())
    backwards, single, small = X[:, ::-1], X.astype(np.float32), y.astype(np.int32)
    for _ in range(2):
        agree(cp.CrossEntropy(), backwards, small)
        agree(cp.CrossEntropy(), single, y)
        X += 1
        single += 1
        small[:] = 1 - small
    y[3] = 2
    with pytest.raises(ShapeError, match="label 2"):
        engine.loss_and_grad(net, cp.CrossEntropy(), X, y)


def test_a_patch_between_two_calls_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, net, X, y = Compiled(), cp.mlp([4, 2]), np.ones((5, 4), np.float32), np.zeros(5, np.int64)
    engine.loss_and_grad(net, cp.CrossEntropy(), X, y)
    monkeypatch.setattr(cp.Linear, "backward", lambda self, saved, dy: dy)
    with pytest.raises(UnsupportedError, match=r"Linear\.backward is not the one"):
        engine.loss_and_grad(net, cp.CrossEntropy(), X, y)


def test_nets_that_are_described_alike_are_not_taken_for_each_other() -> None:
    engine, X, y = Compiled(), np.ones((5, 4), np.float32), np.zeros(5, np.int64)
    engine.loss_and_grad(cp.Net(cp.Linear(4, 4), cp.Tanh(), cp.Linear(4, 4)), cp.CrossEntropy(), X, y)
    layer = cp.Linear(4, 4)
    with pytest.raises(UnsupportedError, match="is used twice"):
        engine.loss_and_grad(cp.Net(layer, cp.Tanh(), layer), cp.CrossEntropy(), X, y)


def test_a_dropout_that_is_switched_on_again_is_not_forgotten(agree: Any) -> None:
    X, y, net = (
        np.ones((5, 4)),
        np.zeros(5, np.int64),
        cp.Net(cp.Linear(4, 9), cp.Dropout(0.0), cp.Linear(9, 2), dtype="float64"),
    )
    for rate in (0.0, 0.5, 0.0, 0.3):
        net[1].rate = rate
        twin = net.copy()
        got, wanted = (
            engine.loss_and_grad(each, cp.CrossEntropy(), X, y) for engine, each in ((Compiled(), net), (Batch(), twin))
        )
        agree(got[1], wanted[1], 1e-12)
        assert net[1].rng.bit_generator.state == twin[1].rng.bit_generator.state


@pytest.mark.parametrize("wrong", [-1, 20])
@pytest.mark.parametrize("call", ["labels", "order"])
def test_no_memory_is_read_for_a_label_or_a_row_that_there_is_not(call: str, wrong: int) -> None:
    X, y, order, net = np.ones((20, 3), np.float32), np.zeros(20, np.int64), np.arange(20), cp.mlp([3, 2])
    (y if call == "labels" else order)[17] = wrong
    before = net.theta.copy()
    with pytest.raises(ShapeError, match=f"label {wrong} is outside" if call == "labels" else f"names example {wrong}, but"):
        Compiled().train_epoch(net, cp.CrossEntropy(), cp.SGD(), X, y, order, 5)
    np.testing.assert_array_equal(net.theta, before)


@pytest.mark.parametrize("wrong", [-1, 7])
@pytest.mark.parametrize("part", ["training", "validation"])
def test_no_memory_is_read_for_a_label_in_several_epochs_either(part: str, wrong: int) -> None:
    """The validation examples are measured in the kernel, too."""
    X, y, bad, net = np.ones((20, 3), np.float32), np.zeros(20, np.int64), np.zeros(20, np.int64), cp.mlp([3, 2])
    bad[11] = wrong
    before = net.theta.copy()
    train, val = (bad, y) if part == "training" else (y, bad)
    with pytest.raises(ShapeError, match=f"label {wrong} is outside"):
        cp.fit(net, (X, train), validation=(X, val), epochs=3)
    np.testing.assert_array_equal(net.theta, before)


def test_the_units_are_made_before_training_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """`prepare` loads them all, so that the first epoch asks for none."""
    net, X, y = cp.mlp([3, 4, 2], hidden="sigmoid"), np.ones((20, 3), np.float32), np.zeros(20, np.int64)
    engine, optimizer = Compiled(), cp.RMSProp()
    engine.prepare(net, cp.CrossEntropy(), optimizer, 5)
    monkeypatch.setattr(session, "address", lambda *given: pytest.fail("a unit was not prepared"))
    monkeypatch.setattr(COMPILATIONS, "one", pytest.fail)
    engine.train_epoch(net, cp.CrossEntropy(), optimizer, X, y, np.arange(20), 5)
