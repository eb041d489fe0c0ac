"""Cost of `fit` beside the kernel: circles, 200 examples to train and 200 to validate, 150 epochs at batch 10."""

from __future__ import annotations

import time
from typing import Any
from unittest import mock

import numpy as np

import clearprop as cp
from benchmarks.processes import apart
from clearprop.data.built_in import make_circles
from clearprop.engines.compiled import compiled_engine as compiled

EPOCHS, BATCH = 150, 10


def measure_fit(repeats: int) -> list[dict[str, Any]]:
    """Rows (round, milliseconds, kernel): a whole `fit`, and the part of it that its calls of the kernel took."""
    rows = apart(fit_often, repeats)
    spare = [row["milliseconds"] - row["kernel"] for row in rows]
    print(f"  fit beyond its kernel: {np.median(spare):.1f} ms", flush=True)
    return rows


def fit_often(repeats: int) -> list[dict[str, Any]]:
    X, y = make_circles(400, seed=0)
    X, rows = X.astype(np.float32), np.random.default_rng(0).permutation(400)
    train, val = (cp.data.Split(X[part], y[part]) for part in (rows[:200], rows[200:]))
    found = []
    for k in range(repeats + 1):  # the first one warms up
        net, spent = cp.mlp([2, 10, 2], hidden="tanh", seed=0), []
        with mock.patch.object(compiled, "run_in_threads", timed(compiled.run_in_threads, spent)):
            began = time.perf_counter()
            history = cp.fit(
                net, train, optimizer=cp.SGD(lr=0.1), batch_size=BATCH, epochs=EPOCHS, seed=0, engine="compiled", validation=val
            )
            seconds = time.perf_counter() - began
        assert len(history) == EPOCHS
        assert len(spent) == 2 * EPOCHS  # to train, and to evaluate
        found.append({"round": k - 1, "milliseconds": 1e3 * seconds, "kernel": 1e3 * sum(spent)})
    return found[1:]


def timed(function: Any, spent: list[float]) -> Any:
    """The function, which then appends the seconds of each call to a list."""

    def call(*args: Any) -> Any:
        began = time.perf_counter()
        result = function(*args)
        spent.append(time.perf_counter() - began)
        return result

    return call
