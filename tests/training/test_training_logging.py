"""Losses of batches, loggers, the search for a learning rate, and figures of calibration."""

from __future__ import annotations

import csv
import json
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import brier_score_loss

import clearprop as cp
from clearprop.errors import ClearpropError, MissingExtraError, NonFiniteWarning
from clearprop.metrics import calibration_metrics, reliability
from clearprop.training.manifest import checksum, manifest_of

DATA = cp.data.load("circles", seed=0)


def net(**given):
    return cp.mlp([2, 10, 2], hidden="tanh", seed=0, **given)


# --- losses of batches


@pytest.mark.parametrize("engine", ["batch", "compiled"])
def test_the_loss_of_each_batch_is_kept(engine):
    one, other = net(dtype="float64"), net(dtype="float64")
    settings = {"batch_size": 100, "epochs": 3, "seed": 2, "engine": engine}
    history = cp.fit(one, DATA, keep_steps=True, **settings)
    n = len(DATA.train)
    assert len(history.steps) == 3 * -(-n // 100)
    sizes = np.minimum(100, n - 100 * np.arange(-(-n // 100)))
    means = [np.dot(part, sizes) / n for part in np.split(np.array(history.steps), 3)]
    assert history["train_loss"] == pytest.approx(means, rel=1e-12)
    plain = cp.fit(other, DATA, **settings)
    assert plain.steps == []
    assert np.array_equal(one.theta, other.theta)


def test_the_losses_up_to_the_first_that_is_not_finite_are_kept():
    with pytest.warns(NonFiniteWarning):
        history = cp.fit(net(), DATA, loss="mse", optimizer=cp.SGD(1e30), keep_steps=True) if False else cp.fit(
            cp.mlp([2, 10, 1], seed=0), (DATA.train.X, DATA.train.y[:, None] * 1.0), loss="mse", optimizer=cp.SGD(1e30),
            keep_steps=True,
        )  # fmt: skip
    assert len(history.steps) == history.nonfinite["step"]
    assert np.isfinite(history.steps[:-1]).all()


def test_the_steps_are_drawn_and_their_absence_is_said():
    history = cp.fit(net(), DATA, epochs=1, keep_steps=True)
    ax = history.plot_steps(Figure().subplots())
    assert ax.lines[0].get_ydata().tolist() == history.steps
    with pytest.raises(ClearpropError, match="keep_steps=True"):
        cp.fit(net(), DATA, epochs=1).plot_steps(Figure().subplots())


def test_a_resumed_run_has_all_steps(tmp_path):
    path = tmp_path / "run.safetensors"
    whole = cp.fit(net(), DATA, epochs=4, keep_steps=True, optimizer="adam")
    half, optimizer = net(), "adam"
    cp.fit(half, DATA, epochs=2, keep_steps=True, optimizer=optimizer, callbacks=cp.Checkpoint(path))
    rest = cp.fit(net(), DATA, epochs=4, keep_steps=True, optimizer=optimizer, resume=path)
    assert rest.steps == whole.steps


# --- loggers


def test_csv_and_json_lines(tmp_path):
    table, lines = tmp_path / "a" / "history.csv", tmp_path / "history.jsonl"
    history = cp.fit(net(), DATA, epochs=3, callbacks=[cp.CSVLogger(table), cp.JSONLinesLogger(lines)])
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_loss"]) for row in rows] == history["val_loss"]
    assert [json.loads(line)["train_loss"] for line in lines.read_text().splitlines()] == history["train_loss"]
    assert cp.History.from_jsonl(lines).rows == history.rows


def test_a_logger_that_cannot_write_says_so_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ClearpropError, match="Cannot read or write"):
        cp.fit(net(), DATA, epochs=3, callbacks=cp.CSVLogger(tmp_path / "file" / "history.csv"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_reads_what_was_written(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    history = cp.fit(net(), DATA, epochs=3, callbacks=cp.TensorBoardLogger(tmp_path))
    events = EventAccumulator(str(tmp_path)).Reload()
    assert set(events.Tags()["scalars"]) == {"loss/train", "loss/val", "accuracy/train", "accuracy/val", "lr", "seconds"}
    found = [(event.step, event.value) for event in events.Scalars("loss/val")]
    assert found == [(epoch, np.float32(loss)) for epoch, loss in zip(history["epoch"], history["val_loss"], strict=True)]


class FakeMLflow:
    """The part of MLflow that is used, recording calls."""

    def __init__(self):
        self.calls, self.active = [], None

    def active_run(self):
        return self.active

    def start_run(self, run_name=None):
        self.active = run_name or "run"
        self.calls.append(("start", run_name))

    def log_params(self, params):
        self.calls.append(("params", params))

    def log_metrics(self, metrics, step):
        self.calls.append(("metrics", step, metrics))

    def end_run(self):
        self.active = None
        self.calls.append(("end",))


def test_mlflow_gets_settings_and_figures(monkeypatch):
    fake = FakeMLflow()
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    history = cp.fit(net(), DATA, epochs=2, callbacks=cp.MLflowLogger("circles"))
    kinds = [call[0] for call in fake.calls]
    assert kinds == ["start", "params", "metrics", "metrics", "end"]
    assert fake.calls[1][1]["batch_size"] == "32"
    assert fake.calls[3] == ("metrics", 2, {name: value for name, value in history[-1].items() if name != "epoch"})


@pytest.mark.parametrize(
    ("logger", "package"), [(cp.MLflowLogger(), "mlflow"), (cp.TensorBoardLogger("x"), "tensorboard")], ids=["mlflow", "tb"]
)
def test_a_missing_package_is_named(monkeypatch, logger, package, tmp_path):
    for name in (package, f"{package}.summary.writer.event_file_writer"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=rf"clearprop\[{package}\]"):
        cp.fit(net(), DATA, epochs=1, callbacks=logger)


# --- the search for a learning rate


@pytest.mark.parametrize("engine", ["batch", "compiled"])
def test_lr_find_suggests_a_rate_that_learns(engine):
    given = net()
    before = given.theta.copy()
    found = cp.lr_find(given, DATA, optimizer="adam", engine=engine)
    assert np.array_equal(given.theta, before)
    assert (np.diff(found.rates) > 0).all()
    assert 1e-2 < found.suggestion < 0.2
    history = cp.fit(given, DATA, optimizer=cp.Adam(found.suggestion), epochs=20)
    assert history[-1]["val_accuracy"] > 0.9
    ax = found.plot(Figure().subplots())
    assert ax.get_xscale() == "log"
    assert f"{found.suggestion:.2g}" in repr(found)


def test_lr_find_takes_the_steps_of_the_optimizer():
    """The first losses, at a rate that grows by a factor, as a loop written out here gives them."""
    rates = np.geomspace(1e-4, 1e-1, 12)
    found = cp.lr_find(net(dtype="float64"), DATA, optimizer=cp.SGD(momentum=0.9), lowest=1e-4, highest=1e-1, steps=12, seed=3)
    X, y, one, loss = DATA.train.X.astype(float), DATA.train.y, net(dtype="float64"), cp.CrossEntropy()
    order, v = np.random.default_rng(3).permutation(len(X)), 0.0
    for k, lr in enumerate(rates):
        rows = order[32 * k : 32 * (k + 1)]
        one.zero_grad()
        y_hat, saved = one.forward(X[rows], training=True)
        value, kept = loss.forward(y_hat, y[rows])
        assert found.losses[k] == pytest.approx(value, rel=1e-9)
        one.backward(saved, loss.backward(kept))
        v = 0.9 * v + one.grad
        one.theta[:] -= lr * v


@pytest.mark.parametrize(("given", "words"), [({"lowest": 2.0, "highest": 1.0}, "lowest"), ({"steps": 3}, "steps")])
def test_lr_find_refuses(given, words):
    with pytest.raises(ClearpropError, match=words):
        cp.lr_find(net(), DATA, **given)


# --- calibration


def test_calibration_against_a_table_worked_by_hand():
    # Ten predictions: six with confidence 0.95, five of them right; four with 0.6, of which one is right.
    p = np.array([[0.95, 0.05]] * 6 + [[0.4, 0.6]] * 4)
    y = np.array([0] * 5 + [1] + [1] + [0] * 3)
    found = calibration_metrics(y, p)
    assert found["ece"] == pytest.approx(0.6 * abs(0.95 - 5 / 6) + 0.4 * abs(0.6 - 0.25), abs=1e-12)
    assert found["brier"] == pytest.approx((5 * 0.05**2 + 0.95**2 + 0.4**2 + 3 * 0.6**2) / 10, abs=1e-12)
    rows = reliability(y, p, bins=10)
    assert [(row["examples"], row["accuracy"]) for row in rows] == [(4, 0.25), (6, pytest.approx(5 / 6))]


def test_brier_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    for classes in (2, 4):
        p, y = rng.dirichlet(np.ones(classes), 200), rng.integers(classes, size=200)
        wanted = brier_score_loss(y, p[:, 1] if classes == 2 else p, labels=range(classes))
        assert calibration_metrics(y, p)["brier"] == pytest.approx(wanted, rel=1e-12)


def test_evaluate_measures_the_calibration():
    trained = net()
    cp.fit(trained, DATA, epochs=20, optimizer="adam")
    found = cp.evaluate(trained, DATA, calibration=True)
    p = cp.CrossEntropy().probabilities(trained(DATA.test.X))
    assert found["brier"] == pytest.approx(calibration_metrics(DATA.test.y, p)["brier"])
    assert sum(row["examples"] for row in found["reliability"]) == len(DATA.test)
    ax = cp.plots.reliability(found["reliability"], Figure().subplots())
    assert len(ax.collections[0].get_offsets()) == len(found["reliability"])
    with pytest.raises(ClearpropError, match="class probabilities"):
        cp.evaluate(cp.mlp([2, 1]), (np.ones((3, 2)), np.ones((3, 1))), loss="mse", calibration=True)


# --- the manifest


def test_the_manifest_names_what_the_bits_depend_on():
    found = manifest_of(cp.ENGINES.make({"type": "compiled", "threads": 2}), DATA, net())
    assert found["engine"] == {"type": "Compiled", "threads": 2}
    assert found["threads"] == 2
    assert found["packages"]["numpy"] == np.__version__
    assert found["processor"]["register_bytes"] in (16, 32, 64)
    json.dumps(found, allow_nan=False)
    other = cp.data.load("circles", seed=1)
    assert manifest_of(cp.ENGINES.make("batch"), other, net())["data"]["train"] != found["data"]["train"]
    assert checksum(np.arange(3.0)) != checksum(np.arange(3.0, dtype="float32"))
