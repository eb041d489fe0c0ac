"""Edits of operands: another value in the place of one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.edit_maker import PRODUCTS, SIGNS, Edit, EditMaker
from clearprop.gradcheck.tracing.remade import Make, ValueOf
from clearprop.gradcheck.tracing.trace import Vertex, filled, get, put

MOST_POOL: Final = 60


class OperandEdits(EditMaker):
    """Makes them."""

    def _operands(self, vertex: Vertex) -> Iterator[Edit]:
        """Another value in the place of one that an operation was given."""
        text = self._texts(vertex)
        limit = 2 if vertex.fn is not put else 0
        for k, arg in enumerate(vertex.args[:limit]):
            if not isinstance(arg, Vertex) and vertex.fn in (np.add, np.subtract, np.multiply) and np.size(arg) == 1:
                yield from self._for_constant(vertex, k, text)
            if not isinstance(arg, Vertex) or (k == 1 and vertex.fn in (get, np.reshape, np.transpose)):
                continue
            arg = self.graph.rep(arg)
            if arg.fn is np.transpose and len(arg.args) == 1 and isinstance(arg.args[0], Vertex):
                yield from self._turned_operands(vertex, k, text)
            yield from self._replacements(vertex, k, arg, text)
            if arg in self.sheet.live and arg in self.sheet.forward:
                for target in self._targets_like(arg):
                    t = self.words.name(target, vertex.stack) or "the target"
                    old = text[k] if k < len(text) else ""
                    yield Edit(
                        vertex,
                        self._less(k, target),
                        self.words.text(vertex.stack).replace(old, f"({old} - {t})", 1),
                        f"{t} is not subtracted from {old}",
                        1.3,
                        "target",
                        "Look at the error term.",
                        False,
                    )

    def _replacements(self, vertex: Vertex, k: int, arg: Vertex, text: list[str]) -> Iterator[Edit]:
        """Other values in the place of one operand."""
        for other, relation, prior in self._others(arg, vertex):
            name = self.words.name(other, vertex.stack)
            if not name:
                continue
            old = text[k] if k < len(text) else self.words.name(arg, vertex.stack)
            own = {*arg.names, *(arg.step_of.names if arg.step_of is not None else ())}
            if old not in own:  # the operands of a product may be recorded the other way round
                old = next((each for each in text if each in own), old)
            if name == old and not relation:
                continue
            helper = bool(vertex.stack and self._at.stack) and vertex.stack[0][0] is not self._at.stack[0][0]
            prior += 0.5 if helper else 0.0  # what a function does for one of its uses, it does for all
            new = self.words.text(vertex.stack)
            new = new.replace(old, name, 1) if old and old in new else f"{name} for {old}"
            if relation == "earlier":
                updated = old if old in own else self.words.name(arg, vertex.stack) or old
                reason = f"{updated} has been updated already; the gradient belongs to its value before the update"
            elif relation == "later":
                reason = f"{old} is left from an earlier step"
            else:
                reason = f"{name} belongs here, not {old}"
            yield Edit(
                vertex,
                self._instead(k, other, relation),
                new,
                reason,
                prior,
                f"operand-{relation or 'other'}",
                f"Look at {old}: is it the value that belongs here?",
                relation != "",
            )

    def _turned_operands(self, vertex: Vertex, k: int, text: list[str]) -> Iterator[Edit]:
        """Another value, transposed, in the place of a transposed one."""
        for other in self.pool:
            if (
                np.ndim(other.value) == 2
                and other is not vertex
                and not (other.number > vertex.number and other in self._after_of(vertex))
            ):
                name, old = f"{self.words.name(other, vertex.stack)}.T", text[k] if k < len(text) else ""

                def make(each: Vertex, value_of: ValueOf, point: int, other: Vertex = other) -> Any:
                    args = [value_of(a) if isinstance(a, Vertex) else a for a in each.args]
                    args[k] = np.transpose(value_of(other))
                    return each.fn(*args)  # type: ignore[misc]

                yield Edit(
                    vertex,
                    make,
                    self.words.text(vertex.stack).replace(old, name, 1),
                    f"{name} belongs here, not {old}",
                    1.3,
                    "operand-other",
                    f"Look at {old}.",
                    False,
                )

    def _for_constant(self, vertex: Vertex, k: int, text: list[str]) -> Iterator[Edit]:
        """A value in the place of a plain number."""
        for other in self.pool:
            if other.shape == vertex.shape and other is not vertex and vertex.size > 1:
                name = self.words.name(other, vertex.stack)
                parts = [text[0], text[1]]
                parts[k] = name

                def make(each: Vertex, value_of: ValueOf, point: int, other: Vertex = other) -> Any:
                    args = [value_of(a) if isinstance(a, Vertex) else a for a in each.args]
                    args[k] = value_of(other)
                    return each.fn(*args)  # type: ignore[misc]

                yield Edit(
                    vertex,
                    make,
                    f"{parts[0]} {SIGNS[vertex.fn]} {parts[1]}",
                    f"{name} belongs here, not {text[k]}",
                    1.2,
                    "operand-other",
                    f"Look at {text[k]}.",
                    False,
                )

    def _others(self, arg: Vertex, vertex: Vertex) -> Iterator[tuple[Vertex, str, float]]:
        for bend in self.bends:
            if bend.a is arg:
                yield bend.z, "preactivation", 1.0
            if bend.z is arg:
                yield bend.a, "activation", 1.0
        if arg.origin is not None:
            for cut in self.sheet.cuts:
                if cut.origin is arg.origin and cut is not arg and cut.shape == arg.shape:
                    yield cut, "earlier" if cut.number < arg.number else "later", 0.8
            if arg in self.graph.ends and arg.step_of is not None and arg.step_of.fn is get:
                yield self.graph.rep(arg.step_of), "earlier", 0.8
        seen = 0
        for other in self.pool:
            if (other is not arg and other is not vertex and other.shape in (arg.shape, arg.shape[::-1])) or (
                vertex.fn in (*PRODUCTS, np.outer) and len(other.shape) == len(arg.shape) and other is not arg
            ):
                if other.number > vertex.number and other in self._after_of(vertex):
                    continue
                same = set(other.names) & set(arg.names)
                yield (
                    other,
                    "later" if same and other.number > arg.number and arg.origin is None else "",
                    (0.9 if same else 1.3),
                )
                seen += 1
                if seen > MOST_POOL:
                    return

    def _instead(self, k: int, other: Vertex, relation: str) -> Make:
        bends = self.bends

        def make(vertex: Vertex, value_of: ValueOf, point: int) -> Any:
            arg = self.graph.rep(vertex.args[k])
            mine = other
            if vertex not in self._home and isinstance(arg, Vertex):
                if relation == "preactivation":
                    mine = next((bend.z for bend in bends if bend.a is arg), arg)
                elif relation == "activation":
                    mine = next((bend.a for bend in bends if bend.z is arg), arg)
                elif relation in ("earlier", "later"):
                    mine = next((cut for cut in self.sheet.cuts if cut.origin is arg.origin and arg.origin is not None), arg)
                    mine = arg.step_of if mine.shape != arg.shape and arg.step_of is not None else mine
            args = filled(
                vertex.args, lambda v: value_of(mine) if self.graph.rep(v) is arg and v is vertex.args[k] else value_of(v)
            )
            return vertex.fn(*args, **filled(vertex.kwargs, value_of))  # type: ignore[misc]

        return make

    def _targets_like(self, arg: Vertex) -> list[Vertex]:
        """Data of the loss that have the shape of a prediction."""
        return [v for v in self.sheet.forward if v not in self.sheet.live and v.shape == arg.shape and v.size > 1 and v.names][
            :4
        ]

    def _less(self, k: int, target: Vertex) -> Make:
        def make(vertex: Vertex, value_of: ValueOf, point: int) -> Any:
            arg = vertex.args[k]
            args = filled(vertex.args, lambda v: value_of(v) - value_of(target) if v is arg else value_of(v))
            return vertex.fn(*args, **filled(vertex.kwargs, value_of))  # type: ignore[misc]

        return make
