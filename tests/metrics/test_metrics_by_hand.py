"""Metrics of unequal classes, worked by hand: each class counts the same, however few its examples."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics

from clearprop.errors import OptionError, ShapeError
from clearprop.metrics import classification_metrics, regression_metrics

# Eight examples of class 0, of which six are found; two of class 1, of which one is found.
Y = np.array([0, 0, 0, 0, 0, 0, 0, 0, 1, 1])
PREDICTED = np.array([0, 0, 0, 0, 0, 0, 1, 1, 0, 1])


def test_precision_recall_and_f1_are_means_over_the_classes() -> None:
    found = classification_metrics(Y, PREDICTED, 2)
    # class 0: precision 6/7, recall 6/8; class 1: precision 1/3, recall 1/2
    assert found["precision"] == pytest.approx((6 / 7 + 1 / 3) / 2, rel=1e-12)
    assert found["recall"] == pytest.approx((6 / 8 + 1 / 2) / 2, rel=1e-12)
    # F1 = 2 TP / (2 TP + FP + FN): 12 / (12 + 1 + 2) and 2 / (2 + 2 + 1)
    assert found["f1"] == pytest.approx((12 / 15 + 2 / 5) / 2, rel=1e-12)
    assert found["accuracy"] == 0.7
    assert found["confusion"] == [[6, 2], [1, 1]]  # a row for each true class


def test_a_class_that_never_occurs_counts_as_nothing_found() -> None:
    found = classification_metrics(np.array([0, 0]), np.array([0, 0]), 3)
    assert found["precision"] == pytest.approx(1 / 3)
    assert found["recall"] == pytest.approx(1 / 3)
    assert np.array(found["confusion"]).shape == (3, 3)


def test_regression_by_hand() -> None:
    found = regression_metrics(np.array([[0.0], [1.0], [5.0]]), np.array([[1.0], [1.0], [2.0]]))
    # errors 1, 0, -3; mean of y is 2, so the total sum of squares is 4 + 1 + 9 = 14
    assert found["r2"] == pytest.approx(1 - 10 / 14, rel=1e-12)
    assert found["rmse"] == pytest.approx(math.sqrt(10 / 3), rel=1e-12)
    assert found["mae"] == pytest.approx(4 / 3, rel=1e-12)
    assert math.isnan(regression_metrics(np.array([[1.0]]), np.array([[1.0]]))["r2"])


def test_shapes_that_would_broadcast_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(3, 1\)"):
        regression_metrics(np.zeros((3, 1)), np.zeros((3, 2)))
    with pytest.raises(ShapeError, match=r"both must be \(N,\)"):
        classification_metrics(np.zeros((3, 1), int), np.zeros((3, 1), int), 2)


@pytest.mark.parametrize("seed", range(5))
def test_classification_agrees_with_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, predicted = rng.integers(0, 4, 60), rng.integers(0, 4, 60)
    found = classification_metrics(y, predicted, 5)  # class 4 neither occurs nor is predicted
    given = {"labels": np.arange(5), "average": "macro", "zero_division": 0}
    assert found["accuracy"] == pytest.approx(sklearn.metrics.accuracy_score(y, predicted), rel=1e-12)
    for name in ("precision", "recall", "f1"):
        assert found[name] == pytest.approx(getattr(sklearn.metrics, f"{name}_score")(y, predicted, **given), rel=1e-12)
    assert found["confusion"] == sklearn.metrics.confusion_matrix(y, predicted, labels=np.arange(5)).tolist()


@pytest.mark.parametrize("seed", range(5))
def test_regression_agrees_with_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, predicted = rng.normal(size=(20, 3)) * [1, 10, 100], rng.normal(size=(20, 3))
    y[:, 1] = 7.0  # the same everywhere
    for guess in (predicted, np.where([False, True, False], y, predicted)):
        found = regression_metrics(y, guess)
        assert found["r2"] == pytest.approx(sklearn.metrics.r2_score(y, guess), rel=1e-12)
        assert found["rmse"] == pytest.approx(sklearn.metrics.root_mean_squared_error(y, guess), rel=1e-12)
        assert found["mae"] == pytest.approx(sklearn.metrics.mean_absolute_error(y, guess), rel=1e-12)


@pytest.mark.parametrize("wrong", [[0, 3], [-1, 0], []])
def test_classes_that_do_not_exist_are_refused(wrong: list[int]) -> None:
    labels, right = np.array(wrong, int), np.zeros(len(wrong), int)
    for y, predicted in ((labels, right), (right, labels)):
        with pytest.raises(OptionError, match=r"must hold classes from 0 to 2; it is a int64 .*, (empty|from -?\d to \d)\."):
            classification_metrics(y, predicted, 3)
