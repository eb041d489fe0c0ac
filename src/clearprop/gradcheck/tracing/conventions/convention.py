"""The convention: one way in which programs lay out their derivatives, and what all of these share."""

from __future__ import annotations

import abc
import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clearprop.gradcheck.tracing.conventions.value_trees import Triple
from clearprop.gradcheck.tracing.guesses import Pool, calls
from clearprop.gradcheck.tracing.judge import Bench, NothingClaimedError, Ruling
from clearprop.gradcheck.tracing.traced import TRACE, Traced, plain
from clearprop.gradcheck.tracing.watch import WATCHED, Enough

FAILURES = (Exception, Enough)
"""Whatever may go wrong in a call of a person's function."""


class MisfitError(Exception):
    """A layout of the data in which gradients do not have the shapes of their parameters."""


class NotCalledError(Exception):
    """None of the calls that were tried ran."""


class UndecidedError(NotCalledError):
    """The calls ran, and do not tell whether the gradients are right."""


@dataclass(eq=False)
class DrivenUnit:
    """Something that a program defines and that can be checked.

    Attributes
    ----------
    name : str
    kind : str
    work : callable
        Makes the calls, and returns the verdict.
    uses : set of str
        Names of the functions that it covers.
    """

    name: str
    kind: str
    work: Callable[[], Ruling]
    uses: set[str] = field(default_factory=set)


class Definitions:
    """The functions and classes that a program defines.

    Parameters
    ----------
    namespace : dict
    sources : dict of str to str
    seed : int
    bench : Bench
        Where verdicts come from.
    asked : sequence of str
        Names that were asked for.
    """

    def __init__(
        self, namespace: dict[str, Any], sources: dict[str, str], seed: int, bench: Bench, asked: Sequence[str] = ()
    ) -> None:
        self.namespace, self.sources, self.seed, self.bench, self.asked = namespace, sources, seed, bench, asked
        own = {n: t for n, t in namespace.items() if inspect.isfunction(t) or inspect.isclass(t)}
        own = {n: t for n, t in own.items() if t.__module__ == "__main__"}
        self.functions: dict[str, Any] = {n: t for n, t in own.items() if inspect.isfunction(t)}
        self.classes: dict[str, Any] = {n: t for n, t in own.items() if inspect.isclass(t)}


class Convention(abc.ABC):
    """One way to call what a program defines, and to tell what is claimed for which gradient.

    Parameters
    ----------
    program : Definitions
    """

    def __init__(self, program: Definitions) -> None:
        self.program, self.seed, self.sources = program, program.seed, program.sources
        self.functions, self.classes = program.functions, program.classes

    @abc.abstractmethod
    def units(self, used: set[str]) -> Iterator[DrivenUnit]:
        """All that follows the convention, apart from the names in `used`."""

    def judged_triples(
        self, triples: list[Triple], loss: Any = None, layer: bool = False, exact: bool = False, signed: bool = False
    ) -> Ruling:
        """The verdict on claimed gradients."""
        return self._judged(triples, loss.vertex if isinstance(loss, Traced) else None, layer, exact, signed)

    def judged_steps(self) -> Ruling:
        """The verdict on the steps that were recorded."""
        return self._judged(None, None)

    def _judged(
        self, triples: list[Triple] | None, loss: Any, layer: bool = False, exact: bool = False, signed: bool = False
    ) -> Ruling:
        try:
            return self.program.bench.claims(TRACE, triples, loss, layer, exact, signed)
        except NothingClaimedError as error:
            raise NotCalledError(str(error)) from None


def refuse_misfits(triples: list[Triple]) -> None:
    """Refuse gradients of other shapes than their parameters.

    Raises
    ------
    MisfitError
    """
    if any(np.shape(plain(p)) != np.shape(plain(g)) for _, p, g in triples):
        raise MisfitError


def forget() -> None:
    """Forget what was recorded, not which files are the program's."""
    files, notes = TRACE.files, TRACE.notes
    TRACE.__init__()  # type: ignore[misc]
    TRACE.files, TRACE.notes = files, notes
    WATCHED.started = time.thread_time()


def first_that_runs(function: Callable[..., Any], pool: Pool, sizes: bool = False, quiet: bool = False) -> Any:
    """The result of the first call that runs.

    Raises
    ------
    Exception
        That of the first call, if none runs and not `quiet`.
    """
    first: BaseException | None = None
    before = len(TRACE.steps)
    for arguments in calls(function, pool, sizes):
        try:
            return function(*arguments)
        except Exception as error:
            first = first or error
            if len(TRACE.steps) > before:  # half of a step was taken: what follows would begin with stale values
                raise
    if quiet:
        return None
    raise first if first is not None else NotCalledError("no arguments were found for it")


def said(error: BaseException) -> NotCalledError:
    """A failure as the reason why something could not be called, with its kind."""
    return NotCalledError(str(error) if isinstance(error, NotCalledError) else f"{type(error).__name__}: {error}")
