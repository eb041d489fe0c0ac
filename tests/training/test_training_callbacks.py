"""Early stopping epoch by epoch, and what checkpoints, snapshots and recovery keep: worked by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.data.dataset import Split
from clearprop.engines import Batch
from clearprop.errors import NonFiniteWarning, OptionError
from clearprop.files import load_arrays
from clearprop.training import FitSettings, Run
from clearprop.training.snapshot import Snapshot


def points(n: int = 40, seed: int = 0) -> Split:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    return Split(X, (X[:, 0] > X[:, 1]).astype(int))


def a_run(epochs: int = 100) -> Run:
    return Run(
        cp.mlp([2, 3, 2], dtype="float64"), cp.CrossEntropy(), cp.SGD(0.1), Batch(), FitSettings(epochs=epochs), points()
    )


def play(stopping: cp.EarlyStopping, values: list[float]) -> Run:
    """A run whose validation losses are these; the parameters of epoch k are all k. Ends where early stopping ends it."""
    run = a_run()
    stopping.on_fit_start(run)
    for value in values:
        if run.finished:
            break
        run.net.theta[:] = run.epoch + 1
        run.history.rows.append({"epoch": run.epoch + 1, "val_loss": value})
        stopping.on_epoch_end(run)
    stopping.on_fit_end(run)
    return run


@pytest.mark.parametrize(
    ("patience", "values", "epochs", "best"),
    [
        (1, [3, 2, 2.5, 1], 3, 2),  # one epoch without improvement is enough
        (2, [3, 2, 2.5, 2.6, 1], 4, 2),  # the second one ends it
        (2, [3, 2, 2.5, 1, 1.5, 1.5, 0], 6, 4),  # an improvement begins the count anew
        (3, [1, 2, 2, 2, 0], 4, 1),
        (2, [2, 2, 2, 2], 3, 1),  # equal is not better: the first of equals is kept, and the others count as waiting
        (2, [math.nan, 2, 3, 4], 4, 2),  # a NaN is no improvement
    ],
)
def test_early_stopping_by_hand(patience: int, values: list[float], epochs: int, best: int) -> None:
    run = play(cp.EarlyStopping(patience), values)
    assert run.epoch == epochs
    assert run.history.best_epoch == best
    assert (run.net.theta == best).all()


def test_min_delta_asks_for_that_much_and_a_bit_more() -> None:
    run = play(cp.EarlyStopping(2, min_delta=0.5), [2, 1.5, 1.5, 0])
    assert (run.epoch, run.history.best_epoch) == (3, 1)  # 2 - 0.5 = 1.5 is not below 1.5
    run = play(cp.EarlyStopping(2, min_delta=0.5), [2, 1.49, 1.5, 1.5, 0])
    assert (run.epoch, run.history.best_epoch) == (4, 2)


def test_early_stopping_used_twice_forgets_the_first_run() -> None:
    stopping = cp.EarlyStopping(2)
    play(stopping, [0.1, 0.2, 0.3])
    again = play(stopping, [3, 2, 2.5, 2.6, 1])
    assert (again.epoch, again.history.best_epoch) == (4, 2)
    assert (again.net.theta == 2).all()


def test_one_callback_needs_no_list_and_a_class_is_refused_in_one_sentence() -> None:
    net, data = cp.mlp([2, 3, 2]), points()
    history = cp.fit(net, data, validation=points(seed=1), epochs=3, engine="batch", callbacks=cp.EarlyStopping(1))
    assert history.best_epoch is not None
    with pytest.raises(OptionError, match=r"callbacks\[0\] must be a Callback, not .*EarlyStopping.*; write EarlyStopping\(\)"):
        cp.fit(net, data, epochs=1, engine="batch", callbacks=[cp.EarlyStopping])  # type: ignore[list-item]


# ---------------------------------------------------------------- checkpoints


def test_a_checkpoint_has_what_the_other_callbacks_know_after_the_epoch_wherever_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    callbacks = [cp.Checkpoint(path), cp.EarlyStopping(50)]  # the checkpoint first: it must be written last all the same
    cp.fit(cp.mlp([2, 3, 2]), points(), validation=points(), epochs=1, engine="batch", callbacks=callbacks)
    arrays, header = load_arrays(path, "checkpoint")
    (state,) = header["callbacks"]
    assert state["type"] == "EarlyStopping"
    assert state["values"]["best_epoch"] == 1
    assert "callback0.theta" in arrays


@pytest.mark.parametrize(("every", "epochs"), [(1, 3), (4, 6), (10, 3)])
def test_the_last_epoch_of_a_run_is_always_written(tmp_path: Path, every: int, epochs: int) -> None:
    path, net = tmp_path / "run.ckpt", cp.mlp([2, 3, 2])
    cp.fit(net, points(), epochs=epochs, engine="batch", callbacks=cp.Checkpoint(path, every))
    arrays, header = load_arrays(path, "checkpoint")
    assert len(header["rows"]) == epochs
    np.testing.assert_array_equal(arrays["theta"], net.theta)


def test_so_is_the_epoch_in_which_early_stopping_ended_it(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    history = cp.fit(
        cp.mlp([2, 3, 2]), points(), validation=points(seed=5), optimizer=cp.SGD(30.0), epochs=200, engine="batch",
        callbacks=[cp.Checkpoint(path, every=1000), cp.EarlyStopping(1)],
    )  # fmt: skip
    assert history.stopped is not None
    header = load_arrays(path, "checkpoint")[1]
    assert len(header["rows"]) == len(history)
    assert header["stopped"] == history.stopped


def test_only_every_so_many_epochs_before_that(tmp_path: Path) -> None:
    class Written(cp.Checkpoint):
        epochs: list[int]

        def write(self, run: Run) -> None:
            self.epochs.append(run.epoch)

    checkpoint = Written(tmp_path / "run.ckpt", every=3)
    checkpoint.epochs = []
    cp.fit(cp.mlp([2, 3, 2]), points(), epochs=7, engine="batch", callbacks=checkpoint)
    assert checkpoint.epochs == [3, 6, 7]


# ---------------------------------------------------------------- snapshots and recovery


def test_a_snapshot_is_not_touched_by_what_happens_next() -> None:
    run = a_run()
    run.net = cp.Net(cp.Linear(2, 4), cp.BatchNorm(4), cp.Dropout(0.5), cp.Linear(4, 2), dtype="float64")
    run.optimizer = cp.Adam(0.01)
    X, y = run.train
    step = (run.net, run.loss, run.optimizer, X, y)
    Batch().train_epoch(*step, np.arange(40), 10)
    snapshot = Snapshot.of(run)
    kept = {name: array.copy() for name, array in snapshot.arrays.items()}
    assert sum(name.startswith("state.") for name in kept) == 2  # both averages of Adam
    for state in run.optimizer.state.values():
        state += 1  # in place, as an optimizer may do it
    Batch().train_epoch(*step, np.arange(40), 10)
    for name, array in kept.items():
        np.testing.assert_array_equal(snapshot.arrays[name], array, err_msg=name)
    snapshot.restore(run)
    Batch().train_epoch(*step, np.arange(40), 10)
    first = run.net.theta.copy()
    snapshot.restore(run)  # a second time: restoring must hand out copies as well
    Batch().train_epoch(*step, np.arange(40), 10)
    np.testing.assert_array_equal(run.net.theta, first)


def test_locating_a_nan_moves_neither_running_means_nor_generators() -> None:
    # Batch 3 of 5 has an infinite input. What the net is left with is what two good batches left, all of it.
    def net() -> cp.Net:
        return cp.Net(cp.Linear(2, 4), cp.BatchNorm(4), cp.Dropout(0.5), cp.Linear(4, 2), seed=0, dtype="float64")

    data, bad, good = points(20), net(), net()
    spoilt = Split(data.X.copy(), data.y)
    spoilt.X[9] = np.inf
    settings: dict[str, Any] = {"batch_size": 4, "epochs": 1, "order": "sequential", "engine": "batch"}
    with pytest.warns(NonFiniteWarning, match=r"epoch 1, step 3, first in the input"):
        cp.fit(bad, spoilt, **settings)
    cp.fit(good, Split(data.X[:8], data.y[:8]), **settings)
    np.testing.assert_array_equal(bad.theta, good.theta)
    for name in ("running_mean", "running_var"):
        np.testing.assert_array_equal(getattr(bad[1], name), getattr(good[1], name))
    assert bad[2].rng.bit_generator.state == good[2].rng.bit_generator.state

    # The same where the batch's own forward pass is fine until the loss: it has moved the means by then.
    class Spoilt(cp.CrossEntropy):
        def forward(self, y_hat: np.ndarray, y: np.ndarray) -> tuple[float, Any]:
            value, saved = super().forward(y_hat, y)
            return (math.inf if self.spoil is not None and (y == self.spoil).all() else value), saved

        spoil: int | None = None

    loss, bad, good = Spoilt(), net(), net()
    y = np.r_[np.tile([0, 1], 4), np.ones(12, int)]
    loss.spoil = 1
    with pytest.warns(NonFiniteWarning, match=r"epoch 1, step 3, first in the loss"):
        cp.fit(bad, Split(data.X, y), loss=loss, **settings)
    cp.fit(good, Split(data.X[:8], y[:8]), **settings)
    np.testing.assert_array_equal(bad[1].running_mean, good[1].running_mean)
    np.testing.assert_array_equal(bad[1].running_var, good[1].running_var)
    assert bad[2].rng.bit_generator.state == good[2].rng.bit_generator.state


# ---------------------------------------------------------------- figures


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("n", [4095, 4096, 4097, 9000])
def test_figures_of_many_examples_weigh_every_example_alike(reduction: str, n: int) -> None:
    net, data = cp.mlp([2, 3, 2], dtype="float64"), points(n)
    data.X[4096:] *= 7  # so that the last chunk has another loss than the first
    rows = np.concatenate([data.X, np.ones((n, 1))], axis=1)
    scores = np.tanh(0) + (np.maximum(rows[:, :2] @ net[0].W + net[0].b, 0)) @ net[2].W + net[2].b
    log_sum = np.log(np.exp(scores).sum(axis=1))
    expected = np.mean(log_sum - scores[np.arange(n), data.y])
    found = cp.evaluate(net, data, cp.CrossEntropy(reduction))
    assert found["loss"] == pytest.approx(expected, rel=1e-12)
    assert found["accuracy"] == np.mean(scores.argmax(axis=1) == data.y)


def test_evaluate_takes_a_data_set_and_measures_its_test_examples() -> None:
    data, net = cp.data.load("circles", seed=0), cp.mlp([2, 3, 2])
    assert cp.evaluate(net, data) == cp.evaluate(net, data.test)
    with pytest.raises(cp.ClearpropError, match=r"no test examples.*data\.train"):
        cp.evaluate(net, cp.data.load("circles", test=0))


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 0.5])
def test_a_history_keeps_every_number(tmp_path: Path, value: float) -> None:
    history = cp.History([{"epoch": 1, "train_loss": value, "word": "inf-erno"}])
    history.to_jsonl(tmp_path / "h.jsonl")
    found = cp.History.from_jsonl(tmp_path / "h.jsonl").rows
    assert str(found) == str(history.rows)
    assert type(found[0]["train_loss"]) is float


def test_a_net_that_ends_in_softmax_under_cross_entropy_is_warned_of() -> None:
    data = points()
    with pytest.warns(UserWarning, match="ends in Softmax, and CrossEntropy applies softmax itself"):
        cp.fit(cp.mlp([2, 3, 2], output="softmax"), data, epochs=1, engine="batch")
    cp.fit(cp.mlp([2, 3, 2], output="softmax"), data, loss="nll", epochs=1, engine="batch")  # this one is right


class InfiniteSlope(cp.Layer):
    """The identity, with a gradient that overflows."""

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, None]:
        return x, None

    def backward(self, saved: None, dy: np.ndarray) -> np.ndarray:
        return dy * np.inf


def test_a_gradient_that_overflows_is_traced_to_its_layer() -> None:
    # The loss of step 1 is finite; its update is not, which shows in step 2. The net is left as it was before step 1.
    net = cp.Net(cp.Linear(2, 3), InfiniteSlope(), cp.Linear(3, 2), seed=0, dtype="float64")
    before = net.theta.copy()
    with pytest.warns(NonFiniteWarning, match="step 1, first in the update of the gradient of layer 2, InfiniteSlope"):
        history = cp.fit(net, points(), batch_size=10, epochs=2, engine="batch")
    assert history.nonfinite is not None
    np.testing.assert_array_equal(net.theta, before)
