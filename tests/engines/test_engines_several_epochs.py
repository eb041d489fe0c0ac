"""Several epochs in one call of the kernel: the same bits as one by one, which a callback that does nothing brings about."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.engines import Batch
from clearprop.engines.compiled.compiled_engine import Compiled
from clearprop.errors import OptionError
from clearprop.training.run import Callback

RNG = np.random.default_rng(0)
X, XV = RNG.normal(size=(101, 3)), RNG.normal(size=(300, 3))
LABELS, VAL_LABELS = RNG.integers(3, size=101), RNG.integers(3, size=300)
VALUES, VAL_VALUES = RNG.normal(size=(101, 3)), RNG.normal(size=(300, 3))
CLASSES = {"data": (X, LABELS), "validation": (XV, VAL_LABELS)}
NUMBERS = {"data": (X, VALUES), "validation": (XV, VAL_VALUES), "loss": "mse"}


class Nothing(Callback):
    """Has to be told of every epoch."""


def small(dtype: str = "float32") -> cp.Net:
    return cp.mlp([3, 6, 3], hidden="tanh", seed=1, dtype=dtype)


def with_buffers() -> cp.Net:
    return cp.Net(cp.Linear(3, 8), cp.BatchNorm(8), cp.Tanh(), cp.Dropout(0.3), cp.Linear(8, 3), cp.Dropout(0.1), seed=2)


def large() -> cp.Net:
    """One whose steps are not shared among threads, while the validation might be."""
    return cp.mlp([3, 60, 60, 3], hidden="tanh", seed=1)


def larger() -> cp.Net:
    """One whose steps and validation are shared."""
    return cp.mlp([3, 300, 60, 3], hidden="tanh", seed=1)


def rows(history: cp.History) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


class Recorded(Compiled):
    """Counts its calls."""

    def __init__(self, threads: int | None = None) -> None:
        super().__init__(threads)
        self.calls: list[str] = []

    def train_epoch(self, *given: Any) -> Any:
        self.calls.append("one")
        return super().train_epoch(*given)

    def train_epochs(self, *given: Any) -> Any:
        self.calls.append("several")
        return super().train_epochs(*given)


def trained(make: Callable[[], cp.Net], engine: cp.Engine, callbacks: list[Callback], **settings: Any) -> dict[str, Any]:
    """Everything that training leaves behind."""
    net, optimizer = make(), copy.deepcopy(settings.pop("optimizer", cp.SGD(0.1)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        given = {"epochs": 15, "batch_size": 8, "seed": 3, **settings}
        history = cp.fit(net, engine=engine, optimizer=optimizer, callbacks=callbacks, **given)
    return {
        "theta": net.theta, "t": optimizer.t, **{f"state {name}": value for name, value in optimizer.state.items()},
        "rows": rows(history), "stopped": history.stopped, "nonfinite": history.nonfinite, "best": history.best_epoch,
        "warnings": [str(w.message) for w in caught], **{f"buffer {k}": v for k, v in net.arrays().items()},
        "generators": [repr(layer.rng.bit_generator.state) for layer in net.layers if layer.rng is not None],
    }  # fmt: skip


def assert_equal(got: dict[str, Any], wanted: dict[str, Any]) -> None:
    """The same bits everywhere."""
    assert got.keys() == wanted.keys()
    for name, value in wanted.items():
        if name == "rows":  # where NaN is equal to NaN
            assert list(map(repr, got[name])) == list(map(repr, value))
        else:
            np.testing.assert_array_equal(got[name], value, err_msg=name)


def same(make: Callable[[], cp.Net], *callbacks: Callback, alone: bool = True, **settings: Any) -> dict[str, Any]:
    """The figures of a run, which must be the same, to the bit, when its epochs are trained one by one."""
    several = Recorded()
    together = trained(make, several, copy.deepcopy(list(callbacks)), **settings)
    one_by_one = trained(make, Compiled(), [*copy.deepcopy(list(callbacks)), Nothing()], **settings)
    assert_equal(together, one_by_one)
    assert not alone or "one" not in several.calls, "the case must be trained without Python"
    return together


OPTIMIZERS = [
    cp.SGD(0.1),
    cp.SGD(0.1, momentum=0.9, nesterov=True),
    cp.SGD(cp.StepDecay(0.3, every=20)),
    cp.SGD(0.1, weight_decay=0.05),
    cp.Adam(0.01),
    cp.Adam(cp.ExponentialDecay(0.05, factor=0.99), weight_decay=0.1, clip_norm=0.5),
    cp.RMSProp(cp.WarmUp(cp.StepDecay(0.01, every=30), steps=9)),
    cp.AdaGrad(0.1, weight_decay=0.1),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_every_optimizer(optimizer: cp.Optimizer, dtype: str) -> None:
    found = same(lambda: small(dtype), optimizer=optimizer, **CLASSES)
    assert found["t"] == 15 * 13
    assert len(found["rows"]) == 15


SETTINGS: list[dict[str, Any]] = [
    {"remainder": "drop"},
    {"order": "sequential"},
    {"order": "sequential", "remainder": "drop"},
    {"batch_size": 1},
    {"batch_size": None},
    {"batch_size": 1000},
    {"validation": None},
    {"loss": cp.CrossEntropy("sum"), "optimizer": cp.SGD(0.001, weight_decay=0.1)},
    {**NUMBERS, "loss": cp.MeanSquaredError("sum"), "optimizer": cp.Adam(0.001, weight_decay=0.1), "remainder": "drop"},
    {"seed": np.random.default_rng(5)},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: ", ".join(s))
def test_every_setting(settings: dict[str, Any]) -> None:
    if isinstance(settings.get("seed"), np.random.Generator):
        twins = [np.random.default_rng(5) for _ in range(2)]
        results = [trained(small, Compiled(), c, seed=rng, **CLASSES) for rng, c in zip(twins, ([], [Nothing()]), strict=True)]
        np.testing.assert_array_equal(results[0]["theta"], results[1]["theta"])
        assert twins[0].bit_generator.state == twins[1].bit_generator.state
    else:
        same(small, **{**CLASSES, **settings})


@pytest.mark.parametrize("make", [large, larger])
def test_validation_that_threads_share(make: Callable[[], cp.Net]) -> None:
    same(make, alone=False, epochs=4, batch_size=40, data=CLASSES["data"], validation=CLASSES["validation"])


def test_running_averages_and_masks() -> None:
    found = same(with_buffers, optimizer=cp.Adam(0.01), **CLASSES)
    assert len(found["generators"]) == 2
    assert sum("running" in name for name in found) == 2


def test_weight_decay_is_in_the_figures() -> None:
    """loss + lambda / 2 |theta|^2, after the epoch; here of parameters that do not move."""
    net, loss = small("float64"), cp.CrossEntropy()
    wanted = loss(net(X), LABELS) + 0.5 * 0.3 * float(net.theta @ net.theta)
    optimizer = cp.SGD(1e-300, weight_decay=0.3)
    history = cp.fit(net, (X, LABELS), validation=(X, LABELS), optimizer=optimizer, epochs=3, batch_size=8, engine=Recorded())
    assert history["train_loss"] == pytest.approx([wanted] * 3, rel=1e-12)
    assert history["val_loss"] == pytest.approx([wanted] * 3, rel=1e-12)


# ---------------------------------------------------------------- early stopping


@pytest.mark.parametrize("monitor", ["val_loss", "train_loss", "val_accuracy", "train_accuracy"])
@pytest.mark.parametrize("optimizer", [cp.SGD(0.5), cp.Adam(0.05, weight_decay=0.1)], ids=repr)
def test_early_stopping_on_every_figure(monitor: str, optimizer: cp.Optimizer) -> None:
    for min_delta in (0.0, 0.005):
        stop = cp.EarlyStopping(3, monitor, min_delta=min_delta)
        found = same(small, stop, optimizer=optimizer, **{**CLASSES, "epochs": 100})
        assert found["stopped"] == f"{monitor} has not improved for 3 epochs"
        assert found["best"] == len(found["rows"]) - 3


def test_early_stopping_that_is_never_reached_keeps_the_best() -> None:
    found = same(small, cp.EarlyStopping(50, "val_loss"), optimizer=cp.Adam(0.02), **{**CLASSES, "epochs": 40})
    assert found["stopped"] is None
    assert 1 <= found["best"] < 40


def test_early_stopping_with_running_averages() -> None:
    """The best averages would have to be kept as well: such a run is trained one by one."""
    found = same(with_buffers, cp.EarlyStopping(3, "val_loss"), alone=False, **{**CLASSES, "epochs": 60})
    assert found["best"] >= 1


@pytest.mark.parametrize("monitor", ["val_accuracy", "train_accuracy", "val_los"])
def test_a_figure_that_there_is_not_is_an_error(monitor: str) -> None:
    with pytest.raises(OptionError, match=f"no history column called '{monitor}'"):
        cp.fit(small(), callbacks=cp.EarlyStopping(3, monitor), epochs=9, engine=Compiled(), **NUMBERS)
    with pytest.raises(OptionError, match="needs validation data"):
        cp.fit(small(), (X, LABELS), callbacks=cp.EarlyStopping(3, "val_loss"), epochs=9, engine=Compiled())


# ---------------------------------------------------------------- numbers that are not finite


def relu() -> cp.Net:
    return cp.mlp([3, 6, 3], hidden="relu", seed=1)


RISING = cp.WarmUp(cp.StepDecay(100.0, every=10**6), steps=10_000)
"""Its steps are small at first, and after some epochs so large that the parameters overflow."""


@pytest.mark.parametrize("lr", [1e30, RISING])
@pytest.mark.parametrize("make", [relu, with_buffers])
def test_divergence_in_the_first_epoch_or_later(make: Any, lr: Any) -> None:
    found = same(make, alone=False, optimizer=cp.SGD(lr, momentum=0.9), **{**NUMBERS, "epochs": 60})
    assert np.isfinite(found["theta"]).all()
    where = found["nonfinite"]["epoch"]
    assert where == len(found["rows"]) + 1
    assert (where > 2) == (lr is RISING)
    assert found["stopped"].startswith(f"not finite in epoch {where}, step ")
    assert [line.startswith("Training stopped: not finite") for line in found["warnings"]] == [True]


def test_divergence_that_is_to_be_ignored() -> None:
    found = same(relu, optimizer=cp.SGD(100.0), on_nonfinite="continue", **NUMBERS)
    assert not np.isfinite(found["theta"]).all()
    assert len(found["rows"]) == 15


# ---------------------------------------------------------------- in pieces


def test_a_run_in_many_calls_is_that_in_one(monkeypatch: Any) -> None:
    """However many epochs a call takes."""
    whole = same(small, cp.EarlyStopping(9, "val_loss"), optimizer=cp.Adam(0.05), **{**CLASSES, "epochs": 60})
    monkeypatch.setattr("clearprop.training.several_epochs.AT_A_TIME", 1e-9)
    single = Recorded()
    pieces = trained(small, single, [cp.EarlyStopping(9, "val_loss")], optimizer=cp.Adam(0.05), **{**CLASSES, "epochs": 60})
    assert_equal(pieces, whole)
    assert single.calls == ["several"] * len(whole["rows"])


def test_a_resumed_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    settings = {"optimizer": cp.Adam(0.01), **CLASSES}
    whole = trained(with_buffers, Compiled(), [], **settings)
    trained(with_buffers, Compiled(), [cp.Checkpoint(path)], **{**settings, "epochs": 6})
    engine = Recorded()
    resumed = trained(with_buffers, engine, [], **settings, resume=path)
    assert "one" not in engine.calls
    assert_equal(resumed, whole)


def test_a_resumed_early_stop_remembers_the_best(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    settings = {"optimizer": cp.Adam(0.05), **CLASSES, "epochs": 60}
    whole = trained(small, Compiled(), [cp.EarlyStopping(6)], **settings)
    trained(small, Compiled(), [cp.EarlyStopping(6), cp.Checkpoint(path)], **{**settings, "epochs": len(whole["rows"]) - 3})
    resumed = trained(small, Recorded(), [cp.EarlyStopping(6)], **settings, resume=path)
    assert_equal(resumed, whole)


def test_the_history_is_that_of_the_reference() -> None:
    """To the rounding of float64, with every kind of layer."""
    make = lambda: with_buffers().astype("float64")  # noqa: E731
    got, wanted = (
        trained(make, engine, [], optimizer=cp.SGD(0.05, weight_decay=0.1), **CLASSES) for engine in (Recorded(), Batch())
    )
    for row, right in zip(got["rows"], wanted["rows"], strict=True):
        assert row == pytest.approx(right, rel=1e-9)
    assert got["generators"] == wanted["generators"]
