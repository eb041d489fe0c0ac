"""Bindings: what each name of the program stood for, and when.

The graph knows values, not names. To try what a person may have meant ("db = dz.sum(axis=0)", with another array that is at
hand there), one has to know what `dz` was in that line at that time. So every assignment is noted, with the number of the
last value that was recorded before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import CodeType
from typing import Any, Final

MOST: Final = 300000  # assignments that are noted


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
    """

    def __init__(self) -> None:
        self.names: dict[tuple[CodeType, str], list[tuple[int, Any]]] = {}
        self.parts: dict[tuple[int, Any], list[tuple[int, Any]]] = {}
        self.modules: dict[str, CodeType] = {}
        self.holders: dict[int, Any] = {}  # keeps identities from being used again
        self.count = 0

    def bind(self, code: CodeType, name: str, value: Any, when: int) -> None:
        """Note that a name got a value."""
        if self.count < MOST:
            self.count += 1
            self.names.setdefault((code, name), []).append((when, value))
            if code.co_name == "<module>":
                self.modules[code.co_filename] = code

    def keep(self, holder: Any, key: Any, value: Any, when: int) -> None:
        """Note that an attribute or entry got a value."""
        if self.count < MOST and isinstance(key, (str, int)):
            self.count += 1
            self.holders[id(holder)] = holder
            self.parts.setdefault((id(holder), key), []).append((when, value))

    def name(self, code: CodeType, name: str, before: int) -> Any:
        """The value of a name just before a value of the trace was made.

        Raises
        ------
        LookupError
        """
        return last(self.names.get((code, name), ()), before)

    def part(self, holder: Any, key: Any, before: int) -> Any:
        """An attribute or entry at that time.

        Raises
        ------
        LookupError
        """
        return last(self.parts.get((id(holder), key), ()), before)

    def names_of(self, code: CodeType, before: int) -> Iterable[tuple[str, Any]]:
        """All names of a function at that time, with their values."""
        for (each, name), entries in self.names.items():
            if each is code and entries[0][0] < before:
                yield name, last(entries, before)

    def parts_of(self, holder: Any, before: int) -> Iterable[tuple[Any, Any]]:
        """All attributes or entries at that time that were noted."""
        for (each, key), entries in self.parts.items():
            if each == id(holder) and entries[0][0] < before:
                yield key, last(entries, before)


def last(entries: Iterable[tuple[int, Any]], before: int) -> Any:
    """The last entry that was made before a value with this number.

    Raises
    ------
    LookupError
    """
    found: Any = LookupError
    for when, value in entries:
        if when >= before:
            break
        found = value
    if found is LookupError:
        raise LookupError
    return found
