"""fit: which batches, which figures, and what survives interruptions."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.data.dataset import Split
from clearprop.engines import Batch
from clearprop.errors import DataError, ModelFileError, NonFiniteWarning, OptionError, ShapeError, UnsupportedError


def problem(n: int = 60, seed: int = 0) -> Split:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    return Split(X, (np.sum(X * X, axis=1) > 1.2).astype(int))


def small_net(dtype: str = "float64", seed: int = 0) -> cp.Net:
    return cp.mlp([2, 5, 2], hidden="tanh", seed=seed, dtype=dtype)


class Spy(Batch):
    """The reference engine, which notes the order it is given."""

    def __init__(self) -> None:
        self.orders: list[list[int]] = []
        self.sizes: list[int] = []

    def train_epoch(self, net: Any, loss: Any, optimizer: Any, X: Any, y: Any, order: Any, batch_size: int) -> Any:
        self.orders.append(order.tolist())
        self.sizes.append(batch_size)
        return super().train_epoch(net, loss, optimizer, X, y, order, batch_size)


def orders(n: int = 10, epochs: int = 2, **settings: Any) -> list[list[int]]:
    spy = Spy()
    cp.fit(small_net(), problem(n), epochs=epochs, engine=spy, **settings)
    return spy.orders


# ---------------------------------------------------------------- the order of the examples


def test_every_epoch_has_a_fresh_permutation_of_the_examples() -> None:
    first, second = orders(batch_size=3)
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert first != list(range(10))


def test_examples_are_shuffled_and_not_only_the_batches() -> None:
    # a known fault: permuting the starts of the batches leaves neighbours together for ever
    (order,) = orders(n=40, epochs=1, batch_size=4)
    batches = [tuple(sorted(order[i : i + 4])) for i in range(0, 40, 4)]
    assert not any(batch[0] % 4 == 0 and batch == tuple(range(batch[0], batch[0] + 4)) for batch in batches)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"order": "sequential", "batch_size": 4}, list(range(10))),
        ({"order": "sequential", "batch_size": 4, "remainder": "drop"}, list(range(8))),
        ({"order": "sequential", "batch_size": None}, list(range(10))),
    ],
)
def test_order_as_given(settings: dict[str, Any], expected: list[int]) -> None:
    assert orders(**settings) == [expected, expected]


def test_drawing_with_replacement_repeats_some_examples() -> None:
    (order,) = orders(n=50, epochs=1, order="replacement")
    assert len(order) == 50
    assert len(set(order)) < 50


def test_a_seed_decides_the_order_and_a_generator_is_used_as_it_is() -> None:
    assert orders(seed=3) == orders(seed=3) == orders(seed=np.random.default_rng(3))
    assert orders(seed=3) != orders(seed=4)


@pytest.mark.parametrize(("batch_size", "steps"), [(1, 10), (4, 3), (None, 1), (99, 1)])
def test_online_minibatch_and_batch_descent(batch_size: int | None, steps: int) -> None:
    optimizer = cp.SGD(lr=0.1)
    cp.fit(small_net(), problem(10), epochs=1, batch_size=batch_size, optimizer=optimizer)
    assert optimizer.t == steps


# ---------------------------------------------------------------- one step, by hand


def test_one_step_worked_by_hand() -> None:
    # y = x w + b with w = 2, b = 1 on x = 3, y = 5: y_hat = 7, loss (7 - 5)^2 = 4, dy = 2 * 2 = 4, dw = 3 * 4 = 12, db = 4
    net = cp.Net(cp.Linear(1, 1), seed=0, dtype="float64")
    net.theta[:] = [2, 1]
    history = cp.fit(net, (np.array([[3.0]]), np.array([[5.0]])), loss="mse", optimizer=cp.SGD(lr=0.1), epochs=1)
    assert history["train_loss"] == [4.0]
    np.testing.assert_allclose(net.theta, [2 - 0.1 * 12, 1 - 0.1 * 4], rtol=1e-15)


# ---------------------------------------------------------------- figures


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_running_figures_are_per_example_whatever_the_last_batch(reduction: str) -> None:
    split, net = problem(10), small_net()
    history = cp.fit(net, split, loss=cp.CrossEntropy(reduction), optimizer=cp.SGD(lr=0.0), batch_size=4, epochs=1)
    exact = cp.evaluate(net, split)
    assert history[0]["train_loss"] == pytest.approx(exact["loss"], rel=1e-12)
    assert history[0]["train_accuracy"] == pytest.approx(exact["accuracy"], rel=1e-12)


@pytest.mark.parametrize(("engine", "rel"), [("batch", 0), ("compiled", 1e-12)])  # `evaluate` sums as the batch engine does
def test_figures_measured_afterwards_belong_to_the_final_parameters(engine: str, rel: float) -> None:
    net = small_net()
    optimizer, validation = cp.SGD(0.5), problem(seed=1)
    history = cp.fit(net, problem(), epochs=2, optimizer=optimizer, train_metrics="after", validation=validation, engine=engine)
    assert history[-1]["train_loss"] == pytest.approx(cp.evaluate(net, problem())["loss"], rel=1e-12)
    assert history[-1]["val_loss"] == pytest.approx(cp.evaluate(net, validation)["loss"], rel=rel, abs=0)


@pytest.mark.parametrize(("reduction", "share"), [("mean", 1.0), ("sum", 1 / 20)])
def test_the_reported_loss_contains_the_l2_term(reduction: str, share: float) -> None:
    net = small_net()
    optimizer = cp.SGD(lr=0.0, weight_decay=0.3)
    loss = cp.CrossEntropy(reduction)
    history = cp.fit(net, problem(), loss=loss, optimizer=optimizer, batch_size=20, epochs=1, validation=problem(seed=1))
    penalty = 0.15 * np.sum(net.theta**2) * share
    assert history[0]["train_loss"] == pytest.approx(cp.evaluate(net, problem())["loss"] + penalty, rel=1e-12)
    assert history[0]["val_loss"] == pytest.approx(cp.evaluate(net, problem(seed=1))["loss"] + penalty, rel=1e-12)


def test_regression_has_no_accuracy() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2))
    history = cp.fit(cp.mlp([2, 1]), (X, X[:, :1]), loss="mse", epochs=1, validation=(X, X[:, :1]))
    assert "train_accuracy" not in history[0]
    assert {"train_loss", "val_loss", "lr", "seconds", "epoch"} == set(history[0])


def test_the_learning_rate_reported_is_that_of_the_last_step() -> None:
    history = cp.fit(small_net(), problem(10), epochs=2, batch_size=5, optimizer=cp.SGD(cp.ExponentialDecay(0.8, 0.5)))
    assert history["lr"] == [0.4, 0.1]


def test_an_optimizer_starts_afresh() -> None:
    optimizer, nets = cp.Adam(lr=0.01), (small_net(), small_net())
    for net in nets:
        cp.fit(net, problem(), optimizer=optimizer, epochs=2)
    np.testing.assert_array_equal(nets[0].theta, nets[1].theta)


# ---------------------------------------------------------------- early stopping


@pytest.mark.parametrize(("patience", "stopped"), [(2, True), (1000, False)])
def test_early_stopping_restores_the_best_parameters_either_way(patience: int, stopped: bool) -> None:
    class Keep(cp.Callback):
        def __init__(self) -> None:
            self.thetas: list[np.ndarray] = []

        def on_epoch_end(self, run: Any) -> None:
            self.thetas.append(run.net.theta.copy())

    keep, net = Keep(), small_net(seed=1)
    history = cp.fit(
        net,
        problem(20),
        validation=problem(20, seed=5),
        optimizer=cp.SGD(lr=2.0),
        batch_size=2,
        epochs=40,
        callbacks=[keep, cp.EarlyStopping(patience=patience)],
    )
    best = int(np.argmin(history["val_loss"]))
    assert best < len(history) - 1, "the case must be one in which the last parameters are not the best"
    np.testing.assert_array_equal(net.theta, keep.thetas[best])
    assert history.best_epoch == best + 1
    assert (history.stopped is not None) == stopped
    assert (len(history) < 40) == stopped


def test_early_stopping_on_accuracy_looks_for_the_largest() -> None:
    net = small_net()
    history = cp.fit(
        net, problem(), validation=problem(seed=2), epochs=30, callbacks=[cp.EarlyStopping(30, monitor="val_accuracy")]
    )
    assert history.best_epoch == int(np.argmax(history["val_accuracy"])) + 1


def test_early_stopping_needs_its_column() -> None:
    with pytest.raises(OptionError, match=r"'val_loss'.*Known: epoch, train_loss.*needs validation data"):
        cp.fit(small_net(), problem(), epochs=1, callbacks=[cp.EarlyStopping()])


# ---------------------------------------------------------------- checkpoints and resume

OPTIMIZERS = [cp.SGD(0.1, momentum=0.9, nesterov=True), cp.AdaGrad(), cp.RMSProp(), cp.Adam(cp.WarmUp(0.01, 50))]


def rich_net() -> cp.Net:
    return cp.Net(cp.Linear(2, 8), cp.BatchNorm(8), cp.ReLU(), cp.Dropout(0.3), cp.Linear(8, 2), seed=0)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_a_resumed_run_has_the_same_bits(tmp_path: Path, optimizer: cp.optim.Optimizer) -> None:
    def settings() -> dict[str, Any]:
        return {
            "validation": problem(seed=3),
            "batch_size": 8,
            "optimizer": optimizer,
            "callbacks": [cp.Checkpoint(tmp_path / "run.ckpt"), cp.EarlyStopping(50)],
        }

    whole = rich_net()
    expected = cp.fit(whole, problem(), epochs=7, **settings())
    cp.fit(rich_net(), problem(), epochs=3, **settings())
    resumed = rich_net()
    history = cp.fit(resumed, problem(), epochs=7, resume=tmp_path / "run.ckpt", **settings())
    np.testing.assert_array_equal(resumed.theta, whole.theta)
    np.testing.assert_array_equal(resumed[1].running_var, whole[1].running_var)
    assert [{**row, "seconds": 0} for row in history] == [{**row, "seconds": 0} for row in expected]
    assert history.best_epoch == expected.best_epoch


def test_a_resume_without_the_generators_would_be_noticed(tmp_path: Path) -> None:
    # the planted fault that the comparison above must catch: the order of the examples starts over
    whole, partial = rich_net(), rich_net()
    cp.fit(whole, problem(), epochs=4, batch_size=8)
    cp.fit(partial, problem(), epochs=2, batch_size=8)
    cp.fit(partial, problem(), epochs=2, batch_size=8)
    assert not np.array_equal(partial.theta, whole.theta)


def test_resuming_with_other_settings_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    cp.fit(small_net(), problem(), epochs=1, callbacks=[cp.Checkpoint(path)])
    with pytest.raises(ModelFileError, match=r"optimizer = .*SGD.*but this run has optimizer = .*Adam"):
        cp.fit(small_net(), problem(), epochs=2, optimizer="adam", resume=path)
    with pytest.raises(ModelFileError, match="examples = 60"):
        cp.fit(small_net(), problem(50), epochs=2, resume=path)
    with pytest.raises(ModelFileError, match="callbacks"):
        cp.fit(small_net(), problem(), epochs=2, resume=path, validation=problem(), callbacks=[cp.EarlyStopping()])


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "model"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "run.ckpt"
    cp.fit(small_net(), problem(), epochs=1, callbacks=[cp.Checkpoint(path)])
    if damage == "missing":
        path.unlink()
    elif damage == "model":
        cp.Model(small_net(), cp.CrossEntropy()).save(path)
    else:
        path.write_bytes(path.read_bytes()[: 0 if damage == "empty" else 300])
    with pytest.raises(ModelFileError, match=r"run\.ckpt"):
        cp.fit(small_net(), problem(), epochs=2, resume=path)


# ---------------------------------------------------------------- interruption and divergence


def test_ctrl_c_returns_what_was_learned_so_far() -> None:
    class Interrupt(Batch):
        epochs_left = 3

        def train_epoch(self, *arguments: Any) -> Any:
            self.epochs_left -= 1
            if self.epochs_left < 0:
                raise KeyboardInterrupt
            return super().train_epoch(*arguments)

    net, same = small_net(), small_net()
    history = cp.fit(net, problem(), epochs=100, engine=Interrupt())
    cp.fit(same, problem(), epochs=3, engine="batch")
    assert len(history) == 3
    assert history.stopped == "interrupted in epoch 4"
    np.testing.assert_array_equal(net.theta, same.theta)


def test_an_exploding_run_stops_with_its_last_finite_parameters() -> None:
    net = cp.mlp([2, 5, 2], hidden="relu", seed=0, dtype="float32")
    with pytest.warns(NonFiniteWarning, match=r"epoch 1, step \d+, first in .*layer 3, Linear\(5, 2\)"):
        history = cp.fit(net, problem(), optimizer=cp.SGD(lr=1e25), batch_size=4, epochs=5)
    assert np.isfinite(net.theta).all()
    assert history.nonfinite is not None
    assert history.nonfinite["epoch"] == 1
    assert history.stopped is not None
    assert len(history) == 0


def test_the_birth_of_a_nan_is_traced_to_its_step_and_place() -> None:
    # Two examples; the second has a label for which a saturated sigmoid gives 0 * log 0 in the raw formula.
    net = cp.Net(cp.Linear(1, 1), cp.Sigmoid(), dtype="float64")
    net.theta[:] = [1, 0]
    X, y = np.array([[0.0], [1000.0]]), np.array([[1.0], [1.0]])
    loss = cp.BinaryCrossEntropy(raw=True)
    with pytest.warns(NonFiniteWarning):
        history = cp.fit(net, (X, y), loss=loss, optimizer=cp.SGD(0.0), batch_size=1, epochs=3, order="sequential")
    assert history.nonfinite is not None
    assert (history.nonfinite["epoch"], history.nonfinite["step"]) == (1, 2)
    assert "the loss, BinaryCrossEntropy" in history.nonfinite["place"]
    np.testing.assert_array_equal(net.theta, [1, 0])


def test_a_bad_input_is_named() -> None:
    split = problem()
    split.X[17, 1] = np.nan
    with pytest.warns(NonFiniteWarning, match="first in the input"):
        cp.fit(small_net(), split, epochs=1)


def test_a_run_may_go_on_past_a_nan_if_asked_to() -> None:
    net = cp.mlp([2, 5, 2], hidden="relu", seed=0)
    history = cp.fit(net, problem(), optimizer=cp.SGD(lr=1e25), batch_size=4, epochs=3, on_nonfinite="continue")
    assert len(history) == 3
    assert math.isnan(history[-1]["train_loss"])


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": "cross_entrpy"}, "did you mean 'cross_entropy'"),
        ({"optimizer": "adamm"}, "did you mean 'adam'"),
        ({"engine": "batsh"}, "did you mean 'batch'"),
        ({"order": "shufle"}, "did you mean 'shuffle'"),
        ({"remainder": "kep"}, "did you mean 'keep'"),
        ({"train_metrics": "runing"}, "did you mean 'running'"),
        ({"batch_size": 0}, "batch_size must be a whole number, 1 or more, not 0"),
        ({"epochs": 0}, "epochs must be a whole number, 1 or more, not 0"),
        ({"epochs": 2.5}, "epochs must be a whole number, 1 or more, not 2.5"),
        ({"loss": cp.Adam()}, r"Not a known kind of loss: Adam\(\); give .*cross_entropy"),
    ],
    ids=str,
)
def test_options_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        cp.fit(small_net(), problem(), **{"epochs": 1, **settings})


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        (np.zeros((5, 3)), np.zeros(5, int), ShapeError, r"Linear\(2, 5\) needs a batch of shape \(B, 2\), .*\(5, 3\)"),
        (np.zeros((5, 2)), np.zeros(4, int), ShapeError, r"X has 5 rows, but y is a int64 array of shape \(4,\)"),
        (np.zeros((5, 2)), np.full(5, 7), ShapeError, r"label 7 is outside the classes 0 \.\.\. 1"),
        (np.zeros((5, 2)), np.zeros((5, 1), int), ShapeError, r"y\[:, 0\]"),
        (np.zeros((0, 2)), np.zeros(0, int), DataError, "no examples"),
    ],
)
def test_data_are_checked(X: np.ndarray, y: np.ndarray, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        cp.fit(small_net(), (X, y), epochs=1)


def test_what_an_engine_cannot_do_is_said_with_the_engines_that_can() -> None:
    class Picky(Batch):
        def supports(self, net: Any, loss: Any, optimizer: Any) -> str | None:
            return "it only knows nets of one layer."

    with pytest.raises(UnsupportedError, match=r"Picky.*only knows nets of one layer.*Engines that can: (\w+, )*batch\b"):
        cp.fit(small_net(), problem(), epochs=1, engine=Picky())
