"""Estimators: networks with scikit-learn's interface."""

from clearprop.errors import MissingExtraError

try:
    from clearprop.estimator.net_classifier import NetClassifier
    from clearprop.estimator.net_regressor import NetRegressor
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "sklearn":
        raise
    raise MissingExtraError("The estimators need scikit-learn, which is not installed: pip install scikit-learn.") from None

__all__ = ["NetClassifier", "NetRegressor"]
