"""Duration of a gradient check of 784-300-10. Limits, on two cores: 10 s for the full check, 0.1 s for projections."""

from __future__ import annotations

import time

import numpy as np

import clearprop as cp
from clearprop.gradcheck import check

RUNS = 5


def seconds(net: cp.Net, data: tuple[np.ndarray, np.ndarray], method: str, runs: int) -> float:
    """The median time of a check."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        report = check(net, data, cp.CrossEntropy(), method=method)
        times.append(time.perf_counter() - started)
        assert report.ok, report
    return float(np.median(times))


def main() -> None:
    """A row for each activation and method."""
    rng = np.random.default_rng(0)
    X = rng.random((64, 784)) * (rng.random((64, 784)) > 0.8)  # as sparse as a digit
    data = X, rng.integers(10, size=64)
    print(f"{'784-300-10':<12}{'method':<12}{'seconds':>8}")
    for hidden in ("sigmoid", "tanh", "relu"):
        net = cp.mlp([784, 300, 10], hidden=hidden)
        for method in ("projection", "auto", "full"):
            print(f"{hidden:<12}{method:<12}{seconds(net, data, method, 1 if method == 'full' else RUNS):>8.3f}")


if __name__ == "__main__":
    main()
