"""Comparisons of published figures with obtained ones, each with its verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Claim = Literal["identical", "interval", "reached", "shown", "computed", "measured"]
LOW, HIGH = 5, 95  # percentiles of the interval that holds nine of ten runs


@dataclass(frozen=True)
class Comparison:
    """One published figure beside the obtained one. Made by the functions of this module.

    Attributes
    ----------
    what : str
    published, obtained : str
        As printed in the write-up; empty where it prints none.
    verdict : str
    claim : {"identical", "interval", "reached", "shown", "computed", "measured"}
        Kind of claim: equal digits; inside an interval over seeds; a threshold; a behaviour. Nothing is claimed of a figure
        that only follows from the write-up's function or code, nor of a measurement, such as a time.
    holds : bool or None
        Whether the claim is true; None where nothing is claimed.
    """

    what: str
    published: str
    obtained: str
    verdict: str
    claim: Claim
    holds: bool | None

    def to_json(self) -> dict[str, str | bool | None]:
        """The comparison as JSON-able values."""
        return dict(self.__dict__)


def identical(what: str, published: str, obtained: str) -> Comparison:
    """Equal to the last printed digit, or not.

    Examples
    --------
    >>> identical("f", "1.29676", "1.29676").verdict
    'identical to the printed digits'
    >>> identical("f", "1.29676", "1.29677").holds
    False
    """
    same = published == obtained
    return Comparison(
        what, published, obtained, "identical to the printed digits" if same else "NOT identical", "identical", same
    )


def identical_tables(
    what: str, published: Sequence[Sequence[str]], obtained: Sequence[Sequence[str]], columns: Sequence[str]
) -> Comparison:
    """Equal to the last printed digit in all cells of a table; if not, the verdict names the first cell that differs.

    Examples
    --------
    >>> identical_tables("t", [["0", "nan"]], [["0", "nan"]], ["epoch", "loss"]).obtained
    '2 of 2 figures equal'
    >>> identical_tables("t", [["0", "0.1"]], [["0", "0.2"]], ["epoch", "loss"]).verdict
    'NOT identical: row 1, loss is 0.2, published 0.1'
    """
    total = sum(map(len, published))
    if len(published) != len(obtained):
        verdict = f"NOT identical: {len(obtained)} rows, published {len(published)}"
        return Comparison(what, f"{total} figures", "another length", verdict, "identical", False)
    pairs = [
        (row, name, want, got)
        for row, (wanted, found) in enumerate(zip(published, obtained, strict=True), 1)
        for name, want, got in zip(columns, wanted, found, strict=True)
    ]
    wrong = [pair for pair in pairs if pair[2] != pair[3]]
    verdict = "identical to the printed digits"
    if wrong:
        row, name, want, got = wrong[0]
        verdict = f"NOT identical: row {row}, {name} is {got}, published {want}"
    shown = f"{total - len(wrong)} of {total} figures equal"
    return Comparison(what, f"{total} figures", shown, verdict, "identical", not wrong)


def within(
    what: str, published: float, values: Sequence[float], form: str = "{:.4g}", judged: bool = True, note: str = "(not judged)"
) -> Comparison:
    """Inside the interval from the 5th to the 95th percentile of runs that differ in their seed, on its edge, or outside.

    The interval is rounded to the printed digits of the published figure, which is itself a rounded number.

    Parameters
    ----------
    what : str
    published : float
    values : sequence of float
        The figure in each run. Those of diverged runs, NaN or infinite, are left out.
    form : str
        Format of the printed figure.
    judged : bool
        Whether the figure alone is a claim.
    note : str
        Text that the verdict adds where it is none.

    Examples
    --------
    >>> within("loss", 0.5, [0.1, 0.5, 0.9], "{:.1f}").verdict
    'within the 5-95 % interval over 3 seeds: [0.1, 0.9]'
    """
    finite = np.array([value for value in values if math.isfinite(value)])
    if not finite.size:
        return Comparison(what, form.format(published), "not finite", "no finite run to compare with", "interval", False)
    low, high = np.percentile(finite, [LOW, HIGH])
    bounds = f"[{form.format(low)}, {form.format(high)}]"
    bottom, value, top = (float(form.format(figure).strip(" %")) for figure in (low, published, high))
    inside = bottom <= value <= top
    place = "OUTSIDE" if not inside else "on the edge of" if value in (bottom, top) and bottom < top else "within"
    verdict = f"{place} the 5-95 % interval over {len(finite)} seeds: {bounds}"
    if not judged:
        verdict = f"{verdict} {note}".strip()
    median = f"median {form.format(float(np.median(finite)))}"
    return Comparison(what, form.format(published), median, verdict, "interval", inside if judged else None)


def reached(what: str, published: float, obtained: float, form: str = "{:.4f}", judged: bool = True) -> Comparison:
    """At least the published figure, or less.

    Examples
    --------
    >>> reached("validation accuracy", 0.91, 0.92, "{:.2f}").verdict
    'reached'
    """
    holds = obtained >= published
    verdict = "reached" if holds else "NOT reached"
    return Comparison(
        what, form.format(published), form.format(obtained), verdict if judged else "not judged: the run was cut short",
        "reached", holds if judged else None,
    )  # fmt: skip


def shown(what: str, published: str, obtained: str, holds: bool, because: str, judged: bool = True) -> Comparison:
    """A behaviour that the run shows, or does not."""
    verdict = because if holds else f"NOT shown: {because}"
    return Comparison(what, published, obtained, verdict, "shown", holds if judged else None)


def computed(what: str, obtained: str, source: str) -> Comparison:
    """A figure that the write-up's function or code gives, but that is printed nowhere; there is nothing to compare it with.

    Examples
    --------
    >>> computed("f", "1.29676", "its function and settings").verdict
    'computed from its function and settings; not printed'
    """
    return Comparison(what, "", obtained, f"computed from {source}; not printed", "computed", None)


def differs(what: str, published: str, obtained: str, because: str) -> Comparison:
    """A figure that cannot be reproduced, and why; nothing is claimed."""
    return Comparison(what, published, obtained, f"differs, because {because}", "measured", None)


def measured(what: str, published: str, obtained: str, verdict: str = "measured here") -> Comparison:
    """A figure that depends on the machine, or that the write-up does not print; nothing is claimed."""
    return Comparison(what, published, obtained, verdict, "measured", None)
