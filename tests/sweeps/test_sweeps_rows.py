"""Rows are the same however they come about: any number of workers, a kill and a resume, a store of either kind."""

import json
import math

import numpy as np
import pytest

import clearprop as cp
from clearprop.errors import DataError, OptionError, UnknownNameError
from clearprop.sweeps import (
    Between,
    Store,
    best_of,
    expand_grid,
    pivot,
    read_rows,
    run_sweep,
    summarise,
    swept_columns,
    write_rows,
)

FAST = {"optimizer": "sgd", "schedule": "constant", "patience": None, "epochs": 3, "engine": "batch"}
OVERFLOWS = {"hidden": (4,), "activation": ("relu",)}  # at a learning rate of 1e30
GRID = {"batch_size": [5, None], "lr": [0.1, 1.0]}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    return cp.data.load((X, (X[:, 0] > 0).astype(int)), seed=0)


def timeless(rows):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def half(seed, x):
    """A trial that can be sent to another process."""
    return {"half": x / 2, "first": seed % 7}


def test_rows_are_tidy(data):
    rows = run_sweep(data, GRID, seeds=2, fixed=FAST)
    assert len(rows) == 8
    assert swept_columns(rows) == ["batch_size", "lr"]
    assert [(row["batch_size"], row["lr"], row["replicate"]) for row in rows[:3]] == [(5, 0.1, 0), (5, 0.1, 1), (5, 1.0, 0)]
    assert len({row["seed"] for row in rows}) == len({row["trial"] for row in rows}) == 8
    assert {"train_loss", "val_accuracy", "test_accuracy", "epochs_done", "stopped", "seconds"} < set(rows[0])
    json.dumps(rows, allow_nan=False)


@pytest.mark.parametrize("workers", [{"jobs": 2}, {"jobs": 3}, {"jobs": 2, "scheduler": "processes"}])
def test_the_rows_do_not_depend_on_the_workers(data, workers):
    assert timeless(run_sweep(data, GRID, seeds=2, fixed=FAST, **workers)) == timeless(run_sweep(data, GRID, 2, fixed=FAST))


def test_a_row_is_what_fit_gives(data):
    row = run_sweep(data, {"lr": [0.1]}, fixed=FAST | {"batch_size": 5, "hidden": (4,), "activation": ("tanh",)})[0]
    net = cp.mlp([2, 4, 2], hidden="tanh", seed=row["seed"])
    cp.fit(net, data.train, optimizer=cp.SGD(0.1), batch_size=5, epochs=3, seed=row["seed"], engine="batch")
    assert cp.evaluate(net, data.test)["loss"] == row["test_loss"]


def test_seeds_depend_on_the_sweep_and_the_trial_alone():
    wide = run_sweep(half, {"x": [1, 2, 3]}, seeds=3)
    narrow = run_sweep(half, {"x": [3]}, seeds=1)
    assert narrow == [row for row in wide if row["x"] == 3 and row["replicate"] == 0]
    other = run_sweep(half, {"x": [3]}, seed=1)
    assert other[0]["seed"] != narrow[0]["seed"]
    assert other[0]["trial"] != narrow[0]["trial"]


@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
def test_what_is_stored_is_not_computed_again(tmp_path, ending):
    calls, store = [], tmp_path / f"rows{ending}"

    def trial(seed, x):
        calls.append(x)
        return {"y": float(x), "nothing": None, "lost": math.nan}

    first = run_sweep(trial, {"x": [1, 2]}, seeds=2, store=store)
    assert not store.with_name(store.name + ".journal").exists()
    again = run_sweep(trial, {"x": [1, 2]}, seeds=2, store=store)
    assert str(again) == str(first)
    assert len(calls) == 4
    more = run_sweep(trial, {"x": [1, 2, 3]}, seeds=2, store=store)
    assert calls[4:] == [3, 3]
    assert str(read_rows(store)) == str(more)


