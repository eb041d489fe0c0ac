"""Edits of derivatives: another one, a missing one, one taken at the wrong place; a missing factor or penalty."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.edit_maker import (
    Edit,
    EditMaker,
    inner_of,
    like_index,
)
from clearprop.gradcheck.tracing.nonlinear import Bend
from clearprop.gradcheck.tracing.place import Need, _usual_factors
from clearprop.gradcheck.tracing.remade import Make, ValueOf, argument, run_again
from clearprop.gradcheck.tracing.trace import Vertex, filled
from clearprop.gradcheck.tracing.trial_points import same_direction
from clearprop.gradcheck.tracing.wording import wrapped

NEAR: Final = 12  # values that went into one


class DerivativeEdits(EditMaker):
    """Makes them."""

    def _derivatives(self, vertex: Vertex, needs: list[Need]) -> Iterator[Edit]:
        """A derivative of an activation: another one, a missing one, one too many."""
        wanted = {self.graph.rep(need.by) for need in needs if need.by is not None}
        near = self._close(vertex, NEAR) if vertex.size == 1 else set()
        for bend in self.bends:
            if not bend.name or bend.z.size != vertex.size:
                continue
            if vertex.size == 1 and bend.z not in wanted and not {bend.z, bend.a} & near:
                continue  # the derivative at another number of a list is a coincidence
            z, a = self.words.pair(bend.z, bend.a, vertex.stack)
            formula, called = bend.formula(z, a), f"the derivative of {bend.name or 'the activation'}"
            close = (0.0 if bend.z in wanted else 1.0) + (0.0 if bend.name else 1.0)
            if (vertex is self._at or not self.sheet.right(vertex)) and not self._meets_data(vertex):
                helper = len({frame for frame, _ in vertex.stack[:1]} & {frame for frame, _ in self._at.stack[:1]}) == 0
                yield Edit(
                    vertex,
                    self._slope_itself(bend),
                    formula,
                    f"{called} is {formula}",
                    (0.85 if helper else 1.05) + close,
                    "derivative",
                    f"Look at {called}.",
                    bend=bend,
                )
            if vertex.fn is np.multiply:
                for k in (0, 1):
                    kept, dropped = vertex.args[k], vertex.args[1 - k]
                    if isinstance(kept, Vertex) and isinstance(dropped, Vertex):
                        text = self._texts(vertex)
                        yield Edit(
                            vertex,
                            self._times(k, bend),
                            f"{wrapped(text[k])} * {wrapped(formula)}",
                            f"{called} is {formula}",
                            1.0 + close,
                            "derivative",
                            f"Look at {called}.",
                            bend=bend,
                        )
            yield Edit(
                vertex,
                self._times(None, bend),
                f"{wrapped(self._own(vertex))} * {wrapped(formula)}",
                f"{called}, {formula}, is missing",
                1.4 + close,
                "derivative-missing",
                "Look at what the activation contributes.",
                bend=bend,
                place=self._alias(vertex, formula, times=True),
            )
        yield from self._too_many(vertex)

    def _meets_data(self, vertex: Vertex) -> bool:
        """Whether data go into an operation, as the target does into the error: it is meant for no derivative."""
        return any(v.size > 1 and v not in self.sheet.live for v in self.graph.inputs(vertex))

    def _too_many(self, vertex: Vertex) -> Iterator[Edit]:
        """A factor too many."""
        if vertex.fn in (np.multiply, np.divide):
            text = self._texts(vertex)
            for k in (0, 1):
                if vertex.fn is np.divide and k == 1:
                    continue
                if isinstance(vertex.args[k], Vertex):
                    yield Edit(
                        vertex,
                        argument(k),
                        text[k],
                        f"{text[1 - k]} does not belong here",
                        1.6,
                        "factor-too-many",
                        "One factor too many.",
                    )

    def _slope_itself(self, bend: Bend) -> Make:
        def make(vertex: Vertex, value_of: ValueOf, point: int) -> Any:
            own = self._bend_of(vertex, bend)
            if own is None:
                raise ValueError
            return own.slopes[point].reshape(vertex.shape)

        return make

    def _times(self, k: int | None, bend: Bend) -> Make:
        def make(vertex: Vertex, value_of: ValueOf, point: int) -> Any:
            own = self._bend_of(vertex, bend)
            if own is None:
                raise ValueError
            base = (
                np.asarray(run_again(self.graph, vertex, value_of))
                if k is None
                else np.asarray(filled(vertex.args[k], value_of))
            )
            slope = own.slopes[point]
            return base * (slope if slope.shape == base.shape or base.size != slope.size else slope.reshape(base.shape))

        return make

    def _alias(self, vertex: Vertex, text: str, times: bool) -> tuple[str, int, str] | None:
        """The line that gave a value its last name, without an operation, with what it should say."""
        for each in self.graph.all_of(vertex):
            for name, file, line in reversed(self.graph.trace.aliases.get(each, [])):
                source = self.words.line(file, line)
                old = source.split("=", 1)[-1].strip() if name != "return" else source.removeprefix("return").strip()
                if old and (name == "return" or source.startswith(name)):
                    return file, line, source.replace(old, f"{wrapped(old)} * {wrapped(text)}" if times else text, 1)
        return None

    def _factors(self, vertex: Vertex) -> Iterator[Edit]:
        """A factor that is missing: another named value."""
        own = self._own(vertex)
        for other in self.pool:
            fits = other.shape == vertex.shape or (other.size == 1 and other in self.sheet.live)
            if fits and other.number < vertex.number and other is not vertex and other not in self.graph.inputs(vertex):
                name = self.words.name(other, vertex.stack)

                def make(each: Vertex, value_of: ValueOf, point: int, other: Vertex = other) -> Any:
                    return run_again(self.graph, each, value_of) * value_of(other)

                yield Edit(
                    vertex,
                    make,
                    f"{wrapped(own)} * {wrapped(name)}",
                    f"the factor {name} is missing",
                    1.5 if other.fn is None and other not in self.sheet.live else 1.8,
                    "factor-missing",
                    "Look at the factors.",
                    False,
                )

    def _missing_terms(self, vertex: Vertex, needs: list[Need]) -> Iterator[Edit]:
        """A term that is missing: a multiple of a parameter, as a penalty gives it."""
        here = self.sheet.arrays(vertex)
        for need in needs[:1]:
            if need.arrays[0].shape != vertex.shape:
                continue
            for factor in _usual_factors(self.sheet)[:1]:
                rest = [n * factor - h for n, h in zip(need.arrays, here, strict=True)]
                for other in self.sheet.cuts:
                    scale = same_direction(rest, self.sheet.arrays(other)) if other.shape == vertex.shape else None
                    if scale is not None:
                        name = self.words.name(other, vertex.stack)

                        def make(
                            each: Vertex, value_of: ValueOf, point: int, other: Vertex = other, scale: float = scale
                        ) -> Any:
                            return run_again(self.graph, each, value_of) + scale * value_of(other)

                        yield Edit(
                            vertex,
                            make,
                            f"{self._own(vertex)} + {scale:.12g} * {name}",
                            f"the term {scale:.4g} * {name} of the penalty is missing",
                            2.0 if vertex.fn in (np.add, np.subtract) else 0.8,
                            "penalty",
                            "Does the loss have a penalty?",
                            False,
                        )

    def _arguments(self, vertex: Vertex) -> Iterator[Edit]:
        """Another argument for a function of the program that serves the operation: sigmoid_prime(z), not sigmoid_prime(a)."""
        for helper in self.graph.inputs(vertex):
            inner = inner_of(self.graph, vertex, helper)
            if not inner:
                continue
            level = len(helper.stack) - len(vertex.stack)
            text = self.words.text(helper.stack, level)
            for outer in {v for each in inner for v in self.graph.inputs(each)} - inner:
                for bend in self.bends:
                    for old, new in ((bend.a, bend.z), (bend.z, bend.a)):
                        if old is outer:
                            yield from self._argument_edit(vertex, helper, bend, new is bend.z, text, outer, new)

    def _argument_edit(
        self, vertex: Vertex, helper: Vertex, bend: Bend, to_z: bool, text: str, outer: Vertex, new: Vertex
    ) -> Iterator[Edit]:
        bends = self.bends

        def make(each: Vertex, value_of: ValueOf, point: int) -> Any:
            changed: dict[Vertex, Any] = {}
            for other in self.graph.inputs(each):
                inner = inner_of(self.graph, each, other)
                swap = {b.a: b.z for b in bends} if to_z else {b.z: b.a for b in bends}
                for step in sorted(inner, key=lambda v: v.number):

                    def look(v: Vertex, inner: set[Vertex] = inner, swap: dict[Vertex, Vertex] = swap) -> Any:
                        v = self.graph.rep(v)
                        return (
                            changed[v] if v in changed else value_of(swap[v]) if v in swap and v not in inner else value_of(v)
                        )

                    changed[step] = step.fn(*filled(step.args, look), **filled(step.kwargs, look))  # type: ignore[misc]

            def at(v: Vertex) -> Any:
                v = self.graph.rep(v)
                return changed[v] if v in changed else value_of(v)

            return each.fn(*filled(each.args, at), **filled(each.kwargs, at))  # type: ignore[misc]

        called = re.fullmatch(r"([\w.]+)\((.*)\)", text)
        old = called.group(2) if called else self.words.name(outer, vertex.stack)
        name = like_index(self.words.name(new, vertex.stack), old)
        whole = self.words.text(vertex.stack)
        said = f"{called.group(1) if called else 'the derivative'} is to be taken at {name}, not at {old}"
        new_text = whole.replace(text, text.replace(old, name), 1) if text and text in whole else whole.replace(old, name, 1)
        place = None
        if text and text not in whole:  # the call stands in a line of its own
            level = len(helper.stack) - len(vertex.stack)
            file, line = self.words.place(helper.stack, level)
            place = (file, line, self.words.line(file, line).replace(text, text.replace(old, name), 1))
        yield Edit(
            vertex, make, new_text, said, 0.7, "argument", "Look at what the derivative is taken of.", bend=bend, place=place
        )
