"""The published descents to the digit; paths of every optimizer and schedule; basins."""

import numpy as np
import pytest

from clearprop.descent import DIVERGED, SURFACES, WANDERING, answer_questions, descend, endings, map_basins, settle, sweep_steps
from clearprop.errors import ClearpropError, OptionError, ShapeError
from clearprop.optim import OPTIMIZERS, SCHEDULES, SGD, Adam, ExponentialDecay
from clearprop.recipes.radboud_descent import PUBLISHED, follow


def test_the_figures_of_the_assignment():
    for (lr, steps, decay), wanted in zip(PUBLISHED, (1.29676, 0.10066, -2.16415), strict=True):
        path = follow(lr, steps, decay)
        assert round(path.final, 5) == wanted
        assert len(path.points) == steps + 1
        assert path.rates[0] == lr


def test_decay_makes_step_t_step_times_d_to_the_t():
    path = descend("bowl", (1.0, 0.0), SGD(lr=ExponentialDecay(0.5, 0.8)), steps=3)
    assert path.rates == pytest.approx([0.5, 0.4, 0.32])
    assert path.points[:, 0] == pytest.approx([1.0, 0.5, 0.3, 0.204])  # x <- x (1 - rate)


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
@pytest.mark.parametrize("schedule", list(SCHEDULES))
def test_every_optimizer_with_every_schedule_goes_down_a_bowl(optimizer, schedule):
    made = OPTIMIZERS.make({"type": optimizer, "lr": SCHEDULES.make(schedule)})
    path = descend("bowl", None, made, steps=200)
    assert path.final < path.values[0]
    assert len(path.rates) == 200


def test_rows_hold_the_path():
    rows = descend("bowl", (1.0, 0.0), 0.5, steps=1).rows()
    assert rows == [
        {"step": 0, "x": 1.0, "y": 0.0, "f": 0.5, "lr": None},
        {"step": 1, "x": 0.5, "y": 0.0, "f": 0.125, "lr": 0.5},
    ]


def test_a_descent_that_overflows_stops_and_says_so():
    path = descend("rosenbrock", optimizer=1.0, steps=50)
    assert path.stopped is not None
    assert path.stopped.startswith("f is not finite after step")
    assert np.isfinite(path.values).all()
    assert len(path.rates) == len(path.points) - 1 < 50


def test_the_optimizer_that_is_given_stays_as_it_is():
    optimizer = Adam(lr=0.1)
    first, second = (descend("beale", None, optimizer, steps=5).final for _ in range(2))
    assert first == second
    assert optimizer.t == 0


@pytest.mark.parametrize("start", [3, (1, 2, 3), "here", (np.nan, 0)])
def test_a_start_that_is_no_point(start):
    with pytest.raises(ClearpropError, match=r"start\S* must be a .*number"):
        descend("bowl", start)


@pytest.mark.parametrize("optimizer", [SGD(0.01, momentum=0.9), Adam(0.1), 0.05])
def test_many_starts_at_once_go_where_each_goes_alone(optimizer):
    starts = np.random.default_rng(0).uniform(-4, 4, (5, 2))
    together = endings(SURFACES.make("published"), starts, optimizer, steps=40)
    alone = [descend("published", start, optimizer, steps=40).end for start in starts]
    assert together == pytest.approx(np.array(alone), abs=1e-12)


def test_endings_refuse_what_mixes_the_starts():
    with pytest.raises(OptionError, match="depends on all starts together"):
        endings(SURFACES.make("bowl"), np.zeros((2, 2)), SGD(0.1, clip_norm=1.0))
    with pytest.raises(ShapeError, match=r"shape \(K, 2\)"):
        endings(SURFACES.make("bowl"), np.zeros(2), 0.1)


def test_where_a_descent_settles():
    surface = SURFACES.make("published")
    starts = np.array([[3.0, 2.0]])
    assert [settle(surface, starts, lr)[0] for lr in (0.1, 0.16, 0.2, 3.0)] == [2, 0, WANDERING, DIVERGED]
    assert settle(SURFACES.make("saddle"), starts, 0.1)[0] == DIVERGED


def test_no_fixed_step_above_two_over_the_curvature_rests_at_the_global_minimum():
    surface = SURFACES.make("published")
    limit = 2 / surface.curvature(surface.minima[0])[1]
    assert round(limit, 4) == 0.1811
    assert map_basins(surface, limit * 0.99, resolution=15).share(0) > 0.4
    assert map_basins(surface, limit * 1.02, resolution=15).share(0) == 0


def test_shares_of_step_sizes():
    rows = sweep_steps("published", [0.1, 0.2], resolution=11, steps=300)
    assert rows[0]["any"] == 1.0
    assert rows[0]["reached"] == 2
    assert rows[1]["lowest"] == 0.0
    assert rows[1]["diverged"] == 0.0


def test_the_questions_are_answered_with_figures():
    small, fixed, schedule = answer_questions()
    assert "0.1811 at f = -2.28071" in small["answer"]
    assert "every step size from 0.141 to 0.181 does" in fixed["answer"]
    assert "-2.16415" in schedule["answer"]
    assert "f = 1.24273" in fixed["answer"]
