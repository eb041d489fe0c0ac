"""Bindings as plain data, and made again: what each name of the program stood for, sent along with the trace.

They decide nothing: only how a mistake is spoken of, and which other expressions are tried in its place.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from types import CodeType
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.bindings import Alias, Bindings
from clearprop.gradcheck.tracing.trace import Stack, Trace, Vertex
from clearprop.gradcheck.tracing.traced import Traced

ENTRIES: Final = 64  # of a container that are sent
MOST: Final = 200_000  # entries that are sent


class Holder:
    """An object of the program, as far as its attributes are known."""


class BindingPacker:
    """Turns bindings into JSON.

    Parameters
    ----------
    trace : Trace
    numbers : dict of int to int
        The new number of each vertex, by its identity.
    place : callable
        The number of a stack.
    """

    def __init__(self, trace: Trace, numbers: dict[int, int], place: Callable[[Stack], int]) -> None:
        self.bindings, self.numbers, self.place = trace.bindings, numbers, place
        ordered = sorted((vertex.number, numbers[id(vertex)]) for vertex in trace.vertices if id(vertex) in numbers)
        self.old, self.new = [old for old, _ in ordered], [new for _, new in ordered]
        self.holders: dict[int, int] = {}
        self.contents: list[Any] = []

    def packed(self) -> dict[str, Any]:
        """The bindings."""
        names = []
        for (code, name), entries in list(self.bindings.names.items())[:MOST]:
            stack = self.place(((code, 0),))
            names.append([stack, name, [[self.time(when), self.value(value)] for when, value in entries]])
        parts = [
            [self.holder(self.bindings.holders[holder]), key, [[self.time(when), self.value(value)] for when, value in entries]]
            for (holder, key), entries in list(self.bindings.parts.items())[:MOST]
            if type(key) in (str, int)
        ]
        aliases = [
            [self.time(a.when), self.place(a.stack), a.file, a.line, self.numbers[id(a.vertex)]]
            for a in self.bindings.aliases
            if id(a.vertex) in self.numbers
        ]
        return {"names": names, "parts": parts, "aliases": aliases, "holders": self.contents}

    def time(self, when: float) -> float:
        """A time by the new numbers."""
        k = bisect_right(self.old, when)
        return (self.new[k - 1] if k else 0) + (when - int(when))

    def value(self, value: Any) -> Any:
        """The value of a name, as JSON."""
        if isinstance(value, Traced):
            value = value.__dict__["vertex"] if isinstance(value, float | int) else value._vertex  # type: ignore[attr-defined]
        if isinstance(value, Vertex):
            return {"v": self.numbers[id(value)]} if id(value) in self.numbers else None
        if isinstance(value, np.number | np.bool_) and not isinstance(value, np.complexfloating):
            value = value.item()
        if value is None or type(value) in (bool, int, float, str):
            return value
        return {"h": self.holder(value)}

    def holder(self, thing: Any) -> int:
        """The number of a container or object, whose contents are sent once."""
        if id(thing) not in self.holders:
            self.holders[id(thing)] = number = len(self.contents)
            self.contents.append(["object", []])
            if isinstance(thing, (list, tuple)):
                self.contents[number] = ["list", [self.value(each) for each in thing[:ENTRIES]]]
            elif isinstance(thing, dict):
                pairs = [(key, each) for key, each in thing.items() if type(key) in (str, int)][:ENTRIES]
                self.contents[number] = ["dict", [[key, self.value(each)] for key, each in pairs]]
        return self.holders[id(thing)]


def replayed_bindings(found: dict[str, Any], vertices: dict[int, Vertex], stacks: list[Stack]) -> Bindings:
    """The bindings made again.

    Raises
    ------
    KeyError, TypeError, ValueError, IndexError
        If they are none.
    """
    made = Bindings()
    holders: list[Any] = [{"list": list, "dict": dict}.get(str(kind), Holder)() for kind, _ in found["holders"]]

    def value(tree: Any) -> Any:
        if not isinstance(tree, dict):
            return tree
        return vertices[tree["v"]] if "v" in tree else holders[tree["h"]]

    for holder, (_, contents) in zip(holders, found["holders"], strict=True):
        if isinstance(holder, list):
            holder.extend(value(each) for each in contents)
        elif isinstance(holder, dict):
            holder.update((key, value(each)) for key, each in contents)
    for stack, name, entries in found["names"]:
        code: CodeType | None = stacks[stack][0][0] if stacks[stack] else None
        if code is not None:
            made.names[code, str(name)] = [(float(when), value(each)) for when, each in entries]
            if code.co_name == "<module>":
                made.modules[code.co_filename] = code
    for number, key, entries in found["parts"]:
        made.holders[id(holders[number])] = holders[number]
        made.parts[id(holders[number]), key] = [(float(when), value(each)) for when, each in entries]
    for when, stack, file, line, number in found["aliases"]:
        if stacks[stack]:
            made.aliases.append(Alias(float(when), stacks[stack], str(file), int(line), vertices[number]))
    made.holders.update((id(holder), holder) for holder in holders)
    return made
