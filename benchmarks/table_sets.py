"""Data sets for the defaults: those that they were chosen on, and others, on which they are only measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Examples = tuple[np.ndarray, np.ndarray]
FILES = {"letter": ("letter.arff",), "sonar": ("sonar.arff",), "satellite": ("sat.trn", "sat.tst")}
"""Public tables that are read from a folder if they lie there; the second file, if there is one, holds the test rows."""


def spiral(n: int = 900, arms: int = 2, noise: float = 0.3, seed: int = 1) -> Examples:
    """Points on some arms."""
    rng = np.random.default_rng(seed)
    arm, t = rng.integers(arms, size=n), rng.uniform(0.5, 3.2, n) * np.pi
    angle = t + 2 * np.pi * arm / arms
    return np.column_stack([t * np.cos(angle), t * np.sin(angle)]) + noise * rng.normal(size=(n, 2)), arm


def checkerboard(n: int = 1500) -> Examples:
    """Squares of a board of four by four."""
    X = np.random.default_rng(2).uniform(0, 4, (n, 2))
    return X, np.floor(X).sum(axis=1).astype(int) % 2


def clusters(n: int = 2000, k: int = 25) -> Examples:
    """Points around k centres in the plane, each a class of its own, which overlap."""
    from sklearn.datasets import make_blobs

    X, y = make_blobs(n, centers=k, n_features=2, cluster_std=0.75, random_state=4)
    return X, y


def tuned_on() -> dict[str, Callable[[], Any]]:
    """Sets on which the defaults were chosen."""
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


def kept_aside() -> dict[str, Callable[[], Any]]:
    """Sets on which the defaults are measured, but were not chosen."""
    from sklearn import datasets as d

    return {
        "wine": lambda: d.load_wine(return_X_y=True),
        "breast cancer": lambda: d.load_breast_cancer(return_X_y=True),
        "digits, 8 x 8": lambda: d.load_digits(return_X_y=True),
        "diabetes": lambda: d.load_diabetes(return_X_y=True),
        "friedman1": lambda: d.make_friedman1(1000, noise=1.0, random_state=0),
        "50 inputs, 5 matter": lambda: d.make_classification(
            1000, 50, n_informative=5, n_redundant=0, n_clusters_per_class=3, flip_y=0.02, random_state=7
        ),
        "25 clusters in the plane": clusters,
        "spiral of three arms": lambda: spiral(900, arms=3, noise=0.2, seed=5),
        "circles": lambda: d.make_circles(600, noise=0.12, factor=0.6, random_state=2),
        "swiss roll": lambda: d.make_swiss_roll(1200, noise=0.5, random_state=3),
    }


def stand_ins() -> dict[str, Callable[[], Any]]:
    """Generated sets of the shapes of the public tables, for where these are not at hand."""
    from sklearn.datasets import make_classification as make

    return {
        "letter": lambda: make(
            20_000, 16, n_informative=14, n_redundant=2, n_classes=26, n_clusters_per_class=3, class_sep=1.6, random_state=11
        ),
        "sonar": lambda: make(208, 60, n_informative=12, n_redundant=20, n_clusters_per_class=2, random_state=12),
        "satellite": lambda: make(
            6435, 36, n_informative=10, n_redundant=20, n_classes=6, n_clusters_per_class=2, class_sep=1.3, random_state=13
        ),
    }


def table_of(X: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    """A table with the inputs x0, x1, ... and the target y."""
    labels = [f"c{value}" for value in y] if holds_classes(y) else y
    return pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])]).assign(y=np.asarray(labels))


def holds_classes(y: np.ndarray) -> bool:
    """Whether a target is a class."""
    return len(np.unique(y)) <= 26


def public_table(paths: list[Path]) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """A public table as numbers and a class, and its test rows if these have a file of their own."""
    from clearprop.data.table_files import read_frame
    from clearprop.data.table_options import TableOptions

    frames = []
    for path in paths:
        frame = read_frame(path, TableOptions()).frame
        y = frame.iloc[:, -1].astype(str).radd("c")
        inputs = frame.iloc[:, :-1].set_axis([f"x{i}" for i in range(frame.shape[1] - 1)], axis=1)
        frames.append(inputs.assign(y=y))
    return frames[0], frames[1] if len(frames) > 1 else None
