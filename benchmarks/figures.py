"""From rows to numbers: medians, spreads, and ratios that are taken within each round."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.peers import NATIVE, PEERS
from benchmarks.warm_fit import CIRCLES
from benchmarks.workloads import Workload

OURS = ("clearprop kernel", "clearprop fit")
OTHERS = tuple(peer for peer in PEERS if peer not in OURS)
FOR_PYTHON = tuple(peer for peer in OTHERS if peer not in NATIVE)
BOUND, MARK = 0.15, " †"
"""Interquartile range, as a share of the median, beyond which the repeats of a timing count as disturbed; and their mark.

For normal noise, the median of n repeats has a standard error of 1.25 / sqrt(n) standard deviations, and these are the
interquartile range over 1.35. So at the bound the median of 7 rounds is known to 5 %, and a ratio of two to 7 %, which is as
much as the goals can bear. Quiet machines stay at a third of the bound.
"""
Found = dict[str, Any]
"""Everything that was measured: lists of rows by kind, as written to the JSON file."""


def per_step(found: Found, workload: Workload, peer: str) -> np.ndarray:
    """Microseconds per step, one for each round; empty if the library was skipped."""
    rows = [r for r in found.get("steps", []) if r["workload"] == workload.name and r["peer"] == peer]
    return np.array([r["microseconds"] for r in sorted(rows, key=lambda r: r["round"])])


def ratios(found: Found, workload: Workload, peer: str, ours: str = OURS[0]) -> np.ndarray:
    """Time of the peer as a multiple of that of clearprop, in each round."""
    return against(per_step(found, workload, peer), per_step(found, workload, ours))


def against(theirs: np.ndarray, ours: np.ndarray) -> np.ndarray:
    """Ratios, round by round, for the rounds that both finished."""
    n = min(len(theirs), len(ours))
    return theirs[:n] / ours[:n]


def peak_share(found: Found, workload: Workload, peer: str = OURS[0]) -> np.ndarray:
    """Matrix-product operations per second, as a share of what one large product reaches, in each round."""
    spent = per_step(found, workload, peer)
    peak = np.array([r["gflops"] for r in found.get("peak", []) if r["workload"] == workload.name])
    return workload.flops / spent * 1e-3 / peak[: len(spent)]


def best_peer(found: Found, workload: Workload, among: tuple[str, ...] = OTHERS) -> str | None:
    """The fastest of some libraries, by its median; None if none was measured."""
    able = [peer for peer in among if len(per_step(found, workload, peer))]
    return min(able, key=lambda peer: float(np.median(per_step(found, workload, peer))), default=None)


def many(found: Found, peer: str) -> np.ndarray:
    """Microseconds per step and net of many nets, one for each round."""
    return np.array([r["microseconds"] for r in found.get("many", {}).get("steps", []) if r["peer"] == peer])


def race(found: Found, peer: str, what: str = "seconds") -> np.ndarray:
    """A column of the rows of "time to 98 %", one number for each round that succeeded."""
    return np.array([r[what] for r in found.get("races", []) if r["peer"] == peer and "reason" not in r])


def fit_overhead(found: Found) -> np.ndarray:
    """Milliseconds of the short `fit` of circles beyond its calls of the kernel, one for each repeat."""
    return np.array([r["milliseconds"] - r["kernel"] for r in fits(found, CIRCLES)])


def fit_share(found: Found, workload: Workload) -> np.ndarray:
    """Time of a `fit` as a multiple of that of its calls of the kernel, one for each repeat."""
    return np.array([r["milliseconds"] / r["kernel"] for r in fits(found, workload.name)])


def fits(found: Found, name: str) -> list[dict[str, Any]]:
    """The rows of the runs of `fit` whose kernel was timed."""
    return [r for r in found.get("warm_fit", []) if r["workload"] == name]


def disturbed(values: np.ndarray) -> bool:
    """Whether the middle half of the repeats spreads beyond the bound."""
    if len(values) == 0:
        return False
    q1, median, q3 = np.percentile(values, [25, 50, 75])
    return bool(q3 - q1 > BOUND * abs(median))


def marked(text: str, values: np.ndarray) -> str:
    """A figure, with the mark if its repeats were disturbed."""
    return text + MARK if disturbed(values) else text


def middle(values: np.ndarray, digits: int = 3) -> str:
    """Median, marked if the repeats were disturbed."""
    return marked(number(np.median(values), digits), values) if len(values) else "-"


def spread(values: np.ndarray, digits: int = 3) -> str:
    """Median (least to most), marked if the repeats were disturbed."""
    return marked(interval(values, digits), values)


def interval(values: np.ndarray, digits: int = 3) -> str:
    """Median (least to most)."""
    if len(values) == 0:
        return "-"
    return f"{number(np.median(values), digits)} ({number(values.min(), digits)} to {number(values.max(), digits)})"


def number(value: float, digits: int = 3) -> str:
    """Three significant digits, without exponents, as 1,230 or 0.182."""
    value = float(f"{value:.{digits}g}")
    decimals = max(0, digits - 1 - int(np.floor(np.log10(abs(value))))) if value else 0
    return f"{value:,.{decimals}f}"
