"""Groups of fast trials; and a real Dask cluster of two workers, one of which is killed half-way."""

import os
import signal
import threading
import time

import pytest

from clearprop.errors import OptionError
from clearprop.sweeps import Trial, run_sweep
from clearprop.sweeps.workers import GROUP_SECONDS, Groups


def trials(n, seeds=1):
    return [Trial.of({"x": x}, k, 0) for x in range(n) for k in range(seeds)]


def test_every_trial_is_in_one_group():
    for workers in (1, 2, 5):
        groups = list(Groups(trials(7, seeds=3), workers))
        assert sorted(trial.key for group in groups for trial in group) == sorted(trial.key for trial in trials(7, seeds=3))


def test_unknown_trials_go_alone_and_fast_ones_together():
    queue = Groups(trials(2, seeds=500), workers=1)
    sizes, seen = [], iter(queue)
    for group in seen:
        sizes.append(len(group))
        for trial in group:
            queue.learn(trial, 0.001)
    assert sizes[0] == 1
    assert max(sizes) == pytest.approx(GROUP_SECONDS / 0.001, abs=2)
    assert sizes[-1] <= 2  # nobody waits for the last worker


def test_slow_trials_stay_alone():
    queue = Groups(trials(3, seeds=10), workers=2)
    for group in queue:
        assert len(group) == 1
        queue.learn(group[0], 1.0)


def test_replicates_come_after_the_first_of_every_combination():
    order = [trial for group in Groups(trials(4, seeds=2)) for trial in group]
    assert [trial.replicate for trial in order] == [0] * 4 + [1] * 4


def slow(shared, seed, x):
    time.sleep(0.15)
    return {"y": x * shared["factor"], "first": seed % 1000}


def test_a_cluster_gives_the_same_rows_though_a_worker_is_killed(tmp_path):
    distributed = pytest.importorskip("distributed")

    grid, shared = {"x": list(range(16))}, {"factor": 10}
    expected = run_sweep(slow, grid, seeds=2, shared=shared, jobs=8)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
    ) as cluster:
        victim = next(iter(cluster.workers.values()))
        done, killed = [], threading.Event()

        def progress(finished, total):
            done.append(finished)
            if finished >= total // 2 and not killed.is_set():
                killed.set()
                os.kill(victim.pid, signal.SIGKILL)

        rows = run_sweep(
            slow, grid, seeds=2, shared=shared, scheduler=cluster.scheduler_address, store=tmp_path / "rows.parquet",
            progress=progress,
        )  # fmt: skip
    assert killed.is_set()
    assert rows == expected
    assert done == list(range(33))


def test_a_scheduler_that_is_not_there():
    pytest.importorskip("distributed")
    with pytest.raises(OptionError, match="No Dask scheduler answers"):
        run_sweep(slow, {"x": [1]}, shared={"factor": 1}, scheduler="tcp://127.0.0.1:1")


def test_quick_trials_are_handed_out_many_at_a_time(monkeypatch):
    # The first of each combination shows that they take no time; without learning that, each would go alone.
    from clearprop.sweeps import workers

    groups = []
    plain = workers.run_group

    def counted(work, shared, fixed, trials, apart):
        groups.append(len(trials))
        return plain(work, shared, fixed, trials, apart)

    monkeypatch.setattr(workers, "run_group", counted)
    rows = run_sweep(lambda seed, x: {"y": x}, {"x": [1, 2]}, seeds=400)
    assert len(rows) == sum(groups) == 800
    assert len(groups) < 100


def test_groups_by_hand():
    trials = [Trial.of({"x": x}, k, 0) for x in (1, 2) for k in range(40)]
    groups = Groups(trials, workers=1)
    handed = iter(groups)
    first = next(handed)
    assert [t.replicate for t in first] == [0]  # nothing is known: alone
    groups.learn(first[0], GROUP_SECONDS / 4)
    second = next(handed)  # the other combination's first replicate counts as the slowest known; then three more of the first
    assert second[0].settings["x"] == 2
    assert len(second) == 4
    assert sum(len(group) for group in [first, second, *handed]) == 80