def test_a_sweep_that_was_killed_goes_on(tmp_path):
    store, calls = tmp_path / "rows.jsonl", []

    def trial(seed, x):
        calls.append(x)
        if x == 3 and len(calls) <= 3:
            raise RuntimeError("killed")
        return {"y": x}

    with pytest.raises(RuntimeError):
        run_sweep(trial, {"x": [1, 2, 3, 4]}, store=store)
    journal = store.with_name("rows.jsonl.journal")
    assert len(journal.read_text().splitlines()) == 2  # at once, although the sweep never ended
    with journal.open("a") as file:
        file.write('[{"x": 3, "y"')  # what a kill leaves of a line
    rows = run_sweep(trial, {"x": [1, 2, 3, 4]}, store=store)
    assert [row["y"] for row in rows] == [1, 2, 3, 4]
    assert calls == [1, 2, 3, 3, 4]
    assert store.read_text() == "".join(json.dumps(row) + "\n" for row in rows)


def test_rows_of_other_data_are_not_taken_for_these(data, tmp_path):
    store = tmp_path / "rows.jsonl"
    run_sweep(data, {"lr": [0.1]}, fixed=FAST, store=store)
    X, y = data.train
    other = run_sweep((X + 1, y), {"lr": [0.1]}, fixed=FAST, store=store)
    assert len(read_rows(store)) == 2
    assert other == read_rows(store)[:1]


def test_trials_that_diverge_are_rows(data, recwarn):
    rows = run_sweep(data, {"lr": [0.1, 1e30]}, fixed=FAST | OVERFLOWS, jobs=2)
    assert math.isfinite(rows[0]["train_loss"])
    assert math.isnan(rows[1]["train_loss"])
    assert math.isnan(rows[1]["val_loss"])
    assert rows[1]["stopped"].startswith("not finite in epoch 1")
    assert not recwarn.list
    assert best_of(rows, "train_loss")["lr"] == 0.1


def test_a_row_for_every_epoch(data):
    rows = run_sweep(data, {"lr": [0.1]}, seeds=2, fixed=FAST, every_epoch=True)
    assert [(row["replicate"], row["epoch"]) for row in rows] == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]
    assert rows[2]["val_loss"] > 0
    diverged = run_sweep(data, {"lr": [1e30]}, fixed=FAST | OVERFLOWS, every_epoch=True)
    assert diverged[-1]["epoch"] == 1
    assert math.isnan(diverged[-1]["train_loss"])


def test_fewer_examples(data):
    rows = run_sweep(data, {"examples": [4, len(data.train)]}, fixed=FAST)
    assert rows[0]["train_loss"] != rows[1]["train_loss"]
    with pytest.raises(OptionError, match="at most the"):
        run_sweep(data, {"examples": [1000]}, fixed=FAST)


def test_shared_data_come_first():
    def trial(shared, seed, k, offset):
        return {"y": shared[k] + offset}

    assert [row["y"] for row in run_sweep(trial, {"k": [0, 2]}, shared=[5, 6, 7], fixed={"offset": 1})] == [6, 8]


def test_progress_counts_what_was_stored(tmp_path):
    seen = []
    run_sweep(half, {"x": [1]}, store=tmp_path / "r.jsonl")
    run_sweep(half, {"x": [1, 2, 3]}, store=tmp_path / "r.jsonl", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_random_search_draws_from_ranges():
    grid = {"lr": Between(1e-4, 1.0, log=True), "batch": Between(1, 3), "hidden": [(4,), (8,)]}
    drawn = expand_grid(grid, draws=200)
    assert expand_grid(grid, draws=5) == drawn[:5]
    assert all(1e-4 <= settings["lr"] <= 1 for settings in drawn)
    assert {settings["batch"] for settings in drawn} == {1, 2, 3}
    assert {settings["hidden"] for settings in drawn} == {(4,), (8,)}
    below = sum(settings["lr"] < 1e-2 for settings in drawn)
    assert 70 < below < 130  # half of the decades


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lr": 0.1}, "needs a list of values for lr"),
        ({"lr": []}, "a list of at least one value"),
        ({"lr": Between(0.1, 1.0)}, "say how many draws"),
        ({"lrr": [0.1]}, "did you mean 'lr'"),
        ({"init": ["he", "zeroes"]}, "did you mean 'zeros'"),
        ({"seed": [1]}, "ask for several seeds"),
        ({"epochs": [1]}, "both fixed and in the grid"),
        ({"lr": [-1.0]}, "lr must be"),
    ],
)
def test_mistakes_are_found_before_anything_runs(data, given, message):
    with pytest.raises(OptionError, match=message):
        run_sweep(data, given, fixed=FAST)


