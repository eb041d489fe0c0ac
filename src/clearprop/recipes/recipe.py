"""The recipe: a published experiment with its configuration, its figures, and a run that is compared with them."""

from __future__ import annotations

import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from clearprop.arguments import checked
from clearprop.engines import ENGINES
from clearprop.errors import DoubleSoftmaxWarning, MissingExtraError, NonFiniteWarning
from clearprop.recipes.exhibits import Exhibits, Table
from clearprop.recipes.published import Comparison
from clearprop.registry import Configured, count
from clearprop.training import History, fit

Row = dict[str, Any]


def silent(message: str) -> None:
    """Do not show the message."""


@checked
@dataclass(frozen=True)
class Conditions:
    """Conditions of a run that are not part of the published experiment.

    Attributes
    ----------
    data_dir : path or None
        Folder of the course data; by default `$CLEARPROP_DATA`.
    engine : str or None
        By default the one that the recipe prescribes, or the fastest.
    seeds : int or None
        Number of seeds for an interval; by default the recipe's own.
    jobs : int or None
        Number of parallel runs; by default one for each core.
    quick : bool
        Whether long trainings are cut short, to see a recipe work. Claims that need the whole length are then not judged.
    say : callable
        Called with a message at each stage of the run.
    """

    data_dir: Path | None = None
    engine: str | None = None
    seeds: int | None = None
    jobs: int | None = None
    quick: bool = False
    say: Callable[[str], None] = silent

    def fast_engine(self) -> str:
        """The engine that was asked for, or the fastest one that is installed."""
        if self.engine is not None:
            ENGINES.find(self.engine)
            return self.engine
        with suppress(MissingExtraError):
            ENGINES.make("compiled")
            return "compiled"
        return "batch"

    def n_seeds(self, usual: int, quick: int = 3) -> int:
        """The number of seeds that was asked for, or `usual`; `quick` in a quick run."""
        return count("seeds", self.seeds if self.seeds is not None else quick if self.quick else usual)

    def sweep(
        self, trial: Callable[..., Row], grid: Mapping[str, Sequence[Any]], seeds: int, shared: Any, engine: str
    ) -> list[Row]:
        """`run_sweep` with workers that suit the engine.

        Threads suit the compiled engine, which releases the interpreter lock; the others need processes.
        """
        from clearprop.sweeps import run_sweep

        scheduler = "threads" if engine == "compiled" else "processes"
        jobs = -1 if self.jobs is None else count("jobs", self.jobs)
        return run_sweep(trial, grid, seeds, fixed={"engine": engine}, shared=shared, jobs=jobs, scheduler=scheduler)


@contextmanager
def quietly() -> Iterator[None]:
    """Suppress the warnings of runs that diverge, or apply softmax twice, as the published ones did."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NonFiniteWarning)
        warnings.simplefilter("ignore", DoubleSoftmaxWarning)
        yield


def quiet_fit(*given: Any, **settings: Any) -> History:
    """`fit` without these warnings."""
    with quietly():
        return fit(*given, **settings)


@dataclass(eq=False)
class Result:
    """The outcome of a recipe.

    Attributes
    ----------
    recipe : Recipe
    conditions : Conditions
    comparisons : list of Comparison
    exhibits : Exhibits
    engine : str
        The engine that the networks were trained on.
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

    @property
    def table(self) -> Table:
        """Published beside obtained."""
        rows = [[c.what, c.published, c.obtained, c.verdict] for c in self.comparisons]
        return Table(self.recipe.title, ["what", "published", "obtained", "verdict"], rows)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON-able values; of the pictures, the rows of those that have any."""
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
            "pictures": [picture.to_json() for picture in self.exhibits.pictures if picture.rows is not None],
        }


class Recipe(Configured, ABC):
    """One published experiment, or a group of them.

    Attributes
    ----------
    name : str
        Name on the command line.
    title : str
    source : str
        Publication of the figures.
    configuration : dict
        The published setting, frozen; JSON-able.
    needs : tuple of str
        Files of the course data, within the data folder, that the run requires.
    duration : str
        Approximate time of a run.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    configuration: ClassVar[dict[str, Any]]
    needs: ClassVar[tuple[str, ...]] = ()
    duration: ClassVar[str] = "a second"

    @abstractmethod
    def perform(self, result: Result) -> None:
        """Run the experiment under `result.conditions`, and fill in `result`."""

    @checked
    def run(self, conditions: Conditions | None = None) -> Result:
        """Run the experiment, and compare.

        Raises
        ------
        DataError
            If data that it needs are missing; the message says which file to put where.
        """
        began = time.perf_counter()
        result = Result(self, conditions or Conditions())
        self.perform(result)
        result.seconds = time.perf_counter() - began
        return result
