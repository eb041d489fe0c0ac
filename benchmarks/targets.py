"""The goals of the compiled engine, and whether this run met them. Every figure comes from the run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.figures import (
    FOR_PYTHON,
    OTHERS,
    OURS,
    Found,
    against,
    best_peer,
    fit_overhead,
    fit_share,
    many,
    number,
    peak_share,
    race,
    ratios,
)
from benchmarks.workloads import MANY, WORKLOADS, Workload

CIRCLES_1, CIRCLES_10, CIRCLES_200, DIGITS, MNIST_64, MNIST_256 = WORKLOADS
SMALL = 10_000
"""Parameters up to which clearprop is to be the fastest of all."""
SETS: dict[str, tuple[tuple[str, ...], str]] = {
    "fastest of all": (OTHERS, "the fastest of all peers"),
    "best peer": (FOR_PYTHON, "the best library for Python"),
    "best but JAX": (tuple(peer for peer in FOR_PYTHON if peer != "JAX"), "the best library for Python but JAX"),
}
"""Goals against the best of several: the libraries, and what their best is called."""
REMARKS: dict[str, str] = {
    "time to 98 %: against scikit-learn's Adam loop": (
        "tried: both threads in Adam's update, its divisions made once for a number instead of for arrays, measuring in the"
        " kernel"
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

    @property
    def words(self) -> str:
        """What was measured and what was wanted, as a sentence."""
        bound = f"{number(self.wanted)} times" if self.unit == "x" else shown(self.wanted, self.unit)
        wanted = f"the goal is {'at most' if self.less else 'at least'} {bound}"
        if self.verdict == "not measured":
            return f"{self.workload}, {self.goal}: not measured; {wanted}."
        if self.unit == "x":
            return f"{self.workload}: {number(self.value)} times as fast as {self.goal.removeprefix('against ')}; {wanted}."
        return f"{self.workload}: {self.goal} {shown(self.value, self.unit)}; {wanted}."


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
    goals = [(w, 1.5, "fastest of all") for w in WORKLOADS if w.n_parameters <= SMALL] + goals
    steps = [of_steps(found, *goal) for goal in goals]
    ours = race(found, "clearprop")
    races = [
        Verdict("time to 98 %", f"against {peer}'s Adam loop", wanted, against(race(found, peer), ours))
        for peer, wanted in (("torch.nn", 2.5), ("scikit-learn", 6.0))
    ]
    warm = Verdict("warm fit of circles, 150 epochs", "beyond its kernel", 10.0, fit_overhead(found), "ms", less=True)
    whole = [Verdict(w.name, "fit against its kernel", 1.15, fit_share(found, w), "times", less=True) for w in WORKLOADS]
    return [*steps, *of_many(found), *races, *of_search(found), warm, *whole]


def of_search(found: Found) -> list[Verdict]:
    """Goals about a grid search on the digits: its time, and the best score of its cross-validation."""
    rows = {row["peer"]: row for row in found.get("search", [])}
    ours, theirs = rows.get("clearprop"), rows.get("scikit-learn")
    both = ours is not None and theirs is not None
    name = "grid search, 48 settings x 5 folds"
    faster = [theirs["seconds"] / ours["seconds"]] if both else []
    better = [ours["score"] - theirs["score"]] if both else []
    return [
        Verdict(name, "against scikit-learn's MLPClassifier", 20.0, np.array(faster)),
        Verdict(name, "best score beyond that of MLPClassifier", 0.0, np.array(better), "%"),
    ]


def of_many(found: Found) -> list[Verdict]:
    """Goals about many nets at once."""
    two, one = (many(found, f"clearprop, {threads}") for threads in ("two threads", "one thread"))
    return [
        Verdict(MANY.name, "against JAX's vmap", 10, against(many(found, "JAX, vmap"), two)),
        Verdict(f"{MANY.name}, two threads", "against one thread", 1.8, against(one, two)),
    ]


def of_steps(found: Found, workload: Workload, wanted: float, whom: str) -> Verdict:
    """A goal about the training step: a ratio to a library, or a share of the peak."""
    if whom == "peak":
        values, with_fit = (peak_share(found, workload, ours) for ours in OURS)
        return Verdict(workload.name, "share of the peak", wanted, values, "%", median_or_none(with_fit))
    if whom in SETS:
        among, name = SETS[whom]
        peer = best_peer(found, workload, among)
        goal = f"against {peer}, {name}" if peer else f"against {name}"
    else:
        peer, goal = whom, f"against {whom}"
    values, with_fit = (ratios(found, workload, peer or whom, ours) for ours in OURS)
    return Verdict(workload.name, goal, wanted, values, "x", median_or_none(with_fit))


def median_or_none(values: np.ndarray) -> float | None:
    return float(np.median(values)) if len(values) else None


def shown(value: float | None, unit: str) -> str:
    """A figure with its unit."""
    if value is None or np.isnan(value):
        return "-"
    if unit == "%":
        return f"{100 * value:.0f} %"
    return f"{value:.1f} ms" if unit == "ms" else f"{value:.2f}x" if unit == "times" else f"{number(value)}x"
