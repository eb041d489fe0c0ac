"""Cost of `fit` beside its kernel: a short run of circles, and a run of each workload that takes as long as a round."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np

import clearprop as cp
from benchmarks.peers.clearprop_kernel import make_net
from benchmarks.processes import apart
from benchmarks.workloads import Workload
from clearprop.data.built_in import make_circles
from clearprop.engines.compiled.session import Session

EPOCHS, BATCH = 150, 10
CIRCLES = "circles, 150 epochs"
Rows = list[dict[str, Any]]


def measure_fit(repeats: int, given: Iterable[Workload], seconds: float) -> Rows:
    """Rows (workload, round, milliseconds, kernel): a whole `fit`, and the part of it that its calls of the kernel took."""
    rows: Rows = apart(fit_circles, repeats)
    spare = [row["milliseconds"] - row["kernel"] for row in rows]
    print(f"  {CIRCLES}: fit beyond its kernel {np.median(spare):.1f} ms", flush=True)
    for workload in given:
        found = apart(fit_workload, workload, repeats, seconds)
        share = [row["milliseconds"] / row["kernel"] for row in found]
        print(f"  {workload.name}: fit takes {np.median(share):.3f} times as long as its kernel", flush=True)
        rows += found
    return rows


def fit_circles(repeats: int) -> Rows:
    """200 examples to train and 200 to validate, 150 epochs at batch 10; the first run warms up."""
    X, y = make_circles(400, seed=0)
    X, rows = X.astype(np.float32), np.random.default_rng(0).permutation(400)
    train, val = (cp.data.Split(X[part], y[part]) for part in (rows[:200], rows[200:]))
    found = []
    for k in range(repeats + 1):
        net = cp.mlp([2, 10, 2], hidden="tanh", seed=0)
        settings = {"optimizer": cp.SGD(lr=0.1), "batch_size": BATCH, "epochs": EPOCHS, "validation": val}
        found.append({"workload": CIRCLES, "round": k - 1, **timed_fit(net, train, **settings)})
    return found[1:]


def fit_workload(workload: Workload, repeats: int, seconds: float) -> Rows:
    """As many epochs as take about so many seconds; the first two runs warm up, and show how many these are."""
    data, epochs = workload.data(), 1
    settings = {"optimizer": cp.SGD(lr=workload.lr), "batch_size": workload.batch}
    for _ in range(2):
        once = timed_fit(make_net(workload, workload.start()), data, epochs=epochs, **settings)
        epochs = max(1, round(1e3 * epochs * seconds / once["milliseconds"]))
    found = []
    for k in range(repeats):
        net = make_net(workload, workload.start())
        found.append({"workload": workload.name, "round": k, **timed_fit(net, data, epochs=epochs, **settings)})
    return found


def timed_fit(net: cp.Net, data: Any, **settings: Any) -> dict[str, float]:
    """Milliseconds of a `fit`, and of its calls of the kernel."""
    with kernel_seconds() as spent:
        began = time.perf_counter()
        history = cp.fit(net, data, seed=0, engine="compiled", **settings)
        seconds = time.perf_counter() - began
    assert len(history) == settings["epochs"]
    assert spent
    return {"milliseconds": 1e3 * seconds, "kernel": 1e3 * sum(spent)}


@contextmanager
def kernel_seconds() -> Iterator[list[float]]:
    """A list to which each call of the kernel adds its seconds."""
    spent: list[float] = []
    plain = Session.run

    def run(self: Session) -> None:
        began = time.perf_counter()
        plain(self)
        spent.append(time.perf_counter() - began)

    with mock.patch.object(Session, "run", run):
        yield spent
