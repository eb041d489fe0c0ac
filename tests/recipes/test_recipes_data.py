"""The recipes on the course data, cut short; they skip where the data are not."""

import os
from pathlib import Path

import numpy as np
import pytest

from clearprop.nn import CrossEntropy
from clearprop.optim import SGD
from clearprop.recipes import RECIPES, Conditions
from clearprop.recipes.course_data import CIRCLES, course_circles
from clearprop.recipes.rdfia_circles import circles_trial, make_circles_net, train_all, unshifted_run
from clearprop.recipes.recipe import quiet_fit
from clearprop.recipes.vu_scalar import softmax_derivative
from clearprop.training import fit

DATA = Path(os.environ.get("CLEARPROP_DATA", "/nowhere"))
circles = pytest.mark.skipif(not (DATA / CIRCLES).is_file(), reason="needs the course's circles.npz in CLEARPROP_DATA")
mnist = pytest.mark.skipif(not (DATA / "mnist").is_dir(), reason="needs MNIST in CLEARPROP_DATA")


def test_vu_scalar_holds():
    result = RECIPES.make("vu-scalar").run()
    assert result.holds
    assert sum(c.claim == "identical" for c in result.comparisons) == 7
    assert "-0.80 0.30 0.50" in softmax_derivative()


def test_vu_synth_has_the_published_points():
    result = RECIPES.make("vu-synth").run(Conditions(quick=True, seeds=1, engine="compiled"))
    assert [c.holds for c in result.comparisons[:3]] == [True, True, True]
    assert [c.holds for c in result.comparisons[3:]] == [None, None]


@circles
def test_a_trial_is_what_fit_does_epoch_by_epoch():
    data = course_circles(None)
    row = circles_trial(data, 3, "batch", 50, 0.5, "code", epochs=4)
    rng = np.random.default_rng(3)
    net = make_circles_net("code", rng)
    history = fit(
        net, data[0], loss=CrossEntropy(), optimizer=SGD(0.5), batch_size=50, epochs=4, seed=rng, validation=data[1],
        train_metrics="after",
    )  # fmt: skip
    for column, name in (("train_loss", "train_loss"), ("test_loss", "val_loss"), ("test_accuracy", "val_accuracy")):
        assert row[column] == pytest.approx(history[-1][name], rel=1e-12)


@circles
@pytest.mark.parametrize("engine", ["batch", "compiled"])
def test_nets_that_are_trained_together_are_those_of_fit(engine):
    data, settings = course_circles(None), [(50, 0.5), (200, 5.0), (10, 1e308)]
    for (batch, lr), (net, history) in zip(settings, train_all(data, engine, settings, 3), strict=True):
        rng = np.random.default_rng(0)
        alone = make_circles_net("code", rng)
        wanted = quiet_fit(
            alone, data[0], loss=CrossEntropy(), optimizer=SGD(lr), batch_size=batch, epochs=3, seed=rng, engine=engine,
            validation=data[1],
        )  # fmt: skip
        assert net.theta.tobytes() == alone.theta.tobytes()
        assert len(history) == len(wanted)
        assert history.nonfinite == wanted.nonfinite
        assert (history.nonfinite is None) == (lr < 1e100)
        for row, other in zip(history, wanted, strict=True):
            assert row | {"seconds": 0} == other | {"seconds": 0}


@circles
def test_published_figures_lie_in_the_interval_over_forty_seeds():
    data = course_circles(None)
    rows = [circles_trial(data, seed, "compiled", 100, 1.0, "code") for seed in range(40)]
    low, high = np.percentile([row["test_accuracy"] for row in rows], [5, 95])
    assert low <= 0.935 <= high
    low, high = np.percentile([row["train_loss"] for row in rows], [5, 95])
    assert round(low, 3) <= 0.093 <= high


@circles
def test_the_bare_softmax_diverges_at_batch_1_and_rate_5():
    where = unshifted_run(course_circles(None)[0], 0, 1, 5.0).nonfinite
    assert where is not None
    assert "UnshiftedSoftmax" in where["place"]


@circles
def test_rdfia_svm_holds_and_is_drawn():
    result = RECIPES.make("rdfia-svm").run()
    assert result.holds
    assert len(result.exhibits.pictures[0].figure().axes) == 25


@circles
@pytest.mark.parametrize("engine", ["compiled"])
def test_rdfia_circles_in_short(engine):
    result = RECIPES.make("rdfia-circles").run(Conditions(quick=True, engine=engine, seeds=2, jobs=1))
    assert result.holds  # intervals over two seeds are not judged
    assert any("NaN in" in c.obtained for c in result.comparisons)
    assert {table.name for table in result.exhibits.tables} >= {"code-train_loss", "text-test_accuracy", "seconds"}


@mnist
def test_vu_mnist_in_short():
    result = RECIPES.make("vu-mnist").run(Conditions(quick=True))
    assert [c.holds for c in result.comparisons if c.claim == "shown"] == [True, True]
    assert result.holds