def test_mistakes_about_workers_and_files(data, tmp_path):
    for options, message in (
        ({"jobs": 0}, "jobs must be"),
        ({"scheduler": "thread"}, "did you mean 'threads'"),
        ({"store": tmp_path / "rows.csv"}, "to a .jsonl or .parquet file"),
        ({"seeds": 0}, "seeds must be"),
    ):
        with pytest.raises(OptionError, match=message):
            run_sweep(half, {"x": [1]}, **options)
    with pytest.raises(OptionError, match="a data source or a function"):
        run_sweep(3, {"x": [1]})
    with pytest.raises(OptionError, match="must return a row"):
        run_sweep(lambda seed, x: 3, {"x": [1]})
    with pytest.raises(UnknownNameError, match="In the trial"):
        run_sweep(lambda seed, x: cp.mlp([1, 1], output="tahn"), {"x": [1]})


def test_a_damaged_journal(tmp_path):
    (tmp_path / "rows.jsonl.journal").write_text("nonsense\n")
    with pytest.raises(DataError, match="Line 1"):
        Store(tmp_path / "rows.jsonl").load()
    with pytest.raises(DataError, match="Cannot read the rows"):
        read_rows(tmp_path / "nowhere.jsonl")


def test_rows_survive_both_formats(tmp_path):
    rows = [{"hidden": "4-2", "batch": None, "loss": math.nan}, {"hidden": "none", "batch": 3, "loss": 0.5}]
    for name in ("r.jsonl", "r.parquet"):
        write_rows(rows, tmp_path / name)
        assert str(read_rows(tmp_path / name)) == str(rows)


def test_summaries_worked_by_hand():
    rows = [
        {"lr": lr, "replicate": k, "loss": loss} for k, (lr, loss) in enumerate([(1, 1.0), (1, 2.0), (1, 6.0), (2, math.inf)])
    ]
    one, two = summarise(rows, "loss")
    assert (one["n"], one["finite"], one["mean"], one["median"], one["min"], one["max"]) == (3, 3, 3.0, 2.0, 1.0, 6.0)
    assert one["std"] == pytest.approx(math.sqrt((4 + 1 + 9) / 2))
    assert (one["low"], one["high"]) == pytest.approx((1.1, 5.6))
    assert two["finite"] == 0
    assert math.isnan(two["mean"])
    assert best_of(rows, "loss")["lr"] == 1
    with pytest.raises(UnknownNameError, match="did you mean 'loss'"):
        summarise(rows, "losss")
    with pytest.raises(OptionError, match="No combination"):
        best_of(rows[3:], "loss")


def test_a_pivot_sorts_numbers_and_keeps_words():
    lines = [{"a": a, "b": b, "mean": 1.0} for a, b in ((10, "x"), (2, "y"))]
    down, across, table = pivot(lines, across="b", down="a")
    assert (down, across) == ([2, 10], ["x", "y"])
    assert np.isnan(table[0, 0])
    assert table[0, 1] == 1.0


def test_a_journal_line_that_was_cut_twice(tmp_path):
    store = Store(tmp_path / "rows.jsonl")
    store.add([{"trial": "a", "y": 1}])
    for _ in range(2):
        with store.journal.open("a") as file:
            file.write('[{"trial": "b", "y"')  # what a kill leaves
        assert list(store.load()) == ["a"]
    store.add([{"trial": "b", "y": 2}])  # must begin a line of its own
    assert {key: rows[0]["y"] for key, rows in store.load().items()} == {"a": 1, "b": 2}


def test_the_best_needs_a_mode_that_there_is():
    from clearprop.sweeps import best_of

    rows = [{"lr": 0.1, "replicate": 0, "loss": 1.0}, {"lr": 0.2, "replicate": 0, "loss": 2.0}]
    assert best_of(rows, "loss", mode="max")["lr"] == 0.2
    with pytest.raises(OptionError, match="did you mean 'max'"):
        best_of(rows, "loss", mode="maxx")


def test_rows_are_kept_in_a_folder_that_is_not_there_yet(tmp_path):
    store = Store(tmp_path / "new" / "rows.jsonl")
    store.add([{"trial": "a", "y": 1}])
    assert list(store.load()) == ["a"]
