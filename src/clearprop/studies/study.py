"""The study: a question, the rows that answer it, and a verdict computed from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clearprop.data import Dataset
from clearprop.data.dataset import SPLITS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = dict[str, Any]
PLAIN: Row = {"optimizer": "sgd", "schedule": "constant", "patience": None, "dropout": 0.0}
"""Plain gradient descent, so that nothing compensates for the setting under study."""


@dataclass(frozen=True, eq=False)
class Study:
    """A question, its measurements, and the verdict.

    Attributes
    ----------
    name, question : str
    metric : str
        The column of `rows` by which settings are compared.
    rows : list of dict
        As from `run_sweep`.
    lines : list of dict
        As from `summarise`: mean and spread of each setting.
    verdict : str
        One paragraph; every figure in it is computed from the rows.
    draw : callable, optional
        ax -> ax: draws the figure of the study.
    """

    name: str
    question: str
    metric: str
    rows: list[Row]
    lines: list[Row]
    verdict: str
    draw: Callable[[Axes | None], Axes] | None = None

    def plot(self, ax: Axes | None = None) -> Axes | None:
        """Draw the study, if there is a figure for it."""
        return None if self.draw is None else self.draw(ax)

    def to_json(self) -> Row:
        """The study without its rows, as JSON-able values."""
        return {
            "name": self.name, "question": self.question, "metric": self.metric, "lines": self.lines, "verdict": self.verdict,
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"Study({self.name!r}, {len(self.rows)} rows)"


def held_out(data: Dataset) -> str:
    """The split by which settings are compared: validation, else test, else training."""
    return next(name for name in ("val", "test", "train") if name in data.splits)


def headline(data: Dataset) -> str:
    """The metric by which settings are compared."""
    return f"{held_out(data)}_{'accuracy' if data.task == 'classification' else 'loss'}"


def settings(fixed: Row | None, **standard: Any) -> Row:
    """Plain gradient descent with these settings, overridden by `fixed`."""
    return PLAIN | standard | (fixed or {})


def words(metric: str) -> str:
    """A metric in words.

    Examples
    --------
    >>> words("val_accuracy")
    'validation accuracy'
    """
    split, _, what = metric.partition("_")
    return f"{SPLITS.get(split, split)} {what}"


def figure(value: float, metric: str) -> str:
    """A loss, or an accuracy as a percentage.

    Examples
    --------
    >>> figure(0.9345, "val_accuracy"), figure(0.12345, "val_loss")
    ('93.5 %', '0.1235')
    """
    if not math.isfinite(value):
        return "no finite figure"
    return f"{100 * value:.1f} %" if metric.endswith("accuracy") else f"{value:.4g}"


def tell(line: Row, metric: str) -> str:
    """The mean and, over several seeds, the spread, in words."""
    spread = f" ± {figure(line['std'], metric)}" if line["finite"] > 1 else ""
    diverged = line["n"] - line["finite"]
    return (
        figure(line["mean"], metric)
        + spread
        + (f" ({diverged} of {line['n']} runs diverged)" if diverged and line["finite"] else "")
    )


def better(lines: Sequence[Row], metric: str) -> list[Row]:
    """The lines from best to worst; those with diverged runs last."""
    sign = -1 if metric.endswith("accuracy") else 1

    def badness(line: Row) -> tuple[bool, float]:
        mean = float(line["mean"])
        return line["finite"] < line["n"], sign * mean if math.isfinite(mean) else math.inf

    return sorted(lines, key=badness)


def clear(one: Row, other: Row) -> bool:
    """Whether two means differ by more than twice the standard error of their difference."""
    if min(one["finite"], other["finite"]) < 2:
        return False
    error = math.sqrt(one["std"] ** 2 / one["finite"] + other["std"] ** 2 / other["finite"])
    return bool(abs(one["mean"] - other["mean"]) > 2 * error)


def beyond_chance(one: Row, other: Row) -> str:
    """The significance of a difference, in words."""
    if min(one["finite"], other["finite"]) < 2:
        return "one run each, so that nothing can be said about chance"
    if clear(one, other):
        return "more than twice the standard error of the difference, hence not chance"
    return "within twice the standard error of the difference, hence possibly chance"
