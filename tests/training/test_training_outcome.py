"""From settings to a measured outcome: the path that the command line, sweeps and reports share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.engines import Batch
from clearprop.errors import OptionError
from clearprop.training.outcome import train
from clearprop.training.settings import Settings, settings_for
from clearprop.training.setup import set_up


class Spy(Batch):
    """The reference engine, which counts its epochs."""

    def __init__(self) -> None:
        self.epochs = 0

    def train_epoch(self, *given: Any) -> Any:
        self.epochs += 1
        return super().train_epoch(*given)


def classes(n_in: int = 3) -> cp.data.Dataset:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, n_in))
    return cp.data.load((X, (X[:, 0] > 0).astype(int)), seed=0)


def test_the_engine_given_is_the_one_that_runs() -> None:
    data, spy = classes(), Spy()
    outcome = train(set_up(settings_for(data, epochs=3, patience=None), data), engine=spy)
    assert spy.epochs == 3
    assert len(outcome.history) == 3


def test_all_of_the_settings_reach_fit() -> None:
    data, spy = classes(), Spy()
    given = {"batch_size": 7, "epochs": 2, "order": "sequential", "remainder": "drop", "optimizer": "sgd", "patience": None}
    settings = settings_for(data, **given, schedule="constant", train_metrics="after", lr=0.5)
    setup = set_up(settings, data)
    first, n = setup.net.copy(), len(data.train)
    outcome = train(setup, engine=spy)
    by_hand = cp.fit(
        first, data, optimizer=cp.SGD(0.5), batch_size=7, epochs=2, order="sequential", remainder="drop", seed=0,
        train_metrics="after", engine="batch",
    )  # fmt: skip
    np.testing.assert_array_equal(setup.net.theta, first.theta)
    assert [row["train_loss"] for row in outcome.history] == by_hand["train_loss"]
    assert setup.optimizer.t == 2 * (n // 7)


def test_figures_belong_to_every_split_and_the_reduced_outcome_keeps_the_last() -> None:
    data = classes()
    outcome = train(set_up(settings_for(data, epochs=2, engine="batch"), data))
    assert {name: found["examples"] for name, found in outcome.metrics.items()} == {n: len(s) for n, s in data.splits.items()}
    assert outcome.metrics["test"]["accuracy"] == cp.evaluate(outcome.model.net, data)["accuracy"]
    reduced = outcome.reduced().data
    assert [len(split) for split in reduced.splits.values()] == [len(data.test)]
    np.testing.assert_array_equal(next(iter(reduced.splits.values())).X, data.test.X)
    plane = classes(2)
    whole = train(set_up(settings_for(plane, epochs=1, engine="batch"), plane)).reduced().data
    assert list(whole.splits) == list(plane.splits)  # the boundary is drawn with all points


def test_validation_costs_nothing_where_nobody_looks_at_it() -> None:
    data = classes()
    setup = set_up(settings_for(data, epochs=2, engine="batch", patience=None), data)
    outcome = train(setup, validate=False, thorough=False)
    assert "val_loss" not in outcome.history[0]
    assert set(outcome.metrics["val"]) == {"examples", "loss", "accuracy"}


def test_settings_are_one_flat_table_from_outside() -> None:
    settings = Settings.of(hidden=[4], batch_size=None, order="replacement", seed=3)
    assert Settings.of(**settings.to_json()) == settings
    assert (settings.fit.batch_size, settings.fit.order, settings.seed) == (None, "replacement", 3)
    assert set(settings.to_json()) == set(Settings.names())
    with pytest.raises(OptionError, match="did you mean 'batch_size'"):
        Settings.of(batchsize=3)


@pytest.mark.parametrize(
    ("setting", "good", "bad"),
    [
        ("hidden", (1,), (0,)),
        ("dropout", 0.0, 1.0),
        ("dropout", 0.99, -0.01),
        ("lr", 0.0, -0.1),
        ("epochs", 1, 0),
        ("batch_size", 1, 0),
        ("seed", 0, -1),
    ],
)
def test_values_at_the_edge_of_what_is_allowed(setting: str, good: Any, bad: Any) -> None:
    Settings.of(**{setting: good})
    with pytest.raises(OptionError, match=setting):
        Settings.of(**{setting: bad})


def test_a_regression_has_its_own_figures_and_no_accuracy() -> None:
    X = np.random.default_rng(0).normal(size=(60, 3))
    data = cp.data.load((X, X @ [[1.0], [2.0], [3.0]]), seed=0)
    for thorough, names in ((True, {"examples", "loss", "r2", "rmse", "mae"}), (False, {"examples", "loss"})):
        outcome = train(set_up(settings_for(data, epochs=1, engine="batch"), data), thorough=thorough)
        assert all(set(found) == names for found in outcome.metrics.values())
