"""Many nets at once: the same bits as `fit` for one after the other, in one thread, whatever the nets and the settings."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.engines.compiled.compiled_engine import Compiled
from clearprop.errors import NonFiniteWarning, OptionError, ShapeError
from clearprop.nn import Activation
from clearprop.training.run import Callback

RNG = np.random.default_rng(0)
X, XV = RNG.normal(size=(90, 3)), RNG.normal(size=(40, 3))
LABELS, VAL_LABELS = RNG.integers(3, size=90), RNG.integers(3, size=40)
VALUES, VAL_VALUES = RNG.normal(size=(90, 3)), RNG.normal(size=(40, 3))


class Cosine(Activation):
    """Is not compiled."""

    @staticmethod
    def f(z):
        return np.cos(z)

    @staticmethod
    def df(a):
        return np.sqrt(np.maximum(1 - a * a, 0))


class Doubled(Activation):
    """Is compiled."""

    @staticmethod
    def f(z):
        return 2 * z

    @staticmethod
    def df(a):
        return 2 * np.ones_like(a)


class Told(Callback):
    """Counts the epochs that it is told of."""

    def __init__(self) -> None:
        self.epochs = 0

    def on_epoch_end(self, run: Any) -> None:
        self.epochs += 1


def nets() -> list[cp.Net]:
    """Twelve of many kinds, sizes and dtypes, two of which look alike."""
    sizes = [4, 5, 17, 40, 300]
    made = [cp.mlp([3, n, 3], hidden="tanh", seed=k, dtype=["float32", "float64"][k % 2]) for k, n in enumerate(sizes)]
    made += [cp.mlp([3, 4, 3], hidden="tanh", seed=9), cp.mlp([3, 3], seed=3), cp.mlp([3, 9, 8, 7, 3], hidden="relu", seed=3)]
    made += [cp.Net(cp.Linear(3, 8), cp.BatchNorm(8), cp.ReLU(), cp.Dropout(0.3), cp.Linear(8, 3), seed=s) for s in (1, 2)]
    made += [cp.Net(cp.Linear(3, 6), kind(), cp.Linear(6, 3), seed=5) for kind in (Doubled, Cosine)]
    return made


N = len(nets())
LOSSES = [cp.CrossEntropy() if k % 3 else cp.MeanSquaredError() for k in range(N)]
DATA = [(X, LABELS) if k % 3 else (X, VALUES) for k in range(N)]
VALIDATION = [(XV, VAL_LABELS) if k % 3 else (XV, VAL_VALUES) for k in range(N)]
OPTIMIZERS = [cp.SGD(0.1), cp.Adam(0.01), cp.SGD(cp.StepDecay(0.1, every=9), momentum=0.9), cp.RMSProp(0.01, weight_decay=0.1)]
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "one setting for all": ((X, LABELS), {"optimizer": cp.Adam(0.01), "epochs": 6, "seed": 4, "batch_size": 16}),
    "a list of each": (
        DATA,
        {
            "loss": LOSSES,
            "validation": VALIDATION,
            "optimizer": [copy.deepcopy(OPTIMIZERS[k % 4]) for k in range(N)],
            "batch_size": [[1, 8, 16, None][k // 2 % 4] or 90 if k not in (8, 9) else 30 for k in range(N)],
            "epochs": list(range(1, N + 1)),
            "seed": list(range(N)),
            "order": [["shuffle", "sequential", "replacement"][k % 3] for k in range(N)],
        },
    ),
    "early stopping": (
        (X, LABELS),
        {
            "validation": (XV, VAL_LABELS),
            "optimizer": cp.Adam(0.03),
            "batch_size": 16,
            "epochs": 50,
            "callbacks": [[cp.EarlyStopping(2 + k % 3, ["val_loss", "train_accuracy"][k % 2])] for k in range(N)],
        },
    ),
    "one early stopping for all": (
        (X, LABELS),
        {"validation": (XV, VAL_LABELS), "optimizer": cp.SGD(0.5), "epochs": 40, "callbacks": cp.EarlyStopping(3)},
    ),
    "sums, dropped remainders, figures afterwards": (
        (X, LABELS),
        {
            "loss": cp.CrossEntropy("sum"),
            "optimizer": cp.SGD(0.01, weight_decay=0.1),
            "batch_size": 16,
            "epochs": 4,
            "remainder": "drop",
            "train_metrics": ["running" if k % 2 else "after" for k in range(N)],
        },
    ),
}


def rows(history: cp.History) -> list[str]:
    return [repr({name: value for name, value in row.items() if name != "seconds"}) for row in history]


def of_one(value: Any, k: int) -> Any:
    """The value for net k of a setting: its own copy, as another one would change it."""
    return copy.deepcopy(value[k] if isinstance(value, list) else value)


def assert_same(net: cp.Net, history: cp.History, wanted_net: cp.Net, wanted: cp.History) -> None:
    """Everything that training leaves behind, but for the time."""
    for name, value in wanted_net.arrays().items():
        np.testing.assert_array_equal(net.arrays()[name], value, err_msg=name)
    assert rows(history) == rows(wanted)
    assert (history.stopped, history.best_epoch) == (wanted.stopped, wanted.best_epoch)
    for layer, right in zip(net.layers, wanted_net.layers, strict=True):
        assert layer.rng is None or layer.rng.bit_generator.state == right.rng.bit_generator.state


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("name", CASES)
def test_the_same_bits_as_one_after_the_other(name: str, threads: int) -> None:
    data, settings = CASES[name]
    together, one_by_one = nets(), nets()
    histories = cp.fit_many(together, data, threads=threads, **copy.deepcopy(settings))
    for k, net in enumerate(one_by_one):
        engine = "batch" if any(isinstance(layer, Cosine) for layer in net.layers) else Compiled(threads=1)
        own = {setting: of_one(value, k) for setting, value in settings.items()}
        history = cp.fit(net, of_one(data, k), engine=engine, **own)
        assert_same(together[k], histories[k], net, history)


def test_optimizers_are_left_as_by_fit() -> None:
    given = [cp.Adam(0.01), cp.SGD(0.1, momentum=0.9)]
    cp.fit_many(nets()[:2], (X, LABELS), optimizer=given, epochs=5, batch_size=30)
    for net, optimizer, wanted in zip(nets()[:2], given, (cp.Adam(0.01), cp.SGD(0.1, momentum=0.9)), strict=True):
        cp.fit(net, (X, LABELS), optimizer=wanted, epochs=5, batch_size=30, engine=Compiled(threads=1))
        assert optimizer.t == wanted.t == 15
        for name, value in wanted.state.items():
            np.testing.assert_array_equal(optimizer.state[name], value)
    shared = cp.Adam(0.01)
    cp.fit_many(nets()[:2], (X, LABELS), optimizer=shared, epochs=2)
    assert shared.t == 0
    assert not shared.state


def test_schedules_that_need_many_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clearprop.training.many.STEPS_OF_RULES", 7)
    monkeypatch.setattr("clearprop.training.many.AT_A_TIME", 3)
    test_the_same_bits_as_one_after_the_other("a list of each", 2)


def test_callbacks_are_told_of_every_epoch() -> None:
    told = [[Told()] for _ in range(3)]
    histories = cp.fit_many(nets()[:3], (X, LABELS), callbacks=told, epochs=[2, 3, 4])
    assert [callback.epochs for (callback,) in told] == [len(history) for history in histories] == [2, 3, 4]


def test_one_that_diverges_stops_alone() -> None:
    """And says where, as `fit` does, while the others go on."""
    made, alone = nets()[:4], nets()[1]
    optimizers = [cp.SGD(1e30 if k == 1 else 0.01) for k in range(4)]
    settings = {"loss": "mse", "epochs": 5, "batch_size": 10}
    with pytest.warns(NonFiniteWarning, match="epoch 1"):
        histories = cp.fit_many(made, (X, VALUES), optimizer=optimizers, **settings)
    with pytest.warns(NonFiniteWarning, match="epoch 1"):
        wanted = cp.fit(alone, (X, VALUES), optimizer=cp.SGD(1e30), engine=Compiled(threads=1), **settings)
    assert_same(made[1], histories[1], alone, wanted)
    assert histories[1].nonfinite == wanted.nonfinite
    assert [len(history) for history in histories] == [5, 0, 5, 5]
    assert all(np.isfinite(net.theta).all() for net in made)


def test_mistakes() -> None:
    made = nets()[:3]
    before = [net.theta.copy() for net in made]
    with pytest.raises(OptionError, match=r"epochs is a list of 2, but there are 3 nets; give one value, or one for each net"):
        cp.fit_many(made, (X, LABELS), epochs=[1, 2])
    with pytest.raises(OptionError, match="data is a list of 1, but there are 3 nets"):
        cp.fit_many(made, [(X, LABELS)])
    with pytest.raises(OptionError, match="needs each net once, but one is given several times; copy it first"):
        cp.fit_many([made[0], made[1], made[0]], (X, LABELS))
    with pytest.raises(OptionError, match="threads must be a whole number, 1 or more, not 0"):
        cp.fit_many(made, (X, LABELS), threads=0)
    with pytest.raises((OptionError, TypeError), match="epoch"):
        cp.fit_many(made, (X, LABELS), epoch=3)
    with pytest.raises(ShapeError, match=r"The label [345] is outside"):
        cp.fit_many(made, (X, LABELS + 3), epochs=2)
    with pytest.raises(ShapeError, match=r"The label [345] is outside"):
        cp.fit_many(made, (X, LABELS), validation=(XV, VAL_LABELS + 3), epochs=2)
    for net, theta in zip(made, before, strict=True):
        np.testing.assert_array_equal(net.theta, theta)
    assert cp.fit_many([], (X, LABELS)) == []


INTERRUPTED = """
import os, signal, sys, threading
import numpy as np, clearprop as cp
from clearprop.engines.compiled.compiled_engine import Compiled
rng = np.random.default_rng(0)
X, y = rng.normal(size=(300, 6)).astype("float32"), rng.integers(3, size=300)
make = lambda: [cp.mlp([6, n, 3], hidden="tanh", seed=n) for n in (8, 30, 9, 31, 10, 32)]
settings = dict(batch_size=10, optimizer=cp.Adam(0.001))
cp.fit_many(make(), (X, y), epochs=2, **settings)
torn = []
values = lambda history: [[v for name, v in row.items() if name != "seconds"] for row in history]
for k in range(8):
    nets = make()
    threading.Timer(0.05 + 0.02 * k, os.kill, (os.getpid(), signal.SIGINT)).start()
    histories = cp.fit_many(nets, (X, y), threads=1 + k % 3, epochs=10**5, **settings)
    for net, history, again in zip(nets, histories, make()):
        assert history.stopped == f"interrupted in epoch {len(history) + 1}", history.stopped
        if len(history):
            wanted = cp.fit(again, (X, y), epochs=len(history), engine=Compiled(threads=1), **settings)
            assert values(wanted) == values(history)
        if not np.array_equal(net.theta, again.theta):
            torn.append(net[0].n_out)
        longest = 0.001 * 0.1 / np.sqrt(0.001)  # of a step of Adam: lr (1 - beta1) / sqrt(1 - beta2)
        assert np.abs(net.theta - again.theta).max() < 30 * longest, "a part of an epoch, which has 30 steps"
print("whole", set(torn) <= {30, 31, 32})
"""


def test_after_ctrl_c_each_net_has_what_it_has_learned() -> None:
    """The history counts the epochs that its parameters have seen; a net that was not begun has seen none.

    A pass for narrow nets goes on to the end of its epoch; the others, which can take long, end with the next step.
    """
    command = [sys.executable, "-W", "error", "-c", INTERRUPTED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "whole True\n"), done.stderr


def test_it_is_exported() -> None:
    function: Callable[..., Any] = cp.fit_many
    assert function is cp.training.fit_many
