"""The watch: what a rewritten program calls, to name its values, to count the rounds of its loops, and to skip what fails."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.bindings import Alias
from clearprop.gradcheck.tracing.matrices import Matrix
from clearprop.gradcheck.tracing.trace import MATRIX, Trace, Vertex, as_float, line_of
from clearprop.gradcheck.tracing.traced import TRACE, Traced, call
from clearprop.gradcheck.tracing.wrappers import Num, leaf

ROUNDS: Final = 2  # steps of every parameter that are looked at
VERTICES: Final = 60000  # after so many, loops end
SECONDS: Final = 12.0  # of the processor, so that a busy machine looks at as much as an idle one
AFTER: Final = 1.0  # seconds of a loop without steps, once every parameter was stepped often enough
IDLE: Final = 2.0  # seconds of a loop in which nothing is recorded
ENTRIES: Final = 64  # of a list or dict, whose values are noted when it gets a name
ALIASES: Final = 20000  # that are noted
NUMBERS: Final = 5000  # that are read from text, and watched
INNER: Final = 20  # rounds of an inner loop
MANY: Final = 4000  # vertices after which an inner loop ends sooner


class Enough(BaseException):
    """Ends a program that would run for ever."""


@dataclass
class Loop:
    """One entry into a loop.

    Attributes
    ----------
    rounds : int
        Rounds begun.
    seen : int
        Steps of the trace before it.
    inner : bool
        Whether it is inside another loop: such a loop may go over layers, so that it is ended later.
    before : int
        Values recorded before it.
    started : float
    """

    rounds: int = 0
    seen: int = 0
    inner: bool = False
    before: int = 0
    started: float = field(default_factory=time.thread_time)


class ProgramWatch:
    """The services of the trace to the program.

    Attributes
    ----------
    skips : list of (int, str)
        Line and reason of each top-level statement that was skipped.
    cut : dict of str to str
        Loops that were ended early without a step in them, with the reason.
    branches : dict of tuple to set of bool
        Tests that decide between computations, and how they turned out.
    exhausted : bool
        Whether it was ended because it recorded too much, or took too long.
    called : callable
        (name, value) -> the value that gets that name: invented data, where it is something that could not be read.
    """

    Failure = (Exception, Enough)

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.skips: list[tuple[int, str]] = []
        self.failures: list[BaseException] = []
        self.cut: dict[str, str] = {}
        self.branches: dict[tuple[Any, ...], set[bool]] = {}
        self.exhausted = False
        self.depth = self.read = 0
        self.loops: dict[str, Loop] = {}
        self.started = time.thread_time()
        self.called: Callable[[str, Any], Any] = lambda name, thing: thing

    # ---------------------------------------------------------------- names and numbers

    def named(self, text: str, value: Any, at: tuple[str, int] = ("", 0)) -> Any:
        """The value, which from here on has this name; an array of a library that is not watched is watched from here on."""
        value = self.called(text, adopted(value))
        self._bind(sys._getframe(1).f_code, text, value)
        return self._named(text, value, at)

    def _named(self, text: str, value: Any, at: tuple[str, int] = ("", 0)) -> Any:
        if isinstance(value, Traced) and text:
            vertex = value.vertex
            if text not in vertex.names:
                vertex.names.append(text)
                self.trace.follow_name(vertex, text)
                if (at[1] and vertex.stack and self.trace.count > vertex.number) or (
                    at[1] and vertex.stack and line_of(vertex.stack[0]) != at[1]
                ):
                    self.trace.aliases.setdefault(vertex, []).append((text, *at))
        elif isinstance(value, (list, tuple)) and len(value) <= 64:
            for i, item in enumerate(value):
                if isinstance(item, (Traced, list)):
                    self._named(f"{text}[{i}]", item)
        elif isinstance(value, dict) and len(value) <= 64:
            for key, item in value.items():
                if isinstance(item, Traced):
                    self._named(f"{text}[{key!r}]", item)
        return value

    def returned(self, value: Any, at: tuple[str, int]) -> Any:
        """A value that a function returns as it was given."""
        if isinstance(value, Traced) and (not value.vertex.stack or line_of(value.vertex.stack[0]) != at[1]):
            found = self.trace.aliases.setdefault(value.vertex, [])
            if ("return", *at) not in found:
                found.append(("return", *at))
        return value

    def several(self, texts: tuple[str, ...], values: Any) -> Any:
        """The values, which get a name each."""
        if isinstance(values, (tuple, list)) and len(values) == len(texts):
            code = sys._getframe(1).f_code
            values = [self.called(text, adopted(value)) for text, value in zip(texts, values, strict=True)]
            for text, value in zip(texts, values, strict=True):
                self._bind(code, text, value)
                self._named(text, value)
        return values

    def bound(self, texts: tuple[str, ...], values: tuple[Any, ...]) -> None:
        """Note what names stand for: of a loop, of a comprehension, `self`."""
        code = sys._getframe(1).f_code
        for text, value in zip(texts, values, strict=True):
            self._bind(code, text, value)

    def alias(self, value: Any, at: tuple[str, int]) -> Any:
        """The value, which gets a name here, or is returned, as it is; it was made elsewhere, maybe by a function."""
        bindings, here = self.trace.bindings, sys._getframe(1).f_code
        made_here = isinstance(value, Traced) and bool(value.vertex.stack) and value.vertex.stack[0][0] is here
        fresh = made_here and value.vertex.number == self.trace.count and line_of(value.vertex.stack[0]) == at[1]
        if isinstance(value, Traced) and not fresh and len(bindings.aliases) < ALIASES:
            when = bindings.time(self.trace.count)
            bindings.aliases.append(Alias(when, self.trace.here(), *at, value.vertex))
        return value

    def element(self, noted: None, value: Any) -> Any:
        """The value of an element of a comprehension, whose names were noted before."""
        return value

    def kept(self, holder: Any, key: Any, value: Any) -> Any:
        """The value, which becomes an attribute or an entry of something."""
        if not isinstance(holder, Traced):
            bindings = self.trace.bindings
            bindings.keep(holder, key, seen(value), bindings.time(self.trace.count))
        return value

    def attribute(self, text: str, holder: Any, key: str, value: Any) -> None:
        """Do setattr(holder, key, value), and tell the value its name, as in text.key = value."""
        value = self.called(f"{text}.{key}", adopted(value))
        setattr(holder, key, self.kept(holder, key, self._named(f"{text}.{key}", value)))

    def _bind(self, code: CodeType, text: str, value: Any) -> None:
        if text:
            bindings = self.trace.bindings
            bindings.bind(code, text, seen(value), bindings.time(self.trace.count))
            self._hold(value)

    def _hold(self, value: Any) -> None:
        """Note what a list or dict holds, and the lists in it."""
        bindings = self.trace.bindings
        if type(value) in (dict, list) and 0 < len(value) <= ENTRIES and id(value) not in bindings.holders:
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                bindings.keep(value, key, seen(item), bindings.time(self.trace.count))
                self._hold(item)

    def number(self, value: float) -> Any:
        """A number in the source, traced."""
        return leaf(float(value), "literal")

    def repeated(self, first: Any, second: Any) -> Any:
        """The product of a list and a number, whose plain numbers may become different ones later."""
        made, length = first * second, len(first if isinstance(first, list) else second)
        if type(made) is not list:
            return made
        fresh = [type(each) is Num and each.vertex.fn is None for each in made]
        return [self.number(float(each)) if k >= length and fresh[k] else each for k, each in enumerate(made)]

    def whole(self, value: Any) -> Any:
        """An argument that is stepped; a whole number becomes a number that may be a parameter."""
        return self.number(value) if type(value) is int else value

    def cast(self, function: Any, value: Any) -> Any:
        """float(x), np.float32(x): the same value, still traced; what is read from text is data."""
        if isinstance(value, str) and function is float and self.read < NUMBERS:
            self.read += 1
            return leaf(float(value), "data")
        if isinstance(value, Num):
            return value
        if isinstance(value, Traced):
            return call(as_float, (value.item() if value.size == 1 and function is float else value,), {})
        return function(value)

    # ---------------------------------------------------------------- branches

    def branch(self, at: tuple[str, int], text: str, inside: tuple[str, ...], other: tuple[str, ...], value: Any) -> bool:
        """The truth of a test, which decides between statements that compute these names."""
        truth = bool(value)
        self.branches.setdefault((*at, text, inside, other), set()).add(truth)
        return truth

    def untaken(self) -> list[str]:
        """The remarks on branches that were not taken, and that compute something that the gradients are made of."""
        known = {name for vertex in self.trace.vertices for name in vertex.names}
        found = []
        for (_, line, text, inside, other), taken in self.branches.items():
            names = inside if taken == {False} else other if taken == {True} else ()
            if known & set(names):
                case = text if taken == {False} else f"not ({text})"
                found.append(f"Not checked, because it was not taken: the branch of line {line} for {case}.")
        return found[:4]

    # ---------------------------------------------------------------- loops

    def rounds(self, place: str, items: Any) -> Iterator[Any]:
        """The items of a loop, until enough was seen."""
        loop = Loop(seen=len(self.trace.steps), inner=self.depth > 0, before=len(self.trace.vertices))
        self.depth += 1
        try:
            for item in items:
                if self._over(place, loop):
                    return
                yield item
        finally:
            self.depth -= 1

    def enter(self, place: str) -> None:
        """Begin a `while` loop."""
        self.loops[place] = Loop(seen=len(self.trace.steps), inner=self.depth > 0, before=len(self.trace.vertices))

    def again(self, place: str) -> bool:
        """Whether a `while` loop may go on."""
        return not self._over(place, self.loops.setdefault(place, Loop()))

    def _over(self, place: str, loop: Loop) -> bool:
        """Whether every parameter that is stepped was stepped often enough since the loop began, or time is up."""
        loop.rounds += 1
        if loop.rounds <= ROUNDS:
            return False
        steps = self.trace.steps[loop.seen :]
        if steps and stepped(steps) >= ROUNDS:
            many = len(self.trace.vertices) > MANY and loop.rounds > ROUNDS + 4
            if not loop.inner or loop.rounds > INNER or many:
                return True
        now = time.thread_time()
        idle = len(self.trace.vertices) == loop.before and now - loop.started > IDLE
        after = not steps and now - loop.started > AFTER and bool(self.trace.steps) and stepped(self.trace.steps) >= ROUNDS
        if idle or after or len(self.trace.vertices) > VERTICES or now - self.started > SECONDS:
            self.exhausted = not (idle or after)
            if not self.trace.steps:
                line = place.rsplit(":", 1)[1]
                self.cut[place] = (
                    f"The loop in line {line} was ended in its round {loop.rounds}, before any parameter had moved."
                )
            raise Enough
        return False

    def skipped(self, line: int, failure: BaseException) -> None:
        """Note that a top-level statement failed."""
        if isinstance(failure, Enough):
            return
        self.failures.append(failure)
        said = describe(failure, self.trace.files)
        if isinstance(failure, MemoryError):
            said = "it ran out of memory; raise --memory, or make its arrays smaller."
        self.skips.append((line, said))


def seen(value: Any) -> Any:
    """The part of a value that is noted: the vertex of a traced one, else the thing itself."""
    if isinstance(value, Matrix) and value.vertex.fn is not None:
        value.vertex.kind = MATRIX
    return value.vertex if isinstance(value, Traced) else value


def adopted(value: Any) -> Any:
    """An array that a library made, traced; anything else as it is."""
    return leaf(value, "data") if type(value) is np.ndarray else value


def stepped(steps: list[Vertex]) -> int:
    """The number of times that the least often stepped parameter was stepped; 0 if none was."""
    versions: dict[int, list[int]] = {}
    for step in steps:
        assert step.origin is not None
        versions.setdefault(step.origin.number, []).append(step.version)
    counts = [len(set(found)) for found in versions.values() if len(found) < 3 or len(set(found)) > 1]
    return min(counts, default=0)


def describe(failure: BaseException, files: set[str]) -> str:
    """The kind of an exception, the first line of its message, and the program's line that raised it."""
    line, trace = 0, failure.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in files:
            line = trace.tb_lineno
        trace = trace.tb_next
    said = str(failure).strip().splitlines()
    where = f" (line {line})" if line else ""
    return f"{type(failure).__name__}: {said[0][:300] if said else ''}{where}"


WATCHED = ProgramWatch(TRACE)
