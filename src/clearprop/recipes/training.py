"""What recipes share: the fastest engine that is there, and many runs at a time."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from clearprop.engines import ENGINES
from clearprop.errors import MissingExtraError, NonFiniteWarning
from clearprop.recipes.recipe import Conditions
from clearprop.registry import count
from clearprop.sweeps import run_sweep
from clearprop.training import History, fit

Row = dict[str, Any]
FASTEST = ("compiled", "batch")


def fast_engine(conditions: Conditions) -> str:
    """The engine that was asked for, or the fastest one that is registered."""
    if conditions.engine is not None:
        ENGINES.find(conditions.engine)
        return conditions.engine
    return next(name for name in FASTEST if name in ENGINES)


def seeds_for(conditions: Conditions, usual: int, quick: int = 3) -> int:
    """Over how many seeds an interval is taken."""
    return count("seeds", conditions.seeds if conditions.seeds is not None else quick if conditions.quick else usual)


def sweep(
    trial: Callable[..., Row], grid: Mapping[str, Sequence[Any]], seeds: int, shared: Any, engine: str, conditions: Conditions
) -> list[Row]:
    """`run_sweep` with workers that suit the engine.

    Threads share the machine code of the compiled engine, which does not hold the interpreter; the others need processes.
    """
    scheduler = "threads" if engine == "compiled" else "processes"
    jobs = -1 if conditions.jobs is None else count("jobs", conditions.jobs)
    fixed = {"engine": engine}
    return run_sweep(trial, grid, seeds, fixed=fixed, shared=shared, jobs=jobs, scheduler=scheduler)


@contextmanager
def quietly() -> Iterator[None]:
    """Runs in here may diverge: what the warning would say is in their history."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NonFiniteWarning)
        yield


def quiet_fit(*given: Any, **settings: Any) -> History:
    """`fit`, for runs that are expected to diverge."""
    with quietly():
        return fit(*given, **settings)


def installed(engine: str) -> bool:
    """Whether an engine and what it needs are there."""
    try:
        ENGINES.find(engine)
    except MissingExtraError:
        return False
    return True
