"""The rule: reads the chart of a run, and says whether one particular thing is wrong with it.

Below the rule stands what several of them ask of a chart.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from clearprop.doctor.causes import CAUSES
from clearprop.doctor.chart import Chart
from clearprop.doctor.finding import Finding, Remedy
from clearprop.training.history import Row


class Rule(ABC):
    """One thing that may be wrong.

    Attributes
    ----------
    slug : str
        Name of its findings, in the table of causes and in the explanations.
    certain : bool
        Whether a finding is a fact, to be told whatever its remedy does. All others are told only if the remedy helps.
    """

    slug: str
    certain = False

    @abstractmethod
    def find(self, chart: Chart) -> Finding | None:
        """The finding, or None if this is not wrong."""

    def helped(self, before: Chart, after: Chart) -> bool:
        """Whether a remedy worked; by default, that the run is clearly better."""
        return improved(before, after)

    def figure(self, before: Chart, after: Chart) -> str:
        """The figures by which a remedy is judged, where they are not the losses."""
        return ""

    def finding(self, sentence: str, why: str, remedy: Remedy, when: str = "", **rest: Any) -> Finding:
        """A finding of this rule; `when` chooses its row in the table of causes."""
        cause = CAUSES[self.slug, when]
        rest.setdefault("certain", self.certain)
        return Finding(self.slug, sentence, why=why, remedy=remedy, because=cause.because, tier=cause.tier, **rest)


def improved(before: Chart, after: Chart, need: float = 0.9) -> bool:
    """Whether the last score, or the mean over the epochs, fell to less than `need` times what it was.

    Two hundredths of the best constant's score are added to both, as nobody minds whether a loss is 0.002 or 0.001.
    """
    if after.rows("failure") or not math.isfinite(after.final):
        return False
    floor = max(0.02 * (before.base if math.isfinite(before.base) else 1.0), 1e-6)
    if not math.isfinite(before.final):
        return after.final < max(after.base, floor)
    return ratio(before.final, after.final, floor) < need or (
        ratio(area(before), area(after), floor) < need and ratio(before.final, after.final, floor) < 1.05
    )


def val_improved(before: Chart, after: Chart, need: float, without: bool = True) -> bool:
    """Whether the validation score fell to less than `need` times what it was; `without` where there is none."""
    a, b = before.column("scores", "val"), after.column("scores", "val")
    return b[-1] < need * a[-1] if a and b else without


def ratio(before: float, after: float, floor: float) -> float:
    """After / before, with the floor added to both."""
    return (after + floor) / (before + floor)


def area(chart: Chart) -> float:
    """Mean score over the epochs: how soon the run learned, as well as how much."""
    scores = chart.column("scores", "train")[1:]
    return float(np.mean(scores)) if scores else math.nan


def stuck(chart: Chart) -> bool:
    """Whether the run ends no better than the best constant, or worse; a NaN of the loss's own making aside.

    Where no best constant is known, as with a loss of the person's own, only a run that is not finite counts.
    """
    if math.isnan(chart.base):
        return not math.isfinite(chart.final) and not born_in_loss(chart)
    scores = chart.column("scores", "train")
    final = scores[-1] if born_in_loss(chart) and scores else chart.final
    return not final < 0.93 * chart.base


def dead_rows(chart: Chart) -> list[Row]:
    """Rows of the ReLU layers that end with half of their units dead, or more."""
    return [row for row in chart.latest("activations") if row.get("dead", 0) >= max(2, 0.5 * row["units"])]


def flat_epochs(chart: Chart) -> int:
    """Epochs at the start in which the score does not get 1.5 % below the first, or below the best constant's."""
    scores = chart.column("scores", "train")
    count = 0
    for value in scores[1:]:
        if value < 0.985 * min(scores[0], chart.base):
            break
        count += 1
    return count


def moment_words(row: Row) -> str:
    """The moment at which a row was measured, counted from 1 and from 0 (as published runs do)."""
    if row.get("epoch", 0) == 0:
        return "the start, before the first step"
    epoch, step = row["epoch"], row["step"]
    if row.get("end"):
        return f"the end of epoch {epoch} (epoch {epoch - 1}, counted from 0)"
    return f"step {step} of epoch {epoch} (step {step - 1} of epoch {epoch - 1}, counted from 0)"


def born_in_loss(chart: Chart) -> bool:
    """Whether a NaN came from the loss's own formula, of predictions of a usual size, and not from their overflow."""
    place = str(chart.one("nonfinite").get("place", ""))
    if not place.startswith(("the loss", "the derivative of the loss", "the update of the derivative of the loss")):
        return False
    return not place.startswith("the loss") or max(abs(float(edge)) for edge in edges(place)) < 1e6


def edges(place: str) -> tuple[str, str]:
    """The two numbers in "... of finite predictions between a and b"; ("0", "1") where there are none.

    Examples
    --------
    >>> edges("the loss, BinaryCrossEntropy(), of finite predictions between 0.25 and 1")
    ('0.25', '1')
    """
    parts = place.split(" between ")[-1].split(" and ")
    return (parts[0], parts[1]) if len(parts) == 2 and " between " in place else ("0", "1")
