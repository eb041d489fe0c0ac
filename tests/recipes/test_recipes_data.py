"""The recipes on the course data, cut short; they skip where the data are not."""

import os
from pathlib import Path

import numpy as np
import pytest

from clearprop.nn import CrossEntropy
from clearprop.optim import SGD
from clearprop.recipes import RECIPES, Conditions
from clearprop.recipes.course_data import CIRCLES, course_circles
from clearprop.recipes.rdfia_circles import tail
from clearprop.recipes.rdfia_circles_nan import first_nonfinite
from clearprop.recipes.rdfia_circles_runs import circles_trial, make_circles_net, train_all
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
    assert [c.obtained for c in result.comparisons[:3]] == ["33494", "5622", "1.76405235 0.40015721"]
    assert {c.claim for c in result.comparisons[:3]} == {"computed"}
    assert [c.holds for c in result.comparisons] == [None] * 5


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
@pytest.mark.parametrize("shifted", [False, True])
def test_the_first_nan_is_born_in_the_loss_of_the_write_up(shifted):
    train = course_circles(None)[0]
    for seed in range(3):
        birth = first_nonfinite(make_circles_net("code", seed), train, 5.0, 150, seed, shifted)
        assert birth.where == "loss"
        assert birth.probability == 0
        assert birth.score < 88  # exp overflows in float32 beyond 88.7
    assert first_nonfinite(make_circles_net("code", 0), train, 0.01, 2, 0, shifted) is None


def test_an_overflowing_score_would_be_called_so():
    train = course_circles(None)[0]
    net = make_circles_net("code", 0)
    net.theta *= 1e30
    assert first_nonfinite(net, train, 5.0, 1, 0, False).where == "probability"


def test_the_biases_are_drawn_as_the_weights_are():
    nets = [make_circles_net("code", seed) for seed in range(200)]
    biases = np.concatenate([net.layers[k].parameters()["b"] for net in nets for k in (0, 2)])
    assert biases.std() == pytest.approx(1 / np.sqrt(0.3), rel=0.05)


def test_chance_alone_puts_one_figure_of_eleven_outside():
    assert tail(11, 1) == pytest.approx(1 - 0.9**11)
    assert tail(11, 4) < 0.02 < tail(11, 3)  # so that three outside are chance, and four are not


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
    assert any("NaN in 22 of 22 runs, first in the loss in 22" in c.obtained for c in result.comparisons)
    assert {animation.name for animation in result.exhibits.animations} == {"epochs"}
    assert {table.name for table in result.exhibits.tables} >= {"code-train_loss", "text-test_accuracy", "seconds"}


@mnist
def test_vu_mnist_in_short():
    result = RECIPES.make("vu-mnist").run(Conditions(quick=True))
    assert [c.holds for c in result.comparisons if c.claim == "shown"] == [True, True]
    assert result.holds
