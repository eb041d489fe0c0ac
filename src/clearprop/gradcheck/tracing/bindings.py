"""Bindings: what each name of the program stood for, and when.

The graph knows values, not names. To try what a person may have meant ("db = dz.sum(axis=0)", with another array that is at
hand there), one has to know what `dz` was in that line at that time. So every assignment is noted, with the number of the
last value that was recorded before it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any, Final

TICK: Final = 1e-7  # between two assignments without a value in between
MOST: Final = 300000  # assignments that are noted


@dataclass(frozen=True, eq=False)
class Alias:
    """A value that got another name, or was returned, without an operation: `dz = da`.

    Attributes
    ----------
    when : float
    stack : Stack
        Where.
    file, line : str, int
    vertex : Vertex
    """

    when: float
    stack: Any
    file: str
    line: int
    vertex: Any


class Bindings:
    """Assignments in the order in which they were made.

    Attributes
    ----------
    names : dict of (CodeType, str) to list of (int, object)
        For each local name of a function or module, when it was bound, and to what: a vertex, a number, a container.
    parts : dict of (int, object) to list of (int, object)
        The same for attributes of objects, and for entries of lists and dicts, by the identity of what holds them.
    modules : dict of str to CodeType
        The code of each file itself.
    aliases : list of Alias
    """

    def __init__(self) -> None:
        self.names: dict[tuple[CodeType, str], list[tuple[float, Any]]] = {}
        self.parts: dict[tuple[int, Any], list[tuple[float, Any]]] = {}
        self.modules: dict[str, CodeType] = {}
        self.holders: dict[int, Any] = {}  # keeps identities from being used again
        self.aliases: list[Alias] = []
        self.keys: dict[int, list[Any]] = {}
        self.indexed = -1
        self.count, self.clock = 0, 0.0
        self.kept: dict[int, float] | None = None  # by identity, when something last became a part

    def time(self, recorded: int) -> float:
        """A time later than all before it: the number of the last value of the trace, and a little more."""
        self.clock = max(self.clock + TICK, float(recorded))
        return self.clock

    def bind(self, code: CodeType, name: str, value: Any, when: float) -> None:
        """Note that a name got a value."""
        if self.count < MOST:
            self.count += 1
            self.names.setdefault((code, name), []).append((when, value))
            if code.co_name == "<module>":
                self.modules[code.co_filename] = code

    def keep(self, holder: Any, key: Any, value: Any, when: float) -> None:
        """Note that an attribute or entry got a value."""
        if self.count < MOST and isinstance(key, (str, int)):
            self.count += 1
            if isinstance(holder, list) and isinstance(key, int) and key < 0:
                key += len(holder)
            self.holders[id(holder)] = holder
            self.parts.setdefault((id(holder), key), []).append((when, value))
            self.kept = None

    def name(self, code: CodeType, name: str, before: float) -> Any:
        """The value of a name just before a value of the trace was made.

        Raises
        ------
        LookupError
        """
        return last(self.names.get((code, name), ()), before)

    def when(self, code: CodeType, name: str, before: float) -> float:
        """The time at which a name got the value that it has just before another time; -1 if it had none."""
        entries = self.names.get((code, name), [])
        position = bisect_left(entries, before, key=_time)
        return entries[position - 1][0] if position else -1.0

    def part(self, holder: Any, key: Any, before: float) -> Any:
        """An attribute or entry at that time.

        Raises
        ------
        LookupError
        """
        return last(self.parts.get((id(holder), key), ()), before)

    def held(self, thing: Any, after: float) -> bool:
        """Whether something became an attribute or an entry of something after a time."""
        if self.kept is None:
            moments = sorted((when, id(value)) for each in self.parts.values() for when, value in each)
            self.kept = {value: when for when, value in moments}
        return self.kept.get(id(thing), -1.0) >= after

    def names_of(self, code: CodeType, before: float) -> Iterable[tuple[str, Any]]:
        """All names of a function at that time, with their values."""
        for (each, name), entries in self.names.items():
            if each is code and entries[0][0] < before:
                yield name, last(entries, before)

    def keys_of(self, holder: Any) -> list[Any]:
        """The attributes or entries of something that were noted, in the order of their first time."""
        if len(self.parts) != self.indexed:
            self.keys, self.indexed = {}, len(self.parts)
            for each, key in self.parts:
                self.keys.setdefault(each, []).append(key)
        return self.keys.get(id(holder), [])


def last(entries: Sequence[tuple[float, Any]], before: float) -> Any:
    """The last entry that was made before a value with this number; entries are in the order of their times.

    Raises
    ------
    LookupError
    """
    position = bisect_left(entries, before, key=_time)
    if not position:
        raise LookupError
    return entries[position - 1][1]


def _time(entry: tuple[float, Any]) -> float:
    return entry[0]
