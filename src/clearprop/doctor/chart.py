"""The chart: everything that was measured of a training run, as plain rows under the name of each quantity."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from clearprop.training.history import Row


@dataclass(eq=False)
class Chart:
    """Measurements of one run; rules read this, and nothing else.

    Attributes
    ----------
    measured : dict of str to list of dict
        For each quantity its rows, JSON-able. Epochs are counted from 1, and so are the steps of an epoch; what was measured
        before the first step has epoch 0 and step 0.

    Examples
    --------
    >>> chart = Chart({"scores": [{"epoch": 1, "train": 0.7}, {"epoch": 2, "train": 0.5}]})
    >>> chart.column("scores", "train")
    [0.7, 0.5]
    """

    measured: dict[str, list[Row]] = field(default_factory=dict)

    def add(self, name: str, rows: list[Row]) -> None:
        """Append rows of one quantity."""
        self.measured.setdefault(name, []).extend(rows)

    def rows(self, name: str, **where: Any) -> list[Row]:
        """Rows of a quantity whose entries are as given; none if it was not measured."""
        return [row for row in self.measured.get(name, []) if all(row.get(k) == v for k, v in where.items())]

    def one(self, name: str) -> Row:
        """The first row of a quantity, or an empty one."""
        found = self.measured.get(name)
        return found[0] if found else {}

    def column(self, name: str, key: str) -> list[float]:
        """One entry of each row that has it."""
        return [row[key] for row in self.measured.get(name, []) if row.get(key) is not None]

    def latest(self, name: str) -> list[Row]:
        """The rows that were measured last of all: those of the highest epoch."""
        rows = self.measured.get(name, [])
        last = max((row.get("epoch", 0) for row in rows), default=0)
        return [row for row in rows if row.get("epoch", 0) == last and row.get("end", True)]

    @property
    def final(self) -> float:
        """The score at the end of training; infinite after a non-finite loss, NaN if nothing was trained."""
        scores = self.column("scores", "train")
        if self.rows("nonfinite"):
            return math.inf
        return scores[-1] if len(scores) > 1 else math.nan

    @property
    def base(self) -> float:
        """The score of the best constant prediction."""
        return float(self.one("baseline").get("score", math.nan))
