"""Treating: apply a remedy to a copy of the case, train it from the same start, and compare."""

from __future__ import annotations

import math
from dataclasses import replace

from clearprop.doctor.case import Case
from clearprop.doctor.changes import change
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Treatment, counted
from clearprop.doctor.rules import Rule
from clearprop.doctor.watching import affordable, watch
from clearprop.errors import ClearpropError
from clearprop.training.history import Row


def treat(case: Case, rule: Rule, finding: Finding, before: Chart) -> tuple[Finding, Chart | None]:
    """The finding with what its remedy did, and the chart of the cured run; the best option of the remedy is kept."""
    best: tuple[float, Treatment, Chart] | None = None
    for changes in finding.remedy.options:
        try:
            cured = change(case, changes)
        except (ClearpropError, ValueError, AssertionError):
            continue
        after = watch(cured, epochs=None if "epochs" in changes else affordable(case))
        treatment = compared(rule, changes, before, after)
        key = (0.0 if treatment.helped else 1e6) + (after.final if math.isfinite(after.final) else 1e3)
        if best is None or key < best[0]:
            best = key, treatment, after
    if best is None:
        return finding, None
    return replace(finding, treatment=best[1]), best[2]


def compared(rule: Rule, changes: dict[str, object], before: Chart, after: Chart) -> Treatment:
    """The treatment that turned one run into the other."""
    helped = rule.helped(before, after)
    return Treatment(changes, curve(before), curve(after), helped, words(before, after, helped))


def curve(chart: Chart) -> list[Row]:
    """The scores of a run, one row an epoch."""
    keep = ("epoch", "train", "val", "accuracy", "val_accuracy")
    return [{k: row[k] for k in keep if k in row} for row in chart.rows("scores")]


def words(before: Chart, after: Chart, helped: bool) -> str:
    """The effect of the remedy, in a line."""
    scores = after.column("scores", "train")
    old = "refused" if before.rows("failure") else shown(before.final)
    text = f"loss {old} -> {shown(after.final)} in {counted(max(len(scores) - 1, 0), 'epoch')}"
    for name, label in (("accuracy", "accuracy"), ("val", "validation loss")):
        a, b = before.column("scores", name), after.column("scores", name)
        if a and b and math.isfinite(a[-1]) and math.isfinite(b[-1]):
            text += f", {label} {a[-1]:.3g} -> {b[-1]:.3g}"
    return text if helped else f"{text}: did not help"


def shown(value: float) -> str:
    """A score, or that there was none."""
    return f"{value:.3f}" if math.isfinite(value) else "not finite"
