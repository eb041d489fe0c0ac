"""The compiled engine: its mathematics, its threads, its cache. That it agrees with the others stands in the table of cases."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import from_dtype, njit
from numba.extending import register_jitable

import clearprop as cp
from clearprop.engines import Batch
from clearprop.engines.compiled import compiled_engine as module
from clearprop.engines.compiled import lane_math
from clearprop.engines.compiled.compiled_engine import Compiled
from clearprop.engines.compiled.lane_math import compile_elementwise
from clearprop.engines.compiled.lanes import count, load, store
from clearprop.engines.compiled.tile import row_product, sum_product
from clearprop.errors import ShapeError, UnsupportedError
from clearprop.nn import BinaryCrossEntropyWithLogits, ReLU, Sigmoid, Tanh
from clearprop.optim.schedules import StepDecay

# ---------------------------------------------------------------- functions of one register

FUNCTIONS = {
    "exp": (lambda z: np.exp(z), -80, 80),
    "exp near 0": (lambda z: np.exp(z), -1e-3, 1e-3),
    "log": (lambda z: np.log(z), 1e-30, 50),
    "log near 1": (lambda z: np.log(z), 0.9, 1.1),
    "log1p": (lambda z: np.log1p(z), -0.5, 3),
    "log1p near 0": (lambda z: np.log1p(z), 1e-9, 1e-6),
    "sqrt": (lambda z: np.sqrt(z), 0, 10),
    "tanh": (Tanh.f, -25, 25),
    "tanh near 0": (Tanh.f, -1e-4, 1e-4),
    "sigmoid": (Sigmoid.f, -80, 80),
    "sigmoid'": (Sigmoid.df, 0, 1),
    "tanh'": (Tanh.df, -0.5, 0.5),
    "relu": (ReLU.f, -1, 1),
    "relu'": (ReLU.df, -1, 1),
}


def on_registers(function: Any, x: np.ndarray, as_it_is: bool = False) -> np.ndarray:
    """The function, compiled for registers, on every number of x."""
    compiled, lanes = function if as_it_is else compile_elementwise(function), count(x.dtype)

    @njit
    def run(x: Any, y: Any) -> None:
        for i in range(0, len(x), lanes):
            store(y, i, compiled(load(x, i)))

    y = np.empty_like(x)
    run(x, y)
    return y


def ulps(got: np.ndarray, exact: np.ndarray) -> float:
    """The largest error, in units of the last place."""
    size = np.maximum(np.abs(exact), np.finfo(got.dtype).tiny)
    return float(np.max(np.abs(got.astype(np.float64) - exact) / size) / np.finfo(got.dtype).eps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_right_to_three_units_in_the_last_place(name: str, dtype: str) -> None:
    function, low, high = FUNCTIONS[name]
    x = np.linspace(low, high, 4096).astype(dtype)
    exact = function(x.astype(np.longdouble)).astype(np.float64)
    assert ulps(on_registers(function, x), exact) < 3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("missing", [0, 1])
def test_a_series_one_term_too_short_would_be_noticed(missing: int, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    economised = lane_math.economised
    monkeypatch.setattr(lane_math, "economised", lambda *given: economised(*given[:3], given[3] - missing))
    split_exp, log = lane_math._parts(from_dtype(np.dtype(dtype)))

    @register_jitable
    def exp(x: Any) -> Any:
        k, e = split_exp(x)
        return lane_math.fma(lane_math.power_of_two(k), e, lane_math.power_of_two(k))

    for function, exact, low, high in ((exp, np.exp, -0.35, 0.35), (log, np.log, 0.72, 1.4)):
        x = np.linspace(low, high, 4096).astype(dtype)
        x = x[(np.abs(x - 1) > 0.01) | (exact is np.exp)]  # where log is small, its digits depend on those of x
        x = x[: len(x) // 16 * 16]
        wrong = ulps(on_registers(function, x, as_it_is=True), exact(x.astype(np.longdouble)).astype(np.float64))
        assert (wrong > 3) == bool(missing)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_not_finite_stays_so(dtype: str) -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0, -1, 2000, -2000, 1] * 2, dtype)
    inf, nan = np.inf, np.nan
    for function, expected in (
        (lambda z: np.exp(z), [nan, inf, 0, 1, np.exp(-1), inf, 0, np.e]),
        (lambda z: np.log(z), [nan, inf, nan, -inf, nan, np.log(2000), nan, 0]),
        (Tanh.f, [nan, 1, -1, 0, np.tanh(-1), 1, -1, np.tanh(1)]),
        (Sigmoid.f, [nan, 1, 0, 0.5, 1 / (1 + np.e), 1, 0, 1 / (1 + np.exp(-1))]),
        (ReLU.f, [nan, inf, 0, 0, 0, 2000, 0, 1]),
    ):
        np.testing.assert_allclose(on_registers(function, x)[:8], expected, rtol=1e-6)


@pytest.mark.parametrize(("dtype", "low", "high"), [("float32", -86.5, 88.71), ("float64", -707.0, 709.7)])
def test_exp_is_right_up_to_where_it_overflows(dtype: str, low: float, high: float) -> None:
    x = np.concatenate([np.linspace(low, low + 2, 512), np.linspace(high - 2, high, 512)]).astype(dtype)
    assert ulps(on_registers(lambda z: np.exp(z), x), np.exp(x.astype(np.longdouble)).astype(np.float64)) < 3
    beyond = np.linspace(-1000, 1000, 4096).astype(dtype)
    with np.errstate(over="ignore", under="ignore"):
        np.testing.assert_allclose(on_registers(Sigmoid.f, beyond), Sigmoid.f(beyond), rtol=1e-5, atol=1e-37)


# ---------------------------------------------------------------- the matrix kernel


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (3, 5, 2), (6, 17, 16), (15, 225, 64), (7, 130, 33), (13, 300, 70), (64, 129, 130)]
)
def test_products_of_every_shape(shape: tuple[int, int, int], dtype: str) -> None:
    rows, depth, columns = shape
    lanes = count(dtype)
    width = -(-columns // lanes) * lanes
    rng = np.random.default_rng(0)
    data = rng.normal(size=(2 * max(rows, depth), max(rows, depth))).astype(dtype)
    order = rng.permutation(len(data))
    offsets = (order * data.shape[1]).astype(np.int64)
    right = rng.normal(size=(depth, width)).astype(dtype)
    bias = rng.normal(size=width).astype(dtype)
    tolerance = 20 * np.finfo(dtype).eps * np.sqrt(depth)

    c = np.full((rows, width), np.nan, dtype)
    row_product(
        data.ravel(), offsets, 0, 0, rows, right.ravel(), 0, width, depth,
        c.ravel(), 0, width, 0, width, 2, 1.0, bias, 0, lanes,
    )  # fmt: skip
    expected = data[order[:rows], :depth].astype(np.float64) @ right + bias
    np.testing.assert_allclose(c, expected, rtol=0, atol=tolerance * np.abs(expected).max())

    c = rng.normal(size=(rows, width)).astype(dtype)
    expected = c - 0.5 * (data[order[:depth], :rows].astype(np.float64).T @ right)
    sum_product(
        data.ravel(), offsets, 0, 0, rows, right.ravel(), 0, width, depth,
        c.ravel(), 0, width, 0, width, 1, -0.5, bias, 0, lanes,
    )  # fmt: skip
    np.testing.assert_allclose(c, expected, rtol=0, atol=tolerance * np.abs(expected).max())


# ---------------------------------------------------------------- threads

WIDE = [200, 150, 70, 10]


def wide_run(threads: int, optimizer: Any, dtype: str = "float32", engine: Any = None) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, WIDE[0])).astype(dtype), rng.integers(10, size=300)
    net = cp.mlp(WIDE, hidden=["relu", "tanh"], seed=1, dtype=dtype)
    engine = engine or Compiled(threads=threads)
    optimizer.reset()
    for epoch in range(2):
        order = np.random.default_rng(epoch).permutation(300)
        steps = engine.train_epoch(net, cp.CrossEntropy(), optimizer, X, y, order, 64)
    if isinstance(engine, Compiled):
        ((plan, _),) = engine._plans.values()
        assert plan.threads == threads, "the case must be large enough for the threads to share"
    return net.theta, steps.losses


@pytest.mark.parametrize("optimizer", [cp.SGD(0.1), cp.Adam(0.01, clip_norm=0.5)], ids=repr)
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_same_number_of_threads_gives_the_same_bits(threads: int, optimizer: cp.optim.Optimizer) -> None:
    first, second = wide_run(threads, optimizer), wide_run(threads, optimizer)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_number_of_threads_agrees_with_the_reference(threads: int, agree: Any) -> None:
    got, wanted = wide_run(threads, cp.Adam(0.01), "float64"), wide_run(1, cp.Adam(0.01), "float64", Batch())
    agree(got[0], wanted[0], 1e-10)
    agree(got[1], wanted[1], 1e-10)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("optimizer", [cp.SGD(0.1), cp.Adam(0.01, weight_decay=0.1, clip_norm=0.5)], ids=repr)
def test_layers_without_bias_are_shared_among_threads(optimizer: cp.optim.Optimizer, threads: int, agree: Any) -> None:
    rng, trained = np.random.default_rng(0), []
    X, y, order = rng.normal(size=(300, 200)), rng.integers(10, size=300), rng.permutation(300)
    for engine in (Compiled(threads=threads), Batch()):
        layers = [cp.Linear(200, 150, bias=False), cp.ReLU(), cp.Linear(150, 70), cp.Tanh(), cp.Linear(70, 10, bias=False)]
        net = cp.Net(*layers, seed=1, dtype="float64")
        optimizer.reset()
        engine.train_epoch(net, cp.CrossEntropy(), optimizer, X, y, order, 64)
        trained.append(net.theta)
    agree(*trained, 1e-10)


@pytest.mark.parametrize("sizes", [[64, 300], [64, 300, 48]], ids=str)
def test_threads_do_not_apply_a_softmax_twice(sizes: list[int], agree: Any) -> None:
    """Where rows are shared, each belongs to one thread; a mistake shows in a few calls of a hundred only."""
    rng, engine = np.random.default_rng(0), Compiled(threads=2)
    X, y = rng.normal(size=(1024, 64)), rng.integers(sizes[-1], size=1024)
    softmax = cp.Softmax(), *([cp.Linear(300, 48)] if len(sizes) == 3 else [])
    net = cp.Net(cp.Linear(64, 300), *softmax, seed=0, dtype="float64")
    loss = cp.CrossEntropy() if len(sizes) == 3 else cp.NegativeLogLikelihood()
    wanted = Batch().loss_and_grad(net, loss, X, y)
    for _ in range(100):
        for got, right in zip(engine.loss_and_grad(net, loss, X, y), wanted, strict=True):
            agree(got, right, 1e-10)


def test_the_interpreter_lock_is_released() -> None:
    net = cp.mlp([100, 400, 400, 10])
    rng = np.random.default_rng(0)
    data = (rng.normal(size=(4000, 100)).astype(np.float32), rng.integers(10, size=4000))
    counted = []

    def tick() -> None:
        while not done.is_set():
            counted.append(time.perf_counter())
            time.sleep(0.001)

    cp.fit(net, data, epochs=1, engine=Compiled(threads=1))
    done = threading.Event()
    other = threading.Thread(target=tick)
    other.start()
    began = time.perf_counter()
    steps = Compiled(threads=1).train_epoch(net, cp.CrossEntropy(), cp.SGD(), *data, np.tile(np.arange(4000), 5), 4000)
    ended = time.perf_counter()
    done.set()
    other.join()
    assert len(steps.losses) == 5
    assert sum(began < moment < ended for moment in counted) > 3, "another thread must run while the kernel does"


# ---------------------------------------------------------------- blocks of examples


@pytest.mark.parametrize("narrow", [True, False])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 8, 9, 16, 17, 33, 50])
@pytest.mark.parametrize("loss", [cp.CrossEntropy(), BinaryCrossEntropyWithLogits(), cp.CrossEntropy("sum")], ids=repr)
def test_blocks_that_are_not_full(loss: cp.Loss, batch_size: int, narrow: bool, agree: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "is_narrow", lambda net, batch_size: narrow)
    monkeypatch.setattr(module, "EVALUATED", batch_size)
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
    result = run_script(SCRIPT, NUMBA_DISABLE_JIT="1")
    differences = [float(line) for line in result.stdout.split()]
    assert len(differences) == 30
    assert max(differences) < 1e-14


def test_a_second_process_does_not_compile_again(tmp_path: Path) -> None:
    script = "import clearprop as cp; cp.fit(cp.mlp([2, 2]), cp.data.load('circles'), epochs=1, engine='compiled')"
    first, second = (run_script(script, XDG_CACHE_HOME=str(tmp_path)) for _ in range(2))
    assert first.stderr == "Compiling the float32 kernel, once for this machine ... done.\n"
    assert second.stderr == ""


# ---------------------------------------------------------------- what it is chosen for


def test_it_is_the_default_and_says_when_it_cannot(caplog: pytest.LogCaptureFixture) -> None:
    data = cp.data.load("circles", seed=0)
    with caplog.at_level(logging.WARNING, "clearprop"):
        cp.fit(cp.mlp([2, 4, 2]), data, epochs=1)
        assert caplog.messages == []
        cp.fit(cp.mlp([2, 4, 2], dropout=0.5), data, epochs=1)
    (line,) = caplog.messages
    assert line == (
        "Training on the engine 'batch'; 'compiled' cannot:"
        " it knows Linear, Sigmoid, Tanh, ReLU and Softmax only, not Dropout()."
    )


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ([cp.Tanh(), cp.Linear(2, 2)], "each activation must follow a Linear, but Tanh"),
        ([cp.Linear(2, 2), cp.Tanh(), cp.ReLU()], "each activation must follow a Linear, but ReLU"),
        ([cp.Linear(2, 2), cp.BatchNorm(2)], "not BatchNorm"),
    ],
)
def test_what_it_cannot_do_has_a_reason(layers: list[cp.Layer], reason: str) -> None:
    assert reason in str(Compiled().supports(cp.Net(*layers), cp.CrossEntropy(), cp.SGD()))


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
    monkeypatch.setattr(module, "PIECE", 40)  # several pieces, of several batches each
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 4, size=(150, 3)).astype(stored), rng.integers(2, size=150)
    np.save(tmp_path / "X.npy", X)
    thetas = []
    for data in (np.load(tmp_path / "X.npy", mmap_mode="r"), X):
        net = cp.mlp([3, 5, 2])
        cp.fit(net, (data, y), batch_size=16, epochs=2, optimizer="adam", engine=engine)
        thetas.append(net.theta)
    np.testing.assert_array_equal(*thetas)


def test_read_only_arrays_need_no_other_kernel() -> None:
    from clearprop.engines.compiled.epoch import train_steps

    X, y = np.ones((20, 3), np.float32), np.zeros(20, np.int64)
    cp.fit(cp.mlp([3, 2]), (X, y), epochs=1)
    known = len(train_steps.signatures)
    for array in (X, y):
        array.setflags(write=False)
        cp.fit(cp.mlp([3, 2]), (X, y), epochs=1)
    cp.fit(cp.mlp([3, 2]), (X, np.eye(2)[y]), epochs=1)
    assert len(train_steps.signatures) == known


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


@pytest.mark.parametrize("wrong", [-1, 20])
@pytest.mark.parametrize("call", ["labels", "order"])
def test_no_memory_is_read_for_a_label_or_a_row_that_there_is_not(call: str, wrong: int) -> None:
    X, y, order, net = np.ones((20, 3), np.float32), np.zeros(20, np.int64), np.arange(20), cp.mlp([3, 2])
    (y if call == "labels" else order)[17] = wrong
    before = net.theta.copy()
    with pytest.raises(ShapeError, match=f"label {wrong} is outside" if call == "labels" else f"names example {wrong}, but"):
        Compiled().train_epoch(net, cp.CrossEntropy(), cp.SGD(), X, y, order, 5)
    np.testing.assert_array_equal(net.theta, before)
