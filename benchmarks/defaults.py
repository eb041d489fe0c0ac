"""The defaults against scikit-learn's networks, on data sets of its own: `python -m benchmarks.defaults [NAME ...]`.

For each set, test accuracy or R2 in percent of `clearprop train FILE` with no option but the files, of scikit-learn's
MLPClassifier or MLPRegressor after a StandardScaler (with standardised targets), and of HistGradientBoosting. The defaults were
chosen on these sets; others are kept aside.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Examples = tuple[np.ndarray, np.ndarray]


def spiral(n: int = 900, noise: float = 0.3) -> Examples:
    """Points on two arms."""
    rng = np.random.default_rng(1)
    arm, t = rng.integers(2, size=n), rng.uniform(0.5, 3.2, n) * np.pi
    angle = t + np.pi * arm
    return np.column_stack([t * np.cos(angle), t * np.sin(angle)]) + noise * rng.normal(size=(n, 2)), arm


def checkerboard(n: int = 1500) -> Examples:
    """Squares of a board of four by four."""
    X = np.random.default_rng(2).uniform(0, 4, (n, 2))
    return X, np.floor(X).sum(axis=1).astype(int) % 2


def sets() -> dict[str, Callable[[], Any]]:
    from sklearn import datasets as d

    return {
        "spiral of two arms": spiral,
        "checkerboard": checkerboard,
        "moons": lambda: d.make_moons(800, noise=0.25, random_state=0),
        "iris": lambda: d.load_iris(return_X_y=True),
        "Gaussian quantiles": lambda: d.make_gaussian_quantiles(n_samples=1500, n_features=8, n_classes=4, random_state=0),
        "Hastie 10.2": lambda: d.make_hastie_10_2(2500, random_state=0),
        "4 of 30 inputs": lambda: d.make_classification(
            600, 30, n_informative=4, n_redundant=2, n_classes=3, flip_y=0.05, random_state=0
        ),
        "60 inputs, 150 rows": lambda: d.make_classification(210, 60, n_informative=15, n_clusters_per_class=3, random_state=3),
        "12 classes": lambda: d.make_classification(
            6000, 16, n_informative=12, n_classes=12, n_clusters_per_class=2, class_sep=1.2, random_state=1
        ),
        "friedman2": lambda: d.make_friedman2(1000, noise=50, random_state=0),
        "friedman3": lambda: d.make_friedman3(1000, noise=0.1, random_state=0),
        "linear": lambda: d.make_regression(400, 20, n_informative=8, noise=60, random_state=0),
        "uncorrelated": lambda: d.make_sparse_uncorrelated(600, 30, random_state=0),
    }


def parts(name: str) -> tuple[pd.DataFrame, pd.DataFrame, bool]:
    """Training and test rows as tables with the target y, and whether it is a class."""
    from sklearn.model_selection import train_test_split

    X, y = sets()[name]()
    classes = len(np.unique(y)) < 20
    labels = pd.Series(y).map(lambda value: f"c{value}") if classes else y
    table = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])]).assign(y=np.asarray(labels))
    share = 0.3 if len(X) < 500 else 0.15
    train, test = train_test_split(table, test_size=share, random_state=0, stratify=table["y"] if classes else None)
    return train, test, classes


def clearprop_score(train: pd.DataFrame, test: pd.DataFrame) -> tuple[float, float]:
    """Test accuracy or R2 in percent of the command line's defaults, and the seconds that training took."""
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder, "train.csv"), Path(folder, "test.csv")
        train.to_csv(paths[0], index=False)
        test.to_csv(paths[1], index=False)
        command = [sys.executable, "-m", "clearprop", "train", str(paths[0]), "--test-file", str(paths[1]), "--json"]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    figures = found["metrics"]["test"]
    return 100 * figures.get("r2", figures.get("accuracy", np.nan)), found["seconds"]


def other_scores(train: pd.DataFrame, test: pd.DataFrame, classes: bool) -> list[float]:
    """Test accuracy or R2 in percent of scikit-learn's network and of its gradient boosting."""
    import warnings

    from sklearn.compose import TransformedTargetRegressor
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    regressor = TransformedTargetRegressor(MLPRegressor(random_state=0), transformer=StandardScaler())
    models = (
        make_pipeline(StandardScaler(), MLPClassifier(random_state=0) if classes else regressor),
        HistGradientBoostingClassifier(random_state=0) if classes else HistGradientBoostingRegressor(random_state=0),
    )
    X, y, X_test, y_test = train.drop(columns="y"), train["y"], test.drop(columns="y"), test["y"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's network says that it has not converged
        return [100 * float(model.fit(X, y).score(X_test, y_test)) for model in models]


def main(names: list[str]) -> None:
    differences = []
    print(f"{'':22}{'clearprop':>10}{'MLP':>8}{'boosting':>10}{'seconds':>9}")
    for name in names or sets():
        train, test, classes = parts(name)
        own, seconds = clearprop_score(train, test)
        network, boosting = other_scores(train, test, classes)
        differences.append((own - network, own - boosting))
        print(f"{name:22}{own:10.1f}{network:8.1f}{boosting:10.1f}{seconds:9.1f}", flush=True)
    mean, worst = np.mean(differences, axis=0), np.min(differences, axis=0)
    print(f"against the network: mean {mean[0]:+.1f}, worst {worst[0]:+.1f}; against boosting: mean {mean[1]:+.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
