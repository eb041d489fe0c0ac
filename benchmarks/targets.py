"""The goals of the compiled engine, and whether this run met them. Every figure comes from the run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.figures import OURS, Found, against, best_peer, fit_overhead, number, peak_share, race, ratios
from benchmarks.workloads import WORKLOADS, Workload

CIRCLES_1, CIRCLES_10, CIRCLES_200, DIGITS, MNIST_64, MNIST_256 = WORKLOADS
REMARKS: dict[str, str] = {
    "time to 98 %: against scikit-learn's Adam loop": (
        "with every matrix product at the measured peak, as many epochs, reading the files and loading the kernel would still"
        " take more than a sixth of scikit-learn's time; tried: both threads in Adam's update, its divisions made once for a"
        " number instead of for arrays, measuring in the kernel"
    ),
}
"""For a goal that is missed, by its text: the reason, and what was tried. Shown only beside goals that a run missed."""


@dataclass(frozen=True)
class Verdict:
    """One goal, and its outcome.

    Attributes
    ----------
    workload, goal, unit : str
    wanted : float
    values : array
        One for each round.
    with_fit : float or None
        The same with all that `fit` does, where the goal is about the bare step.
    less : bool
        Whether less is better.
    """

    workload: str
    goal: str
    wanted: float
    values: np.ndarray
    unit: str = "x"
    with_fit: float | None = None
    less: bool = False

    @property
    def value(self) -> float:
        return float(np.median(self.values)) if len(self.values) else float("nan")

    @property
    def verdict(self) -> str:
        if np.isnan(self.value):
            return "not measured"
        return "met" if (self.value <= self.wanted if self.less else self.value >= self.wanted) else "missed"

    @property
    def remark(self) -> str:
        return REMARKS.get(f"{self.workload}: {self.goal}", "") if self.verdict == "missed" else ""


def verdicts(found: Found) -> list[Verdict]:
    """All goals, in the order of the table."""
    goals: list[tuple[Workload, float, str]] = [
        (CIRCLES_1, 5, "JAX"), (CIRCLES_1, 80, "NumPy"), (CIRCLES_1, 500, "torch.nn"),
        (CIRCLES_10, 6, "JAX"), (CIRCLES_10, 100, "torch.nn"),
        (CIRCLES_200, 4, "best peer"),
        (DIGITS, 5, "JAX"), (DIGITS, 8, "best but JAX"),
        (MNIST_64, 1.3, "torch by hand"), (MNIST_64, 2, "JAX"), (MNIST_64, 2, "torch.nn"), (MNIST_64, 0.60, "peak"),
        (MNIST_256, 1.3, "best peer"), (MNIST_256, 0.70, "peak"),
    ]  # fmt: skip
    steps = [of_steps(found, *goal) for goal in goals]
    ours = race(found, "clearprop")
    races = [
        Verdict("time to 98 %", f"against {peer}'s Adam loop", wanted, against(race(found, peer), ours))
        for peer, wanted in (("torch.nn", 2.5), ("scikit-learn", 6.0))
    ]
    warm = Verdict("warm fit of circles, 150 epochs", "beyond its kernel", 10.0, fit_overhead(found), "ms", less=True)
    return [*steps, *races, warm]


def of_steps(found: Found, workload: Workload, wanted: float, whom: str) -> Verdict:
    """A goal about the training step: a ratio to a library, or a share of the peak."""
    if whom == "peak":
        with_fit = float(np.median(peak_share(found, workload, OURS[1])))
        return Verdict(workload.name, "share of the peak", wanted, peak_share(found, workload), "%", with_fit)
    peer = best_peer(found, workload, ("JAX",) if whom == "best but JAX" else ()) if whom.startswith("best") else whom
    goal = f"against {peer}" + {"best peer": ", the best peer", "best but JAX": ", the best but JAX"}.get(whom, "")
    values, with_fit = (of(found, workload, peer) for of in (ratios, with_all_of_fit))
    return Verdict(workload.name, goal, wanted, values, "x", float(np.median(with_fit)) if len(with_fit) else None)


def with_all_of_fit(found: Found, workload: Workload, peer: str) -> np.ndarray:
    return ratios(found, workload, peer, OURS[1])


def shown(value: float | None, unit: str) -> str:
    """A figure with its unit."""
    if value is None or np.isnan(value):
        return "-"
    if unit == "%":
        return f"{100 * value:.0f} %"
    return f"{value:.1f} ms" if unit == "ms" else f"{number(value)}x"
