"""Trying: apply a remedy to a copy, train it from the same start, and compare."""

from __future__ import annotations

import math
from dataclasses import replace

from clearprop.doctor.changes import change
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Trial
from clearprop.doctor.problem import Problem
from clearprop.doctor.rules import Rule
from clearprop.doctor.watching import affordable, watch
from clearprop.errors import ClearpropError
from clearprop.training.history import Row


def attempt(problem: Problem, rule: Rule, finding: Finding, before: Chart) -> tuple[Finding, Chart | None]:
    """The finding with what its remedy did, and the chart of the cured run; the best option of the remedy is kept."""
    best: tuple[float, Trial, Chart] | None = None
    for changes in finding.remedy.options:
        try:
            cured = change(problem, changes)
        except (ClearpropError, ValueError, AssertionError):
            continue
        after = watch(cured, epochs=None if "epochs" in changes else affordable(problem))
        helped = rule.helped(before, after)
        trial = Trial(changes, curve(before), curve(after), helped, words(before, after, helped))
        key = (0.0 if helped else 1e6) + (after.final if math.isfinite(after.final) else 1e3)
        if best is None or key < best[0]:
            best = key, trial, after
    if best is None:
        return finding, None
    return replace(finding, trial=best[1]), best[2]


def curve(chart: Chart) -> list[Row]:
    """The scores of a run, one row an epoch."""
    keep = ("epoch", "train", "val", "accuracy", "val_accuracy")
    return [{k: row[k] for k in keep if k in row} for row in chart.rows("scores")]


def words(before: Chart, after: Chart, helped: bool) -> str:
    """What the remedy did, in a line."""
    scores = after.column("scores", "train")
    epochs = max(len(scores) - 1, 0)
    old = "refused" if before.rows("failure") else shown(before.final)
    text = f"loss {old} -> {shown(after.final)} in {epochs} epoch{'s' if epochs != 1 else ''}"
    for name, label in (("accuracy", "accuracy"), ("val", "validation loss")):
        a, b = before.column("scores", name), after.column("scores", name)
        if a and b and math.isfinite(a[-1]) and math.isfinite(b[-1]):
            text += f", {label} {a[-1]:.3g} -> {b[-1]:.3g}"
    return text if helped else f"{text}: did not help"


def shown(value: float) -> str:
    """A score, or that there was none."""
    return f"{value:.3f}" if math.isfinite(value) else "not finite"
