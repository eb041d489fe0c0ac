"""Treating: apply a remedy to a copy of the run, train it from the same start, and compare."""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

from clearprop.doctor.case import Case
from clearprop.doctor.changes import change
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Treatment, counted
from clearprop.doctor.rules import Rule
from clearprop.doctor.rules.rule import val_improved
from clearprop.doctor.watching import affordable, watch
from clearprop.errors import ClearpropError
from clearprop.training.history import Row


class Subject(ABC):
    """A run that remedies can be tried on: clearprop's or PyTorch's."""

    @abstractmethod
    def under(self, changes: dict[str, Any]) -> Chart:
        """The chart of a copy with these changes, trained from the same start.

        Raises
        ------
        ClearpropError
            If they cannot be carried out on such a run.
        """


@dataclass(frozen=True, eq=False)
class CaseSubject(Subject):
    """A case of clearprop's."""

    case: Case

    def under(self, changes: dict[str, Any]) -> Chart:
        """The chart of the changed case; of a long run only the first epochs, unless the epochs are the change."""
        return watch(change(self.case, changes), epochs=None if "epochs" in changes else affordable(self.case))


def attempt(subject: Subject, changes: dict[str, Any]) -> Chart | None:
    """The chart under these changes, or None if they cannot be carried out."""
    try:
        return subject.under(changes)
    except (ClearpropError, ValueError, AssertionError):
        return None


MOST_COMBINED, MOST_COMBINATIONS = 3, 6  # suspects that are combined, and combinations that are tried
LONG = 4000  # steps that a combination may take; a shorter run is made up to ten times as long in it


def treat(subject: Subject, rule: Rule, finding: Finding, before: Chart) -> tuple[Finding, Chart | None]:
    """The finding with what its remedy did, and the chart of the cured run; the best option of the remedy is kept."""
    best: tuple[float, Treatment, Chart] | None = None
    for changes in finding.remedy.options:
        after = attempt(subject, changes)
        if after is None:
            continue
        treatment = compared(rule, changes, before, after)
        key = (0.0 if treatment.helped else 1e6) + (after.final if math.isfinite(after.final) else 1e3)
        if best is None or key < best[0]:
            best = key, treatment, after
    if best is None:
        return finding, None
    return replace(finding, treatment=best[1]), best[2]


def learned_nothing(chart: Chart, share: float = 0.97) -> bool:
    """Whether the run ends no better than the best constant: at this share of its score, or above."""
    return math.isfinite(chart.base) and len(chart.column("scores", "train")) > 1 and not chart.final < share * chart.base


def learned_little(chart: Chart) -> bool:
    """Whether the run ends hardly better than the best constant, where a single remedy need not show."""
    return learned_nothing(chart, 0.85)


def combine(subject: Subject, suspects: list[Finding], before: Chart) -> tuple[Finding, ...]:
    """Findings whose remedies help together where none helps alone; empty if no two do, with more epochs or without."""
    tried = [finding for finding in suspects if finding.treatment is not None][:MOST_COMBINED]
    epochs, steps = (int(before.one("settings").get(name, 1)) for name in ("epochs", "steps"))
    more = min(10, LONG // max(steps, 1))
    longer = {"epochs": more * epochs} if more > 1 else {}
    groups = [(one,) for one in tried if longer and "epochs" not in options(one)] + list(itertools.combinations(tried, 2))
    best: tuple[float, tuple[Finding, ...]] | None = None
    for group in groups[:MOST_COMBINATIONS]:
        changes: dict[str, Any] = {}
        for finding in group:
            changes |= {name: value for name, value in options(finding).items() if name not in changes}
        changes |= {name: value for name, value in longer.items() if name not in changes}
        after = attempt(subject, changes)
        if after is None or not (after.final < 0.7 * before.base and val_improved(before, after, 0.95)):
            continue  # a longer run may only learn its examples by heart
        if best is not None and best[0] <= after.final:
            continue
        treatment = Treatment(changes, curve(before), curve(after), True, words(before, after, True))
        best = after.final, together(group, treatment)
    return () if best is None else best[1]


def options(finding: Finding) -> dict[str, Any]:
    """The changes that were tried for a finding."""
    return {} if finding.treatment is None else finding.treatment.changes


def together(group: tuple[Finding, ...], treatment: Treatment) -> tuple[Finding, ...]:
    """Findings that are cured together: the first in the order of causes leads, and its remedy names the others'."""
    first, *others = sorted(group, key=lambda finding: finding.tier)
    more = [finding.remedy.words for finding in others]
    if "epochs" in treatment.changes:
        more.append(f"train longer ({treatment.changes['epochs']} epochs)")
    lead = replace(first, remedy=replace(first.remedy, words="; and ".join([first.remedy.words, *more])), treatment=treatment)
    return lead, *(replace(finding, follows=first.slug, treatment=treatment) for finding in others)


def compared(rule: Rule, changes: dict[str, object], before: Chart, after: Chart) -> Treatment:
    """The treatment that turned one run into the other."""
    helped = rule.helped(before, after)
    text = rule.figure(before, after)
    text = f"{text}{'' if helped else ': did not help'}" if text else words(before, after, helped)
    return Treatment(changes, curve(before), curve(after), helped, text)


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
    if not math.isfinite(value):
        return "not finite"
    return f"{value:.3f}" if abs(value) < 1e4 else f"{value:.3g}"
