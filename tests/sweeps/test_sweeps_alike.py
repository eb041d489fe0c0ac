"""Trials that differ in their seed alone are trained in one call of the engine: the same rows as one by one, to the bit."""

import signal
import threading
import time

import pytest

import clearprop as cp
from clearprop.errors import OptionError
from clearprop.sweeps import Store, Trial, alike, run_sweep, train_trial, workers
from clearprop.sweeps.alike import memory_of, train_alike
from clearprop.sweeps.trial import set_up_trial

CIRCLES = cp.data.load("circles", seed=0)
FAST = {"epochs": 12, "batch_size": 64}


def timeless(rows):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def one_by_one(data, grid, seeds, every_epoch=False, **fixed):
    """The rows as `train_trial` gives them, without groups, workers or `fit_many`."""
    rows = []
    for settings in cp.sweeps.expand_grid(grid):
        for k in range(seeds):
            trial = Trial.of(settings, k, 0)
            rows += [{**trial.columns(), **row} for row in train_trial(data, trial.seed, every_epoch, **fixed, **settings)]
    return rows


def nameless(rows):
    """Rows without the trial's key, which holds the data and the fixed settings as well."""
    return [{name: value for name, value in row.items() if name != "trial"} for row in timeless(rows)]


@pytest.fixture
def sizes(monkeypatch):
    """The numbers of nets in the calls of `fit_many`."""
    found, plain = [], alike.fit_many

    def counted(nets, **settings):
        found.append(len(nets))
        return plain(nets, **settings)

    monkeypatch.setattr(alike, "fit_many", counted)
    return found


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("every_epoch", [False, True])
@pytest.mark.parametrize(
    ("grid", "fixed"),
    [
        ({"lr": [0.01, 0.1], "hidden": [(3,), (30,)]}, {}),
        ({"patience": [1, None]}, {"optimizer": "sgd", "lr": 0.5}),
        ({"lr": [1e30]}, {"optimizer": "sgd", "schedule": "constant"}),
        ({"examples": [50, 1000]}, {"dropout": 0.2, "weight_decay": 1e-3}),
        ({"order": ["sequential", "replacement"]}, {"train_metrics": "after"}),
        ({"loss": ["bce", "nll"]}, {"dtype": "float64", "batch_size": None}),
        ({"lr": [0.1]}, {"engine": "batch"}),
    ],
    ids=["nets", "patience", "diverges", "examples", "python", "losses", "batch"],
)
def test_the_rows_are_those_of_one_trial_at_a_time(grid, fixed, every_epoch, jobs, sizes, monkeypatch):
    fixed = FAST | fixed
    monkeypatch.setattr(workers.Groups, "expect", lambda self, trial: 0.0)  # no trial goes alone because it is slow
    rows = run_sweep(CIRCLES, grid, seeds=6, fixed=fixed, every_epoch=every_epoch, jobs=jobs)
    assert str(nameless(rows)) == str(nameless(one_by_one(CIRCLES, grid, 6, every_epoch, **fixed)))  # NaN is NaN
    assert max(sizes) > 1


def test_as_many_are_trained_together_as_the_memory_bound_allows(monkeypatch, sizes):
    wanted = [list(rows) for rows, _ in train_alike(CIRCLES, range(7), **FAST)]
    assert sizes == [7]
    monkeypatch.setattr(alike, "MOST_MEMORY", 3.5 * memory_of(set_up_trial(CIRCLES, 0, **FAST), CIRCLES))
    found = [list(rows) for rows, _ in train_alike(CIRCLES, range(7), **FAST)]
    assert sizes == [7, 3, 3, 1]
    assert list(map(timeless, found)) == list(map(timeless, wanted))
    monkeypatch.setattr(alike, "MOST_MEMORY", 1)
    list(train_alike(CIRCLES, range(2), **FAST))
    assert sizes[4:] == [1, 1]


def test_memory_counts_what_each_trial_has_of_its_own():
    plain = memory_of(set_up_trial(CIRCLES, 0), CIRCLES)
    X_bytes = sum(split.X.nbytes for split in CIRCLES.splits.values())
    assert memory_of(set_up_trial(CIRCLES, 0, dtype="float64"), CIRCLES) > plain + 2 * X_bytes - 1  # copies in another dtype
    wide, wider = (memory_of(set_up_trial(CIRCLES, 0, hidden=(n,)), CIRCLES) for n in (1000, 2000))
    assert wider - wide >= 8 * 4 * 5 * 1000  # parameters and their kin
    whole = memory_of(set_up_trial(CIRCLES, 0, batch_size=None), CIRCLES)
    assert whole - plain > 4 * 4 * 12 * (1400 - 32) - 1  # activations


def test_the_seconds_of_trials_that_are_trained_together_add_up():
    began = time.perf_counter()
    found = list(train_alike(CIRCLES, range(20), epochs=100, patience=None))
    wall = time.perf_counter() - began
    assert 0 < sum(rows[0]["seconds"] for rows, _ in found) < sum(seconds for _, seconds in found) < wall


def interrupting(after):
    """`fit_many`, as it ends when Ctrl-C comes after so many nets."""

    def fit_some(nets, **settings):
        histories = cp.training.fit_many(
            nets[:after], **{k: v[:after] if isinstance(v, list) else v for k, v in settings.items()}
        )
        rest = [cp.training.History() for _ in nets[after:]]
        for history in rest:
            history.stopped = "interrupted in epoch 1"
        return [*histories, *rest]

    return fit_some


def test_after_ctrl_c_the_trials_that_were_finished_are_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(alike, "fit_many", interrupting(after=2))
    monkeypatch.setattr(workers.Groups, "expect", lambda self, trial: 0.0)
    path = tmp_path / "rows.jsonl"
    with pytest.raises(KeyboardInterrupt):
        run_sweep(CIRCLES, {"lr": [0.1]}, seeds=20, fixed=FAST, store=path)
    kept = Store(path).load()
    assert len(kept) == 2
    assert len({rows[0]["seed"] for rows in kept.values()}) == 2
    monkeypatch.undo()
    done = []
    rows = run_sweep(CIRCLES, {"lr": [0.1]}, seeds=20, fixed=FAST, store=path, progress=lambda n, total: done.append(n))
    assert done == list(range(2, 21))
    assert timeless(rows) == timeless(run_sweep(CIRCLES, {"lr": [0.1]}, seeds=20, fixed=FAST))


def test_ctrl_c_is_heard_within_the_kernel():
    timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    began, before = time.perf_counter(), signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored here
    try:
        timer.start()
        found = list(train_alike(CIRCLES, range(3), epochs=2_000_000, optimizer="sgd", schedule="constant", patience=None))
    finally:
        signal.signal(signal.SIGINT, before)
    assert found[-1][0] is None
    assert time.perf_counter() - began < 20  # all of it takes minutes


def test_an_error_names_the_trial(monkeypatch):
    def refuse(nets, **settings):
        raise OptionError("No.")

    monkeypatch.setattr(alike, "fit_many", refuse)
    with pytest.raises(OptionError, match=r"No\. \(In the trial \{'lr': 0\.1\}\.\)"):
        run_sweep(CIRCLES, {"lr": [0.1]}, seeds=50, fixed={"epochs": 1})
