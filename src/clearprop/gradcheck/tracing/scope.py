"""A scope: what a name, an attribute or an entry stood for at one place of the program, at one time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import CodeType
from typing import Any, Final

from clearprop.gradcheck.tracing.bindings import Bindings
from clearprop.gradcheck.tracing.trace import Stack, Vertex
from clearprop.gradcheck.tracing.traced import Traced

MOST_PARTS: Final = 60


class Scope:
    """The names within reach of one operation.

    Parameters
    ----------
    bindings : Bindings
    stack : Stack
        Where the operation stands: its innermost frame, and those around a comprehension, are looked at.
    before : int
        Number of the operation's value: what was bound before it counts.
    """

    def __init__(self, bindings: Bindings, stack: Stack, before: float) -> None:
        self.bindings, self.before = bindings, before
        self.codes: list[CodeType] = []
        for code, _ in stack:
            self.codes.append(code)
            if not code.co_name.startswith("<"):
                break
        module = bindings.modules.get(stack[0][0].co_filename)
        if module is not None and module not in self.codes:
            self.codes.append(module)

    def name(self, name: str) -> Any:
        """The value that a name stands for.

        Raises
        ------
        LookupError
        """
        for code in self.codes:
            try:
                return self.bindings.name(code, name, self.before)
            except LookupError:
                continue
        raise LookupError(name)

    def when(self, name: str) -> float:
        """The time at which a name got its value; -1 if it has none."""
        return max(self.bindings.when(code, name, self.before) for code in self.codes)

    def part(self, holder: Any, key: Any) -> Any:
        """An attribute of an object, or an entry of a list or dict.

        Raises
        ------
        LookupError
        """
        if isinstance(key, bool) or not isinstance(key, (str, int)):
            raise LookupError(key)
        if isinstance(holder, (list, tuple)) and isinstance(key, int) and key < 0:
            key += len(holder)
        try:
            return self.bindings.part(holder, key, self.before)
        except LookupError:
            pass
        if isinstance(holder, dict):
            if key not in holder:
                raise LookupError(key)  # a dict with a default would make the entry, by the program's own function
            found = dict.__getitem__(holder, key)
        else:
            found = holder[key] if isinstance(holder, (list, tuple)) else vars(holder)[key]
        return found.vertex if isinstance(found, Traced) else found

    def names(self) -> Iterator[tuple[str, Any]]:
        """All names, those of the function before those of the file."""
        seen: set[str] = set()
        for code in self.codes:
            for name, value in self.bindings.names_of(code, self.before):
                if name not in seen and name.isidentifier():
                    seen.add(name)
                    yield name, value

    def atoms(self) -> Iterator[tuple[str, Vertex]]:
        """Everything that can be written down and is a value of the trace: names, attributes, entries."""
        for name, value in self.names():
            if isinstance(value, Vertex):
                yield name, value
            elif not isinstance(value, (int, float, str, type(None))):
                yield from self._parts(name, value)

    def _parts(self, name: str, holder: Any) -> Iterator[tuple[str, Vertex]]:
        """The values in an object, a dict or a short list."""
        for key in self.keys(holder)[:MOST_PARTS]:
            try:
                value = self.part(holder, key)
            except (LookupError, TypeError):
                continue
            if isinstance(value, Vertex):
                yield (f"{name}.{key}" if self._is_object(holder) else f"{name}[{key!r}]"), value

    def keys(self, holder: Any) -> list[Any]:
        """The names of attributes or entries."""
        if isinstance(holder, dict):
            return list(holder)
        if isinstance(holder, (list, tuple)):
            return list(range(len(holder))) if len(holder) <= MOST_PARTS else []
        return self.bindings.keys_of(holder)  # of an object of the program, that runs elsewhere

    def _is_object(self, holder: Any) -> bool:
        return not isinstance(holder, (list, tuple, dict))

    def resolved(self, node: ast.expr) -> Any:
        """The value of a name, attribute or entry with a plain key.

        Raises
        ------
        LookupError
        """
        if isinstance(node, ast.Name):
            return self.name(node.id)
        if isinstance(node, ast.Attribute):
            holder = self.resolved(node.value)
            if not isinstance(holder, (Vertex, int, float)):
                return self.part(holder, node.attr)
        raise LookupError
