"""Every check that scikit-learn has for an estimator."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from clearprop.estimator import NetClassifier, NetRegressor

QUICK = {"epochs": 60}
WHOLE = {"batch_size": None, "dtype": "float64", "epochs": 60, "lr": 0.02}  # one batch: weights are repetitions
DRAWN = "Batches are drawn at random, so that leaving out a row, or repeating one, changes the other batches."


def failing(estimator):
    """Checks that cannot pass, with the reason."""
    if estimator.batch_size is None:
        return {}
    return {
        "check_sample_weight_equivalence_on_dense_data": DRAWN,
        "check_sample_weight_equivalence_on_sparse_data": DRAWN,
    }


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [
        NetClassifier(**QUICK),
        NetRegressor(**QUICK),
        NetClassifier(**WHOLE),
        NetRegressor(**WHOLE),
        NetClassifier(**QUICK, early_stopping=True),
        NetRegressor(**QUICK, ensemble=2),
    ],
    expected_failed_checks=failing,
)
def test_scikit_learn(estimator, check):
    check(estimator)
