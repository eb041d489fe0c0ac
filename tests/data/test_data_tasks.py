"""Classes or numbers: what targets are taken for, at the edges; and tables that lack a column."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clearprop as cp
from clearprop.data.task import class_labels
from clearprop.errors import DataError
from clearprop.training.settings import settings_for


def task(y: np.ndarray) -> str:
    return cp.data.load((np.arange(2.0 * len(y)).reshape(-1, 2), y), val=0, test=0).task


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([0.0, 1.0, 0.0], "classification"),  # two different whole numbers are classes, however few the examples
        ([3.0, 7.0], "classification"),
        ([0.0, 1.0, 2.0], "regression"),  # three of three: each value once
        ([0, 1, 2, 0, 1, 2], "classification"),  # three of six: half as many values as examples
        ([0, 1, 2, 0, 1], "regression"),  # three of five
        ([0.5, 1.5, 0.5, 1.5], "regression"),  # not whole
    ],
)
def test_classes_are_told_from_numbers(y: list[float], expected: str) -> None:
    assert task(np.array(y)) == expected


def test_large_unsigned_labels_stay_what_they_are() -> None:
    small, large = np.array([1, 2**62], np.uint64), np.array([1, 2**63 + 1], np.uint64)
    assert class_labels("y", small).dtype == np.int64
    assert class_labels("y", small).tolist() == [1, 2**62]
    assert class_labels("y", large).tolist() == ["1", str(2**63 + 1)]  # would be negative as int64
    assert class_labels("y", np.array([0.0, 2.0**53 - 1])).dtype == np.int64
    assert class_labels("y", np.array([0.0, 2.0**53])).dtype == np.float64  # no longer exact as a float


def test_a_table_without_a_column_of_the_model_is_refused_by_name() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0] * 5, "b": ["u", "v"] * 10, "y": [0, 1] * 10})
    frame.to_csv(path := "table.csv", index=False)
    encoder = cp.data.load(path, target="y").encoder
    assert encoder is not None
    with pytest.raises(DataError, match=r"lacks the columns b; all needed: a, b"):
        encoder.encode(frame[["a"]])


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_smallest_default_batch_has_eight_examples() -> None:
    X = np.random.default_rng(0).normal(size=(40, 3))
    assert settings_for(cp.data.load((X, (X[:, 0] > 0).astype(int)))).fit.batch_size == 8


def test_sets_of_labels_are_classes() -> None:
    y = np.array([[0, 1, 1], [1, 1, 0], [0, 0, 0]] * 8)
    loaded = cp.data.load((np.arange(48.0).reshape(-1, 2), y), val=0, test=0)
    assert (loaded.task, loaded.classes) == ("classification", ["0,0,0", "0,1,1", "1,1,0"])
    assert cp.data.load((np.arange(48.0).reshape(-1, 2), y), val=0, test=0, task="regression").n_out == 3
