"""The recipe: a published experiment with its configuration, its figures, and a run that is compared with them."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from clearprop.recipes.comparison import Comparison
from clearprop.recipes.exhibits import Exhibits
from clearprop.registry import Configured


def silent(message: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Conditions:
    """Under which a recipe is run; none of them is part of the published experiment.

    Attributes
    ----------
    data_dir : path or None
        Where the course data lie; by default `$CLEARPROP_DATA`.
    engine : str or None
        By default the one that the recipe prescribes, or the fastest.
    seeds : int or None
        Over how many an interval is taken, where one is; by default as many as the recipe says.
    jobs : int or None
        Runs at the same time; by default as many as there are cores.
    quick : bool
        Whether long trainings are cut short: to see a recipe work. What needs the whole length is then not judged.
    say : callable
        Told what is being done.
    """

    data_dir: Path | None = None
    engine: str | None = None
    seeds: int | None = None
    jobs: int | None = None
    quick: bool = False
    say: Callable[[str], None] = silent


@dataclass(eq=False)
class Result:
    """What came of a recipe.

    Attributes
    ----------
    recipe : Recipe
    conditions : Conditions
    comparisons : list of Comparison
    exhibits : Exhibits
    engine : str
        What did the computing.
    seconds : float
    """

    recipe: Recipe
    conditions: Conditions
    comparisons: list[Comparison] = field(default_factory=list)
    exhibits: Exhibits = field(default_factory=Exhibits)
    engine: str = "batch"
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether every claim is true."""
        return all(comparison.holds is not False for comparison in self.comparisons)

    def to_json(self) -> dict[str, Any]:
        """Everything but the pictures, as JSON-able values."""
        return {
            "recipe": self.recipe.name,
            "title": self.recipe.title,
            "source": self.recipe.source,
            "configuration": self.recipe.configuration,
            "engine": self.engine,
            "quick": self.conditions.quick,
            "seconds": self.seconds,
            "holds": self.holds,
            "comparisons": [comparison.to_json() for comparison in self.comparisons],
            "tables": {table.name or table.title: table.to_json() for table in self.exhibits.tables},
            "explanations": [dict(explanation.__dict__) for explanation in self.exhibits.explanations],
        }


class Recipe(Configured, ABC):
    """One published experiment, or a group of them.

    Attributes
    ----------
    name : str
        As it is called on the command line.
    title : str
    source : str
        Where the published figures stand.
    configuration : dict
        The published setting, frozen; JSON-able.
    needs : tuple of str
        Files of the course data without which it cannot run, within the data folder.
    duration : str
        How long it takes, about.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    configuration: ClassVar[dict[str, Any]]
    needs: ClassVar[tuple[str, ...]] = ()
    duration: ClassVar[str] = "a second"

    @abstractmethod
    def perform(self, result: Result) -> None:
        """Run the experiment under `result.conditions`, and put what it gives into `result`."""

    def run(self, conditions: Conditions | None = None) -> Result:
        """Run the experiment, and compare.

        Raises
        ------
        DataError
            If it needs data that are not there; the message says which file to put where.
        """
        began = time.perf_counter()
        result = Result(self, conditions or Conditions())
        self.perform(result)
        result.seconds = time.perf_counter() - began
        return result
