"""The diagnosis: what is wrong with a training run, cause first, each with the proof of its remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from clearprop.arguments import checked
from clearprop.arrays import Array
from clearprop.data.batches import Order, Remainder
from clearprop.data.dataset import Dataset, Split
from clearprop.doctor.case import Case, case_of, freeze
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding
from clearprop.doctor.monitor import Level
from clearprop.doctor.rules import RULES, Rule
from clearprop.doctor.treating import CaseSubject, Subject, combine, learned_little, learned_nothing, shown, treat
from clearprop.doctor.watching import watch
from clearprop.nn import LOSSES, Loss, Net
from clearprop.optim import OPTIMIZERS, Optimizer
from clearprop.training import FitSettings, History
from clearprop.training.history import Row

HEALTHY, FOUND, UNKNOWN = 0, 1, 2  # exit status of the command
TREATMENTS = 8  # remedies that are tried at most
NOTHING = 0.9  # share of the best constant's score from which on a run is not called healthy
OUTCOMES = 4.0  # tier from which on findings are outcomes, and no causes
APART = ("split-overlap", "scaler-leak", "wrong-metric")  # cured by definition, whatever is learned


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """The verdict on a training run.

    Attributes
    ----------
    findings : tuple of Finding
        The root cause first; one that follows from another stands somewhere below it, and names it in `follows`.
    dropped : tuple of Finding
        Findings that were considered and dropped, as their remedy did not help.
    chart : Chart
        Measurements of the run.
    unknown : str
        Reason why nothing can be said; empty otherwise.
    """

    findings: tuple[Finding, ...]
    chart: Chart
    dropped: tuple[Finding, ...] = ()
    unknown: str = ""

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings and not self.unknown

    @property
    def status(self) -> int:
        """Exit status of the command: 0 healthy, 1 something was found, 2 undecided."""
        return FOUND if self.findings else (UNKNOWN if self.unknown else HEALTHY)

    def to_json(self) -> dict[str, Any]:
        """JSON-able: `healthy`, `findings`, `dropped` (slugs), `unknown`, and `scores`, the curve of the run."""
        found: dict[str, Any] = json_safe(
            {
                "healthy": self.healthy,
                "unknown": self.unknown,
                "findings": [asdict(finding) | {"more": finding.more} for finding in self.findings],
                "dropped": [finding.slug for finding in self.dropped],
                "scores": self.chart.rows("scores"),
            }
        )
        return found

    def __str__(self) -> str:
        if self.unknown:
            return f"undecided: {self.unknown}"
        if not self.findings:
            others = ", ".join(finding.slug for finding in self.dropped if finding.treatment is not None)
            untried = ", ".join(finding.slug for finding in self.dropped if finding.treatment is None)
            also = [f"the remedy did not help: {others}"] * bool(others) + [f"could not be tried: {untried}"] * bool(untried)
            return "healthy" + (f" (also considered; {'; '.join(also)})" if also else "")
        parts = []
        for finding in self.findings:
            text = str(finding)
            if finding.follows:
                text = f"follows from {finding.follows}: " + f"{finding.slug}: {finding.sentence}"
            parts.append(text)
        return "\n".join(parts)

    __repr__ = __str__


def json_safe(value: Any) -> Any:
    """`value` in terms of strict JSON: NumPy scalars as Python's, NaN and infinities as texts."""
    if isinstance(value, dict):
        return {str(key): json_safe(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_safe(item) for item in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else str(float(value))
    return value


@checked
def diagnose(
    net: Net,
    data: Dataset | Split | tuple[Array, Array],
    history: History | Sequence[Row] | None = None,
    *,
    loss: Loss | str = "cross_entropy",
    optimizer: Optimizer | str = "sgd",
    batch_size: int | None = 32,
    epochs: int = 10,
    seed: int | np.random.Generator = 0,
    order: Order = "shuffle",
    remainder: Remainder = "keep",
    validation: Split | tuple[Array, Array] | None = None,
    metric: str = "",
    level: Level = "full",
    frozen: Sequence[int] = (),
) -> Diagnosis:
    """Say what is wrong with a training run, and prove it.

    A copy of the run is trained again and watched. For whatever looks wrong, the remedy is applied to another copy, which is
    trained from the same start; a finding whose remedy does not help is dropped, unless it is a plain fact.

    Parameters
    ----------
    net : Net
        As it was *before* its first step: build it again from its seed, if it has been trained.
    data : Dataset, Split, or pair (X, y)
    history : History or list of dict, optional
        History of the run as it went; kept in the chart beside what was measured.
    loss, optimizer, batch_size, epochs, seed, order, remainder, validation
        As they were given to `fit`.
    metric : str, optional
        The figure by which the run is judged: "accuracy", "r2", "rmse", ...
    level : {"full", "cheap"}
        With "full", each of the first steps is measured, and inputs are compared with targets; with "cheap", only the ends of
        the epochs are.
    frozen : sequence of int
        Numbers of the layers, from 1, that keep the parameters they have, on purpose.

    Returns
    -------
    Diagnosis
        Printed, it is the verdict.

    Raises
    ------
    UnknownNameError
        If a name or word is not known.
    OptionError
        If there is no layer of such a number.

    Examples
    --------
    >>> import clearprop as cp
    >>> data = cp.data.load("circles", seed=0)
    >>> net = cp.mlp([2, 10, 2], hidden="tanh", init="zeros")
    >>> diagnose(net, data, optimizer=cp.SGD(0.1), epochs=3).findings[0].slug
    'constant-initialisation'
    """
    settings = FitSettings(batch_size, epochs, seed, order, remainder)
    case = case_of(
        net, data, validation, loss=LOSSES.make(loss), optimizer=OPTIMIZERS.make(optimizer), settings=settings, metric=metric
    )
    freeze(case.net, frozen)
    return examine(case, level, history=history)


@checked
def examine(
    case: Case,
    level: Level = "full",
    chart: Chart | None = None,
    history: History | Sequence[Row] | None = None,
) -> Diagnosis:
    """The diagnosis of a case, from a chart of its run if there is one already."""
    chart = watch(case, level) if chart is None else chart
    if history is not None:
        chart.add("history", [dict(row) for row in history])
    return judge(CaseSubject(case), chart)


def judge(subject: Subject, chart: Chart) -> Diagnosis:
    """The diagnosis of a run that was watched, with the remedy of each suspicion tried on copies."""
    found = suspicions(chart)
    if not found and chart.rows("failure"):
        return Diagnosis((), chart, unknown=str(chart.one("failure")["words"]))
    pointless = [finding for _, finding in found if finding.evidence.get("degenerate")]
    if pointless:  # no loss can be compared with that of a constant which is always right
        return Diagnosis(tuple(pointless), chart)
    kept: list[Finding] = []
    dropped: list[Finding] = []
    treatments = 0
    while found:
        rule, finding = found.pop(0)
        cured = None
        if treatments < TREATMENTS and finding.remedy.options:
            treatments += 1
            finding, cured = treat(subject, rule, finding, chart)
        if not finding.helped and not finding.certain:
            dropped.append(finding)
            continue
        kept.append(finding)
        if finding.helped and cured is not None:
            found, following = explained(found, finding, cured)
            kept += following
    return concluded(subject, chart, kept, dropped)


def concluded(subject: Subject, chart: Chart, kept: list[Finding], dropped: list[Finding]) -> Diagnosis:
    """The verdict: by evidence; and where next to nothing was learned and no remedy helps alone, what several do together."""
    cured = any(finding.helped and finding.slug not in APART for finding in kept)
    if learned_little(chart) and not cured:
        both = combine(subject, [*(finding for finding in kept if not finding.helped), *dropped], chart)
        slugs = {finding.slug for finding in both}
        kept = [*both, *(finding for finding in kept if finding.slug not in slugs)]
        dropped = [finding for finding in dropped if finding.slug not in slugs]
        if not kept and learned_nothing(chart, NOTHING):
            tried = ", ".join(finding.slug for finding in dropped if finding.treatment is not None)
            return Diagnosis(
                (), chart, tuple(dropped),
                unknown=f"the run learned next to nothing: it ends at a loss of {shown(chart.final)}, and the best constant has"
                f" {shown(chart.base)}; " + (f"no remedy that was tried helped ({tried})" if tried else "no rule says why"),
            )  # fmt: skip
    return Diagnosis(tuple(by_evidence(kept)), chart, tuple(dropped))


def by_evidence(kept: list[Finding]) -> list[Finding]:
    """Causes whose trial cured before those whose trial did not, outcomes last; each with what follows from it below.

    A fact whose remedy nobody can try, such as a gradient that is cut off, keeps its place in the order of causes.
    """
    roots = [finding for finding in kept if not finding.follows]
    roots.sort(
        key=lambda finding: (finding.tier >= OUTCOMES, finding.treatment is not None and not finding.helped, finding.tier)
    )
    grouped = [[root, *(finding for finding in kept if finding.follows == root.slug)] for root in roots]
    return [finding for group in grouped for finding in group]


def suspicions(chart: Chart) -> list[tuple[Rule, Finding]]:
    """All that the rules find, causes first."""
    pairs = [(rule, rule.find(chart)) for rule in RULES]
    found = [(rule, finding) for rule, finding in pairs if finding is not None]
    slugs = {finding.slug for _, finding in found}
    return sorted(found, key=lambda pair: (pair[1].tier + 10 * bool(slugs & set(pair[1].because)), pair[1].slug))


def explained(
    found: list[tuple[Rule, Finding]], root: Finding, cured: Chart
) -> tuple[list[tuple[Rule, Finding]], list[Finding]]:
    """Those that a root does not explain, and those that it does: they are gone in the run that its remedy cured."""
    rest: list[tuple[Rule, Finding]] = []
    following: list[Finding] = []
    for rule, finding in found:
        if (not finding.certain or root.slug in finding.because) and rule.find(cured) is None:
            following.append(replace(finding, follows=root.slug))
        else:
            rest.append((rule, finding))
    return rest, following
