"""The ways to the doctor: a function, a callback, curves, PyTorch."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import clearprop as cp
from clearprop.arrays import Array
from clearprop.doctor.callback import Doctor
from clearprop.doctor.changes import change
from clearprop.doctor.curves import diagnose_curves, read_curves
from clearprop.doctor.diagnosis import diagnose
from clearprop.doctor.explanations import explanation
from clearprop.doctor.finding import Finding
from clearprop.doctor.watching import watch
from clearprop.errors import ClearpropError, DataError, UnknownNameError
from clearprop.training import FitSettings
from support.doctor_specimens import sound


def circles() -> cp.data.Dataset:
    return cp.data.load("circles", seed=0)


def test_diagnose_leaves_the_net_as_it_was() -> None:
    net = cp.mlp([2, 10, 2], hidden="tanh", seed=0)
    before = net.theta.copy()
    assert diagnose(net, circles(), optimizer=cp.SGD(0.3), batch_size=20, epochs=20).healthy
    np.testing.assert_array_equal(net.theta, before)


def two_rates(net: cp.Net) -> cp.SGD:
    """An optimizer that has taken a step, and holds a momentum."""
    optimizer = cp.SGD(0.05, momentum=0.9)
    optimizer.step(net.theta, np.full_like(net.theta, 0.01))
    return optimizer


class Brought(NamedTuple):
    """What a person hands to `cp.diagnose`."""

    net: cp.Net
    data: tuple[Array, Array]
    optimizer: cp.SGD
    seed: np.random.Generator


KEPT: dict[str, Callable[[Brought], Any]] = {
    "weights": lambda b: b.net.theta,
    "gradients": lambda b: b.net.grad,
    "buffers": lambda b: [np.array(v) for v in vars(b.net.layers[1]).values() if isinstance(v, np.ndarray)],
    "masks": lambda b: b.net.layers[3].rng.bit_generator.state,  # type: ignore[attr-defined]
    "inputs": lambda b: b.data[0],
    "targets": lambda b: b.data[1],
    "optimizer": lambda b: [np.array(v) for v in vars(b.optimizer).values() if isinstance(v, np.ndarray)],
    "seed": lambda b: b.seed.bit_generator.state,
    "NumPy's random state": lambda b: np.random.get_state()[1],  # noqa: NPY002
    "layers": lambda b: [id(layer) for layer in b.net.layers],
}


@pytest.fixture(scope="module")
def before_and_after() -> dict[str, tuple[Any, Any]]:
    rng = np.random.default_rng(0)
    net = cp.Net(cp.Linear(4, 12), cp.BatchNorm(12), cp.ReLU(), cp.Dropout(0.2), cp.Linear(12, 2), seed=0)
    X = rng.normal(size=(200, 4)).astype("float32")
    brought = Brought(net, (X, (X[:, 0] > 0).astype(int)), two_rates(net), np.random.default_rng(9))
    net.grad[:] = 0.25
    before = {name: copy.deepcopy(state(brought)) for name, state in KEPT.items()}
    # A rate that is far too high, so that remedies are tried on copies as well.
    found = diagnose(net, brought.data, optimizer=cp.SGD(50.0, momentum=0.9), epochs=5, seed=brought.seed)
    assert found.findings
    diagnose(net, brought.data, optimizer=brought.optimizer, epochs=2)
    return {name: (before[name], state(brought)) for name, state in KEPT.items()}


@pytest.mark.parametrize("name", KEPT)
def test_nothing_of_the_persons_is_changed(name: str, before_and_after: dict[str, tuple[Any, Any]]) -> None:
    before, after = before_and_after[name]
    np.testing.assert_equal(after, before)


def test_the_callback_finds_what_the_function_finds_and_changes_nothing() -> None:
    data, settings = circles(), {"loss": "cross_entropy", "batch_size": 20, "epochs": 5, "seed": 0}
    doctor = Doctor()
    nets = [cp.mlp([2, 10, 2], hidden="tanh", init="zeros") for _ in range(2)]
    histories = [
        cp.fit(net, data, optimizer=cp.SGD(0.1), callbacks=callbacks, engine="batch", **settings)  # type: ignore[arg-type]
        for net, callbacks in zip(nets, ([], [doctor]), strict=True)
    ]
    assert histories[0]["train_loss"] == histories[1]["train_loss"]
    assert doctor.diagnosis is not None
    assert doctor.diagnosis.findings[0].slug == "constant-initialisation"


def test_the_callback_examines_the_run_as_it_was_run() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2)).astype("float32")
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    doctor, net = Doctor(), cp.mlp([2, 8, 2], hidden="tanh", seed=1)
    kwargs = {"batch_size": 60, "seed": 7, "order": "sequential", "epochs": 6, "engine": "batch"}
    history = cp.fit(net, (X, y), optimizer=cp.SGD(0.1), callbacks=[doctor], **kwargs)  # type: ignore[arg-type]
    assert doctor.case.settings == FitSettings(60, 6, 7, "sequential")
    assert doctor.diagnosis is not None
    assert doctor.diagnosis.chart.one("settings")["steps"] == 12
    assert watch(doctor.case, "cheap").column("losses", "train_loss") == history["train_loss"]


@pytest.mark.parametrize("settings", [
    {"order": "replacement", "remainder": "drop"},
    {"order": "shuffle", "seed": np.random.default_rng(5)},
    {"order": "shuffle", "seed": 3, "train_metrics": "after"},
])  # fmt: skip
def test_the_callback_repeats_whatever_fit_was_told(settings: dict[str, object]) -> None:
    data = circles()
    doctor, net = Doctor(), cp.mlp([2, 8, 2], hidden="tanh", seed=1)
    stopping = cp.EarlyStopping(patience=2)
    history = cp.fit(
        net, data, optimizer=cp.SGD(2.0), batch_size=90, epochs=30, engine="batch", callbacks=[doctor, stopping],
        **settings,  # type: ignore[arg-type]
    )  # fmt: skip
    assert len(history) < 30
    assert doctor.case.settings.epochs == len(history), "the epochs examined are those that ran"
    assert doctor.case.patience == 2
    for _ in range(2):
        assert watch(doctor.case).column("losses", "train_loss") == history["train_loss"]


def test_an_unknown_level_is_an_error() -> None:
    with pytest.raises(UnknownNameError, match="no level called 'ful'; did you mean 'full'"):
        Doctor(level="ful")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="no level called 'cheep'"):
        diagnose(cp.mlp([2, 2]), circles(), level="cheep")  # type: ignore[arg-type]


def test_each_finding_names_the_command_that_explains_it() -> None:
    assert Finding("dead-relus", "All are dead.").more == "clearprop doctor --explain dead-relus"
    page = explanation("dead-relus")
    for part in ("# dead-relus", "## Why", "## How it is recognised", "## What to do", "It may follow from"):
        assert part in page
    with pytest.raises(UnknownNameError, match="no finding called 'dead-relu'; did you mean 'dead-relus'"):
        explanation("dead-relu")


def test_what_clearprop_refuses_to_train_is_unknown_or_explained() -> None:
    X, y = np.zeros((20, 3), dtype="float32"), np.zeros((20, 2), dtype="float32")
    found = diagnose(cp.Net(cp.Linear(4, 2)), (X, y), loss="mean_squared_error", epochs=2)
    assert found.findings or found.status == 2


def test_an_unknown_change_names_the_known_ones() -> None:
    with pytest.raises(ClearpropError, match="no change called 'epoch'; did you mean 'epochs'"):
        change(sound(np.random.default_rng(0)), {"epoch": 3})


CURVES = {
    "constant-predictor": [2.3026] * 10,
    "nonfinite-loss": [0.7, 0.5, 0.4, math.nan, math.nan],
    "diverging": [0.7, 0.9, 1.5, 4.0, 20.0],
    "too-few-epochs": [1.0, 0.9, 0.8, 0.65, 0.5],
    "oscillating": [1.0, 0.3, 0.6, 0.2, 0.7, 0.3, 0.8, 0.2, 0.7, 0.3],
}


@pytest.mark.parametrize("slug", CURVES)
def test_what_a_curve_alone_can_tell(slug: str) -> None:
    assert diagnose_curves([{"train_loss": value} for value in CURVES[slug]]).findings[0].slug == slug


def test_overfitting_and_health_of_curves() -> None:
    train = 0.7 * 0.8 ** np.arange(20)
    rise = np.concatenate([np.linspace(0.7, 0.3, 5), np.linspace(0.3, 0.6, 15)])
    rows = [{"train_loss": float(a), "val_loss": float(b)} for a, b in zip(train, rise, strict=True)]
    assert diagnose_curves(rows).findings[0].slug == "overfitting"
    rows = [{"train_loss": float(a) + 0.1, "val_loss": float(a) + 0.15} for a in 0.7 * 0.6 ** np.arange(20)]
    assert diagnose_curves(rows).healthy
    assert diagnose_curves(rows[:2]).status == 2


def test_curves_are_read_under_many_names(tmp_path: Path) -> None:
    path = tmp_path / "curves.csv"
    path.write_text("Epoch;Loss;Validation loss\n1;0.5;0.6\n2;nan;0.5\n")
    assert read_curves(path)[0] == {"epoch": 1.0, "train_loss": 0.5, "val_loss": 0.6}
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="no column loss"):
        read_curves(path)
