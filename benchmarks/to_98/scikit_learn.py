"""scikit-learn: `MLPClassifier`, epoch by epoch through `partial_fit`, so that the test images can be evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.mnist_files import read_mnist
from benchmarks.to_98 import BATCH, LR, SIZES


def accuracies(folder: Path, seed: int, goal: float, cap: int) -> Iterator[float]:
    X, y, X_test, y_test = read_mnist(folder)
    model = MLPClassifier(SIZES[1:-1], batch_size=BATCH, learning_rate_init=LR, alpha=0.0, random_state=seed)
    for _ in range(cap):
        model.partial_fit(X, y, classes=np.arange(SIZES[-1]))
        yield float(model.score(X_test, y_test))
