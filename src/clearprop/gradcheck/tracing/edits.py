"""Edits: the mistake is named by trying what a person may have meant.

At the place where a gradient went wrong, each likely edit is made (another derivative, another operand, a transpose,
another axis, a sign, a power), and the recorded graph is run again from there. An edit counts if the value at the place
becomes proportional to what it ought to be, at all points; it is kept if more gradients of the program are right after it,
and none that was right is wrong.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.chain import Chain
from clearprop.gradcheck.tracing.derivative_edits import DerivativeEdits
from clearprop.gradcheck.tracing.edit_maker import Edit, scaled_text
from clearprop.gradcheck.tracing.operand_edits import OperandEdits
from clearprop.gradcheck.tracing.operation_edits import OperationEdits
from clearprop.gradcheck.tracing.place import Blame, Need, _contributions
from clearprop.gradcheck.tracing.remade import ValueOf
from clearprop.gradcheck.tracing.sheet import Sheet, forms
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.trace import Vertex, filled
from clearprop.gradcheck.tracing.trial_points import same_direction
from clearprop.gradcheck.tracing.wording import Words, bare

SECONDS: Final = 2.0
MOST_CONE: Final = 24


class Editor(DerivativeEdits, OperationEdits, OperandEdits):
    """Tries edits on one sheet.

    Parameters
    ----------
    sheet : Sheet
    words : Words
    """

    def __init__(self, sheet: Sheet, words: Words) -> None:
        super().__init__(sheet, words)
        self.before = sheet.factors()
        self.last: list[float | None] = []
        self._families: dict[Any, tuple[set[Vertex], list[Vertex]]] = {}
        words.learn(sorted(sheet.forward | sheet.backward, key=lambda v: v.number))

    def explain(self, blames: list[Blame]) -> list[Edit]:
        """Edits that make gradients right, best first."""
        kept: list[Edit] = []
        started = time.process_time()
        self.deadline = started + max(SECONDS - self.words.spent, 0.05)
        for blame in blames[:6]:
            needs = [*blame.needs, *_contributions(self.sheet, blame.needs)]
            self._at = blame.vertex
            for vertex, distance in self._cone(blame.vertex):
                if time.process_time() > self.deadline:
                    break
                for edit in self.edits_at(vertex, needs):
                    if time.process_time() > self.deadline:
                        break
                    edit.prior += 0.15 * distance
                    if self._local(edit, blame.vertex, needs):
                        self._keep(edit, kept)
            for edit in self._derived(blame):
                self._keep(edit, kept)
            if kept or time.process_time() > self.deadline:
                break
        self.words.spent += time.process_time() - started
        best = max((edit.fixed for edit in kept), default=0)
        kept = sorted((edit for edit in kept if edit.fixed == best), key=lambda edit: edit.prior)
        for edit in kept[:30]:
            edit.named = self._named_right(edit)
        kept.sort(key=lambda edit: (-edit.named, edit.prior))
        return kept

    def _named_right(self, edit: Edit) -> int:
        """The number of values with a name that are derivatives after the edit, and were none before."""
        region = self.graph.descendants([edit.vertex], self.sheet.backward)
        named = [v for v in region if v.names and v not in self.sheet.forward and v.floating][:40]
        self._home = {edit.vertex: edit.bend}
        path = sorted(region - {edit.vertex}, key=lambda v: v.number)
        try:
            after = [self._replayed(edit, {edit.vertex}, path, p.values, k) for k, p in enumerate(self.sheet.points)]
        except (ValueError, IndexError, TypeError, ZeroDivisionError, np.linalg.LinAlgError):
            return 0
        count = 0
        for vertex in named:
            if all(vertex in values for values in after):
                arrays = [np.asarray(values[vertex], dtype=np.float64) for values in after]
                count += bool(self.sheet.matches_of(arrays)) and not (self.sheet.right(vertex) and vertex is not edit.vertex)
        return count

    def _keep(self, edit: Edit, kept: list[Edit]) -> None:
        """Keep an edit that makes gradients right; one that gives them a factor of their own ranks lower."""
        edit.fixed = self._gain(edit)
        if edit.fixed > 0:
            ratio = self._own_factor(edit)
            if ratio is not None and abs(ratio - 1.0) >= 1e-4 and self._single_numbers():
                return  # a number is proportional to anything
            edit.prior += 0.0 if ratio is None or abs(ratio - 1.0) < 1e-4 else 0.6
            if self.sheet.certain and ratio is None and not self._exact():
                edit.prior += 0.6
            kept.append(edit)

    def _single_numbers(self) -> bool:
        """Whether all gradients that an edit made right are single numbers."""
        new = [m for m, b, f in zip(self.sheet.moves, self.before, self.last, strict=True) if b is None and f is not None]
        return all(piece.moved.size == 1 for move in new for piece in move.pieces) and all(len(m.pieces) == 1 for m in new)

    def _exact(self) -> bool:
        """Whether the gradients that an edit made right are those of the given loss itself."""
        new = [
            f * m.pieces[0].factor for m, b, f in zip(self.sheet.moves, self.before, self.last, strict=True) if b is None and f
        ]
        return all(abs(f - 1.0) < 1e-4 for f in new)

    def _own_factor(self, edit: Edit) -> float | None:
        """The factor of the gradients that an edit makes right, relative to that of those that are right already."""
        now = self.last
        old = [f * m.pieces[0].factor for m, f in zip(self.sheet.moves, self.before, strict=True) if f is not None]
        new = [
            f * m.pieces[0].factor
            for m, b, f in zip(self.sheet.moves, self.before, now, strict=True)
            if b is None and f is not None
        ]
        return new[0] / old[0] if old and new else None

    def _derived(self, blame: Blame) -> Iterator[Edit]:
        """The right expression by the chain rule, in the place of the wrong one."""
        by, vertex = blame.needs[0].by, blame.vertex
        if by is None or vertex in self.sheet.cuts:
            return
        derived = Chain(self.sheet, self.words, self.bends, vertex.stack, vertex.number).of(by)
        slope = blame.needs[0].arrays
        if derived is None or not vertex.stack or slope[0].size != vertex.size:
            return
        form = forms(slope, vertex.shape)
        text, name = derived.text, self.words.name(by, vertex.stack)
        said = f"the derivative by {name} is {text}" if name else f"it should be {text}"

        def scaled(scale: float) -> Edit:
            def make(each: Vertex, value_of: ValueOf, point: int) -> Any:
                return np.asarray(form[0][point]) * derived.factor * scale

            new = bare(text) if abs(scale - 1.0) < 1e-4 else scaled_text(text, scale)
            return Edit(vertex, make, new, said, 2.4, "chain", "Go through the chain rule at this line.", False)

        edit = scaled(1.0)
        if form and self._gain(edit) > 0:
            ratio = self._own_factor(edit)
            exact = scaled(1.0 / derived.factor)  # of the loss itself, where no other gradient tells the factor
            if ratio is None and not self.sheet.loss.inferred and self._gain(exact) > 0 and self._exact():
                edit = exact
            yield scaled(1.0 / ratio) if ratio is not None and ratio > 0 else edit

    def _cone(self, vertex: Vertex) -> list[tuple[Vertex, int]]:
        """The operation, and those before it that only serve it."""
        found, left = {vertex: 0}, [vertex]
        while left and len(found) < MOST_CONE:
            each = left.pop(0)
            for other in self.graph.inputs(each):
                helper = other in self.sheet.live and other.fn is not None and other not in self.sheet.cuts
                if helper and other not in found:
                    right = self.sheet.right(other)
                    if (other in self.sheet.forward and other.names) or (right and each is not vertex):
                        continue
                    found[other] = found[each] + 1
                    if not right:
                        left.append(other)
        return list(found.items())

    def edits_at(self, vertex: Vertex, needs: list[Need]) -> Iterator[Edit]:
        """All edits of one operation."""
        boolean = isinstance(vertex.value, np.ndarray) and vertex.value.dtype.kind == "b"
        if vertex.floating or boolean:
            yield from self._derivatives(vertex, needs)
        if vertex.floating:
            yield from self._signs(vertex)
            yield from self._factors(vertex)
        if vertex is self._at:
            yield from self._arguments(vertex)
            yield from self._missing_terms(vertex, needs)
        yield from self._products(vertex)
        yield from self._sums(vertex, needs)
        yield from self._powers(vertex)
        yield from self._masks(vertex)
        yield from self._operands(vertex)
        yield from self._writes(vertex)
        yield from self._turned(vertex)

    def _local(self, edit: Edit, at: Vertex, needs: list[Need]) -> bool:
        """Whether the value at the place is one of the needs after the edit."""
        self._home = {edit.vertex: edit.bend}  # the operation under the edit takes the activation that the edit names
        made: list[Array] = []
        family, path = self._family(edit.vertex, at, edit.everywhere)
        for k, point in enumerate(self.sheet.points):
            try:
                values = self._replayed(edit, family, path, point.values, k)
                made.append(np.asarray(values[at] if at in values else point.value(at), dtype=np.float64))
            except (ValueError, IndexError, TypeError, ZeroDivisionError, np.linalg.LinAlgError):
                return False
            if not np.all(np.isfinite(made[-1])) or not any(
                made[0].size == need.arrays[0].size
                and any(same_direction(made, form[: k + 1]) is not None for form in forms(need.arrays, made[0].shape))
                for need in needs
            ):
                return False
        return True

    def _family(self, vertex: Vertex, at: Vertex, everywhere: bool) -> tuple[set[Vertex], list[Vertex]]:
        """The operations that an edit of one changes on the way to a place, and those to be run again after them, in order."""
        key = (vertex, at, everywhere)
        if key not in self._families:
            before = self.graph.ancestors([at], self.sheet.cuts)
            family = (self._of_line(vertex) & before if everywhere else set()) | {vertex}
            again = self.graph.descendants(family, before) - family
            self._families[key] = family, sorted(again, key=lambda v: v.number)
        return self._families[key]

    def _replayed(
        self, edit: Edit, changed: set[Vertex], path: list[Vertex], values: dict[Vertex, Any], k: int
    ) -> dict[Vertex, Any]:
        """Values that differ once the edit is made."""
        new: dict[Vertex, Any] = {}

        def value_of(vertex: Vertex) -> Any:
            vertex = self.graph.rep(vertex)
            if vertex in new:
                return new[vertex]
            return values.get(vertex, vertex.value)

        with np.errstate(all="ignore"):
            for vertex in sorted({*changed, *path}, key=lambda v: v.number):
                if vertex in changed:
                    new[vertex] = edit.make(vertex, value_of, k)
                elif any(other in new for other in self.graph.inputs(vertex)):
                    assert vertex.fn is not None
                    new[vertex] = vertex.fn(*filled(vertex.args, value_of), **filled(vertex.kwargs, value_of))
        return new

    def _gain(self, edit: Edit) -> int:
        """The number of gradients that the edit makes right; -1 if it makes one wrong."""
        best = -1
        options = [self._of_line(edit.vertex)] if edit.everywhere else []
        for changed in [*(option for option in options if len(option) > 1), {edit.vertex}]:
            self._home = {edit.vertex: edit.bend}
            best = max(best, self._gain_of(edit, changed))
            if best > 0:
                break
        return best

    def moves_fixed(self, edit: Edit) -> list[Move]:
        """The moves whose gradients the edit makes right."""
        for changed in ([self._of_line(edit.vertex)] if edit.everywhere else []) + [{edit.vertex}]:
            self._home = {edit.vertex: edit.bend}
            now = self._after(edit, changed)
            if now is not None and any(old is None and new is not None for old, new in zip(self.before, now, strict=True)):
                return [
                    m for m, old, new in zip(self.sheet.moves, self.before, now, strict=True) if old is None and new is not None
                ]
        return []

    def _of_line(self, vertex: Vertex) -> set[Vertex]:
        """All operations of the round that the same piece of source made."""
        if not vertex.stack:
            return {vertex}
        return {
            v
            for v in self.sheet.backward
            if v.stack[:1] == vertex.stack[:1] and v.fn is vertex.fn and v not in self.sheet.forward
        } | {vertex}

    def _gain_of(self, edit: Edit, changed: set[Vertex]) -> int:
        now = self._after(edit, changed)
        self.last = now or []
        if now is None or any(old is not None and new is None for old, new in zip(self.before, now, strict=True)):
            return -1
        return sum(old is None and new is not None for old, new in zip(self.before, now, strict=True))

    def _after(self, edit: Edit, changed: set[Vertex]) -> list[float | None] | None:
        """The factors of all moves once the edit is made."""
        path = sorted(self.graph.descendants(changed, self.sheet.backward) - changed, key=lambda v: v.number)
        after: list[dict[Vertex, Any]] = []
        for k, point in enumerate(self.sheet.points):
            try:
                after.append({**point.values, **self._replayed(edit, changed, path, point.values, k)})
            except (ValueError, IndexError, TypeError, ZeroDivisionError, np.linalg.LinAlgError):
                return None
        try:
            return self.sheet.factors(after)
        except (ValueError, TypeError):
            return None
