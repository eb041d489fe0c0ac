"""Threads: those that share a step, those of a person who trains several nets at the same time, and Ctrl-C in between."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.engines import Batch
from clearprop.engines.compiled.compiled_engine import Compiled
from clearprop.engines.compiled.plan import TRAIN
from clearprop.engines.compiled.session import Session
from clearprop.engines.compiled.team import Team

# ---------------------------------------------------------------- threads that share a step

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
        session = Session.of(net, cp.CrossEntropy(), optimizer, TRAIN, 64, threads)
        assert session.threads == threads, "the case must be large enough for the threads to share"
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


@pytest.mark.parametrize("threads", [2, 3])
def test_layers_of_every_kind_are_shared_among_threads(threads: int, agree: Any) -> None:
    """BatchNorm is divided by columns, Dropout and the rest by rows; the padding of a row belongs to somebody, too."""
    rng, trained = np.random.default_rng(0), []
    X, y, order = rng.normal(size=(300, 203)), rng.integers(10, size=300), rng.permutation(300)
    for engine in (Compiled(threads=threads), Batch()):
        before = [cp.BatchNorm(203), cp.Dropout(0.1), cp.Linear(203, 151), cp.BatchNorm(151), cp.Tanh(), cp.Dropout(0.3)]
        net = cp.Net(*before, cp.Linear(151, 70), cp.ReLU(), cp.Tanh(), cp.Linear(70, 10), seed=1, dtype="float64")
        for _ in range(2):
            engine.train_epoch(net, cp.CrossEntropy(), cp.SGD(0.05), X, y, order, 64)
        trained.append((net.theta, net[0].running_var, net[3].running_mean, net[2].W))
    for got, wanted in zip(*trained, strict=True):
        agree(got, wanted, 1e-9)


# ---------------------------------------------------------------- threads of a person's own


def trained_alone(k: int) -> tuple[np.ndarray, list[Any]]:
    """The net of one of ten threads, all of which use the same engine; they differ in size, kind and data."""
    rng = np.random.default_rng(k)
    X, y = rng.normal(size=(200, 4)).astype(np.float32), rng.integers(3, size=200)
    hidden = [8, 8, 30, 200, 200][k % 5]
    layers = [
        cp.Linear(4, hidden),
        cp.Tanh(),
        *([cp.BatchNorm(hidden), cp.Dropout(0.2)] if k % 2 else []),
        cp.Linear(hidden, 3),
    ]
    net = cp.Net(*layers, seed=k)
    history = cp.fit(
        net, (X, y), validation=(X, y), engine=ENGINE, batch_size=[8, 200][k % 2], epochs=20, seed=k, optimizer=cp.Adam(0.01)
    )
    return net.theta, [{name: value for name, value in row.items() if name != "seconds"} for row in history]


ENGINE = Compiled()


def test_ten_threads_use_one_engine_at_the_same_time() -> None:
    wanted = [trained_alone(k) for k in range(10)]
    with ThreadPoolExecutor(10) as pool:
        together = list(pool.map(trained_alone, range(10)))
    for (theta, rows), (wanted_theta, wanted_rows) in zip(together, wanted, strict=True):
        np.testing.assert_array_equal(theta, wanted_theta)
        assert rows == wanted_rows


COMPILED_TOGETHER = """
import threading, numpy as np, clearprop as cp
X, y = np.random.default_rng(0).normal(size=(50, 3)).astype("float32"), np.arange(50) % 2
thetas = {}
def train(k):
    net = cp.mlp([3, 4, 2], hidden="relu", seed=0)
    cp.fit(net, (X, y), epochs=3, engine="compiled")
    thetas[k] = net.theta
threads = [threading.Thread(target=train, args=(k,)) for k in range(6)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
print(len(thetas), all((thetas[k] == thetas[0]).all() for k in range(6)))
"""


def test_threads_that_need_the_same_unit_compile_it_once(tmp_path: Any) -> None:
    command = [sys.executable, "-c", COMPILED_TOGETHER]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100, env=environment)
    assert done.stdout == "6 True\n"
    lines = done.stderr.splitlines()
    assert len(lines) == len(set(lines)) > 0


# ---------------------------------------------------------------- Ctrl-C

INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np, clearprop as cp
from clearprop.engines.compiled.compiled_engine import Compiled
rng = np.random.default_rng(0)
X, y = rng.normal(size=(600, 60)).astype("float32"), rng.integers(10, size=600)
kind, times = sys.argv[1], int(sys.argv[2])
batch, threads = (300, 2) if kind == "shared" else (10, 1)
cp.fit(cp.mlp([60, 60, 10]), (X, y), batch_size=batch, epochs=2, engine=Compiled(threads=threads))
early = torn = 0
for k in range(times):  # at a rate so small that no processor learns all labels by heart, to a loss of exactly 0
    net, optimizer = cp.mlp([60, 60, 10], hidden="tanh", seed=0), cp.Adam(1e-5)
    settings = dict(batch_size=batch, engine=Compiled(threads=threads))
    threading.Timer(0.01 + 0.003 * (k % 17), os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        history = cp.fit(net, (X, y), optimizer=optimizer, epochs=10**6, **settings)
    except KeyboardInterrupt:  # before the first epoch
        early += 1
        continue
    done = len(history)
    assert history.stopped == f"interrupted in epoch {done + 1}", history.stopped
    assert np.isfinite(net.theta).all() and all(0 < row["train_loss"] < 3 for row in history)
    whole = optimizer.t == done * (600 // batch)
    if kind == "alone" and done:  # an epoch is finished, or not begun
        again = cp.mlp([60, 60, 10], hidden="tanh", seed=0)
        cp.fit(again, (X, y), optimizer=cp.Adam(1e-5), epochs=done, **settings)
        whole = whole and np.array_equal(again.theta, net.theta)
    torn += not whole
# Between the kernel's last instruction and the row in the history there is a moment of Python.
assert early < times / 2 and torn <= 1 + times // 25, (early, torn)
print("whole")
"""


@pytest.mark.parametrize(("kind", "times"), [("shared", 50), ("alone", 12)])
def test_ctrl_c_never_hangs_and_never_crashes(kind: str, times: int) -> None:
    command = [sys.executable, "-W", "error", "-c", INTERRUPTED, kind, str(times)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "whole\n"), done.stderr


def test_a_second_ctrl_c_waits_for_the_team_as_well() -> None:
    """Until both threads are done, nothing that they work on may be given back."""
    ended, go, presses = [], threading.Event(), []

    def work() -> None:
        go.wait()
        ended.append(1)

    def interrupt() -> None:
        presses.append(1)
        if len(presses) < 3:
            raise KeyboardInterrupt  # it is pressed once more
        go.set()

    class Pressed(threading.Event):
        """An event whose first wait is ended by Ctrl-C."""

        def wait(self, timeout: float | None = None) -> bool:
            if not presses:
                presses.append(1)
                raise KeyboardInterrupt
            return super().wait(timeout)

    team = Team(2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clearprop.engines.compiled.team.threading.Event", Pressed)
        with pytest.raises(KeyboardInterrupt):
            team.run([work, work], interrupt)
    assert len(ended) == 2
    assert len(presses) == 3


def test_an_error_in_one_thread_is_that_of_the_call() -> None:
    team, done = Team(2), []
    with pytest.raises(ZeroDivisionError):
        team.run([lambda: 1 // 0, lambda: done.append(1)], lambda: None)
    team.run([lambda: done.append(2)], lambda: None)
    assert done == [1, 2]
