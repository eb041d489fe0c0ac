"""Estimators: networks with scikit-learn's interface."""

from clearprop.estimator.net_classifier import NetClassifier
from clearprop.estimator.net_regressor import NetRegressor

__all__ = ["NetClassifier", "NetRegressor"]
