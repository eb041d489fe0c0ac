"""Growth of time and memory with the examples, the width, the depth and the batch: each point in a fresh process."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import numpy as np

import clearprop as cp
from benchmarks.processes import apart
from clearprop.arrays import Array
from clearprop.engines import ENGINES

N_X, N_Y, WIDTH, EXAMPLES, BATCH = 64, 10, 64, 4096, 32
AXES = {
    "examples": (1024, 4096, 16384, 65536, 262144),
    "width": (16, 32, 64, 128, 256, 512, 1024, 2048),
    "depth": (1, 2, 4, 8, 16, 32),
    "batch": (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024),
}
"""What varies, and how; the rest stays at 64-64-10, 4096 examples, batch 32. Depth counts hidden layers."""
TAIL = 3  # the exponent is that of the last points, where what is constant no longer shows


def measure_scaling(quick: bool) -> list[dict[str, Any]]:
    """Rows (axis, value, seconds of an epoch, mib of arrays at most)."""
    rows = []
    for axis, values in AXES.items():
        for value in values[:4] if quick else values:
            rows.append({"axis": axis, "value": value, **apart(point, axis, value, 0.02 if quick else 0.3)})
        print(f"  {axis}: seconds ~ {axis}^{exponent(rows, axis, 'seconds'):.2f}", flush=True)
    return rows


def point(axis: str, value: int, budget: float) -> dict[str, float]:
    """One measurement: the median epoch of those that fit into the budget."""
    n = value if axis == "examples" else EXAMPLES
    hidden = [WIDTH] * value if axis == "depth" else [value if axis == "width" else WIDTH]
    batch = value if axis == "batch" else BATCH
    seconds = epoch_seconds([N_X, *hidden, N_Y], n, batch, budget)
    tracemalloc.start()  # which slows Python down, but counts every array, where the process's pages are too coarse
    epoch_seconds([N_X, *hidden, N_Y], n, batch, 0.0)
    return {"seconds": seconds, "mib": tracemalloc.get_traced_memory()[1] / 2**20}


def epoch_seconds(sizes: list[int], n: int, batch: int, budget: float) -> float:
    rng = np.random.default_rng(0)
    X, y = rng.random((n, sizes[0]), np.float32), rng.integers(sizes[-1], size=n)
    net, engine = cp.mlp(sizes, hidden="relu", seed=0), ENGINES.make("compiled")
    loss, optimizer, times = cp.CrossEntropy(), cp.SGD(lr=0.01), []
    while len(times) < 4 or sum(times) < budget:
        began = time.perf_counter()
        engine.train_epoch(net, loss, optimizer, X, y, rng.permutation(n), batch)
        times.append(time.perf_counter() - began)
    return float(np.median(times[1:]))


def curve(rows: list[dict[str, Any]], axis: str, what: str) -> tuple[Array, Array]:
    """The values of an axis, and the measurements."""
    found = [(row["value"], row[what]) for row in rows if row["axis"] == axis]
    return np.array([v for v, _ in found], float), np.array([m for _, m in found], float)


def exponent(rows: list[dict[str, Any]], axis: str, what: str) -> float:
    """k of value^k, by least squares through the logarithms of the last points."""
    x, y = (points[-TAIL:] for points in curve(rows, axis, what))
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
