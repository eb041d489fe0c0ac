"""Splits, scaling without leakage, the encoder's JSON, batch order, and the profile."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearprop import data
from clearprop.data import loading
from clearprop.data.columns import Column
from clearprop.data.scaling import Scaling, fit_scaling, moments
from clearprop.data.splitting import split_rows
from clearprop.errors import DataError, OptionError, UnknownNameError


def shifted(n=200):
    """A pair whose later rows lie far from the earlier ones, so that a scaler that saw them would show it."""
    rng = np.random.default_rng(3)
    return rng.normal(size=(n, 3)) + np.arange(n)[:, None], rng.integers(3, size=n)


def leaks(loaded):
    """Whether the scaling differs from what the training split alone gives."""
    rows = loaded.encoder.inputs
    X = loaded.train.X * np.array(rows.spread) + np.array(rows.shift)
    figures = ((X.mean(axis=0), rows.shift), (X.std(axis=0), rows.spread))
    return not all(np.allclose(found, used, rtol=1e-9) for found, used in figures)


def test_a_split_that_is_missing_says_how_to_load_it():
    loaded = data.load("circles", test=0)
    assert list(loaded.splits) == ["train", "val"]
    assert loaded.val is loaded.splits["val"]
    with pytest.raises(DataError, match=r"circles has no test examples; load it with test=0\.15"):
        _ = loaded.test


def test_splits_come_in_order_under_their_names():
    split = data.load("circles").train
    assert list(data.Dataset("d", {"test": split, "val": split, "train": split}).splits) == ["train", "val", "test"]
    for splits in ({}, {"val": split}, {"train": split, "valid": split}):
        with pytest.raises(OptionError, match="splits must hold train, and may hold val and test, not "):
            data.Dataset("d", splits)


def test_the_scaler_sees_the_training_split_alone(monkeypatch):
    X, y = shifted()
    assert not leaks(data.load((X, y), scale="standard", dtype="float64"))
    honest = loading.fit_encoder
    monkeypatch.setattr(loading, "fit_encoder", lambda X_train, y_train, *rest, **more: honest(X, y, *rest, **more))
    assert leaks(data.load((X, y), scale="standard", dtype="float64")), "this test would not notice a leak"


def test_categories_come_from_the_training_split_alone(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("colour,size,label\n" + "\n".join(f"c{i},{i},{i % 2}" for i in range(40)))
    loaded = data.load(path, val=10, test=10, only="colour")
    assert len([feature for feature in loaded.features if feature.startswith("colour=")]) == 20
    assert (loaded.test.X[:, :20] == 0).all()
    assert (loaded.train.X[:, :20].sum(axis=1) == 1).all()


def test_seeds_reproduce_and_differ():
    one, again, other = (data.load("digits", seed=seed) for seed in (1, 1, 2))
    assert (one.train.X == again.train.X).all()
    assert (one.test.y == again.test.y).all()
    assert not np.array_equal(one.test.y, other.test.y)
    assert (data.load("digits", seed=np.random.default_rng(1)).val.X == one.val.X).all()


def test_splits_are_stratified_disjoint_complete_and_in_order():
    X, y = np.arange(1000.0)[:, None], np.repeat([0, 1, 2], [700, 200, 100])
    loaded = data.load((X, y), val=0.2, test=100, dtype="float64")
    assert {k: np.bincount(s.y).tolist() for k, s in loaded.splits.items()} == {
        "train": [490, 140, 70], "val": [140, 40, 20], "test": [70, 20, 10]
    }  # fmt: skip
    rows = np.concatenate([split.X.ravel() for split in loaded.splits.values()])
    assert sorted(rows) == list(range(1000))
    assert all((np.diff(split.X.ravel()) > 0).all() for split in loaded.splits.values())
    everything = data.load((X, y), val=0, test=0, dtype="float64")
    assert (everything.train.X == X).all()
    assert list(everything.splits) == ["train"]


@pytest.mark.parametrize("sizes", [[1, 1, 8], [2, 2, 2], [1, 1], [1, 50], [1] * 6, [3, 1, 1, 1, 40]])
def test_tiny_classes_stay_in_training(sizes):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    rows = split_rows(groups, {"val": 2, "test": 2}, np.random.default_rng(0))
    assert sorted(np.concatenate(list(rows.values()))) == list(range(len(groups)))
    assert set(groups[rows["train"]]) == set(groups)
    X = np.random.default_rng(0).normal(size=(len(groups), 2))
    assert len(data.load((X, groups), val=0.2, test=0.2, task="classification").train) >= len(sizes)


def test_constant_and_far_off_columns():
    X = np.column_stack([np.full(99, 0.1), 1.6e9 + np.arange(99), np.full(99, -3.0)])
    scaled = fit_scaling("standard", X).apply(X, np.float32)
    assert (scaled[:, [0, 2]] == 0).all()
    assert scaled[:, 1].std() == pytest.approx(1, abs=1e-6)
    assert (fit_scaling("unit", X).apply(X)[:, 1].min(), fit_scaling("unit", X).apply(X)[:, 1].max()) == (0, 1)


def test_moments_over_several_blocks():
    X = np.random.default_rng(0).normal(size=(10000, 2))
    for found, wanted in zip(moments(X), (X.mean(0), X.std(0), X.min(0), X.max(0)), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


finite = st.floats(allow_nan=False, allow_infinity=False)
scalings = st.lists(st.tuples(finite, finite.filter(lambda x: x != 0)), min_size=1, max_size=4).map(
    lambda pairs: Scaling(*map(tuple, zip(*pairs, strict=True)))
)
columns = st.one_of(
    st.builds(Column, st.text(), scalings),
    st.builds(Column, st.text(), st.none(), st.lists(st.text(), min_size=1, max_size=3).map(tuple)),
)
labels = st.one_of(st.lists(st.integers()), st.lists(st.text()), st.lists(finite), st.lists(st.booleans())).map(tuple)
encoders = st.builds(
    data.Encoder,
    st.lists(st.text()).map(tuple),
    st.one_of(scalings, st.lists(columns).map(tuple)),
    st.lists(st.text()).map(tuple),
    labels,
    scalings,
    st.integers(-1, 9),
)


@settings(max_examples=50, deadline=None)
@given(encoders)
def test_encoder_survives_json_to_the_last_digit(encoder):
    again = data.Encoder.from_json(json.loads(json.dumps(encoder.to_json())))
    assert again == encoder
    assert repr(again) == repr(encoder)


@pytest.mark.parametrize("order", ["shuffle", "sequential", "replacement"])
@pytest.mark.parametrize("remainder", ["keep", "drop"])
def test_draw_order(order, remainder):
    drawn = data.draw_order(np.random.default_rng(5), 23, 5, order, remainder)
    assert len(drawn) == (23 if remainder == "keep" else 20)
    assert (drawn == data.draw_order(5, 23, 5, order, remainder)).all()
    assert len(set(drawn)) == len(drawn) if order != "replacement" else drawn.max() < 23
    if order == "sequential":
        assert (np.diff(drawn) == 1).all()
    if order == "shuffle":
        assert (np.diff(drawn) != 1).any()


def test_shuffle_moves_samples_not_batches():
    drawn = data.draw_order(0, 1000, 10).reshape(100, 10)
    assert len({tuple(sorted(batch // 10)) for batch in drawn}) > 90
    assert not (np.sort(drawn, axis=1) // 10 == drawn[:, :1] // 10).all(axis=1).any()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((10, 20, "shuffle", "drop"), OptionError, "batch_size=20 with remainder='drop' leaves none of 10 examples"),
        ((10, 0), OptionError, "batch_size must be a whole number, 1 or more, not 0"),
        ((0, 5), OptionError, "n must be a whole number, 1 or more, not 0"),
        ((10, 5, "shufle"), UnknownNameError, "did you mean 'shuffle'"),
        ((10, 5, "shuffle", "dorp"), UnknownNameError, "did you mean 'drop'"),
    ],
)
def test_bad_draw_order(arguments, error, message):
    with pytest.raises(error, match=message):
        data.draw_order(0, *arguments)


def test_profile_is_plain_json(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n" + "\n".join(f"{i * i % 11},{'xy'[i % 2]},{i / 7}" for i in range(40)))
    for source in ("circles", "digits", path):
        shown = data.profile(data.load(source))
        assert json.loads(json.dumps(shown)) == shown
    assert shown["task"] == "regression"
    assert [column["kind"] for column in shown["columns"]] == ["numeric", "categorical"]
    circles = data.load("circles")
    shown = data.profile(circles)
    assert shown["splits"]["val"] == {"examples": 300, "classes": {"0": 150, "1": 150}}
    assert shown["features"]["std"] == pytest.approx(float(circles.train.X.std()), rel=1e-6)
    assert shown["scaling"] == "none"
    assert data.profile(circles.as_column())["splits"] == shown["splits"]
