"""Edits: the mistake is named by trying what a person may have meant.

At the place where a gradient went wrong, each likely edit is made (another derivative, another operand, a transpose, another axis,
a sign, a power), and the recorded graph is run again from there. An edit counts if the value at the place becomes proportional to
what it ought to be, at all points; it is kept if more gradients of the program are right after it, and none that was right is wrong.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.chain import Chain
from clearprop.gradcheck.tracing.losses import whole
from clearprop.gradcheck.tracing.nonlinear import Bend, find_bends
from clearprop.gradcheck.tracing.place import Blame, Need, _contributions, _usual_factors
from clearprop.gradcheck.tracing.points import same_direction
from clearprop.gradcheck.tracing.rules import is_elementwise
from clearprop.gradcheck.tracing.sheet import Sheet, forms
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.trace import Vertex, filled, get, put
from clearprop.gradcheck.tracing.wording import Words, wrapped

ValueOf = Callable[[Vertex], Any]
Make = Callable[[Vertex, ValueOf, int], Any]
PRODUCTS: Final = {np.matmul: "@", np.dot: ".dot"}
SIGNS: Final = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.matmul: "@"}
SUMS: Final = {np.sum, np.mean}
SECONDS: Final = 4.0
MOST_CONE: Final = 24
MOST_POOL: Final = 60


@dataclass(eq=False)
class Edit:
    """One thing that a person may have meant.

    Attributes
    ----------
    vertex : Vertex
        The operation that it changes.
    make : callable
        Its new value, for one vertex of this line, at one point.
    new : str
        New source text of the expression.
    reason : str
        The mistake in words.
    prior : float
        Smaller for what is more common.
    slug : str
    hint : str
        Where to look, without the answer.
    everywhere : bool
        Whether it applies to all operations that this line makes.
    bend : Bend or None
        The activation that it is about.
    place : (str, int, str) or None
        File, line and new text of the line, where that is not the line of the operation: `dout = dh` makes none.
    fixed : int
        Number of gradients that it makes right.
    named : int
        Number of named values that it makes right.
    """

    vertex: Vertex
    make: Make
    new: str
    reason: str
    prior: float
    slug: str
    hint: str
    everywhere: bool = True
    bend: Bend | None = None
    place: tuple[str, int, str] | None = None
    fixed: int = 0
    named: int = 0


class Editor:
    """Tries edits on one sheet.

    Parameters
    ----------
    sheet : Sheet
    words : Words
    """

    def __init__(self, sheet: Sheet, words: Words) -> None:
        self.sheet, self.words, self.graph = sheet, words, sheet.graph
        seen_last(sheet)
        self.bends = find_bends(sheet)
        self.before = sheet.factors()
        self.pool = self._named()
        self.last: list[float | None] = []
        self._made_of: dict[Vertex, set[Vertex]] = {}
        self._families: dict[Any, tuple[set[Vertex], list[Vertex]]] = {}
        words.learn(sorted(sheet.forward | sheet.backward, key=lambda v: v.number))

    # ---------------------------------------------------------------- what is tried where

    def explain(self, blames: list[Blame]) -> list[Edit]:
        """Edits that make gradients right, best first."""
        kept: list[Edit] = []
        started = time.perf_counter()
        self.deadline = started + max(SECONDS - self.words.spent, 0.3)
        for blame in blames[:6]:
            needs = [*blame.needs, *_contributions(self.sheet, blame.needs)]
            self._at = blame.vertex
            for vertex, distance in self._cone(blame.vertex):
                if time.perf_counter() > self.deadline:
                    break
                for edit in self.edits_at(vertex, needs):
                    edit.prior += 0.15 * distance
                    if self._local(edit, blame.vertex, needs):
                        self._keep(edit, kept)
            for edit in self._derived(blame):
                self._keep(edit, kept)
            if kept or time.perf_counter() > self.deadline:
                break
        self.words.spent += time.perf_counter() - started
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
            edit.prior += 0.0 if ratio is None or abs(ratio - 1.0) < 1e-4 else 0.6
            kept.append(edit)

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

        def make(each: Vertex, value_of: ValueOf, point: int) -> Any:
            return np.asarray(form[0][point]) * derived.factor

        edit = Edit(vertex, make, text, said, 2.4, "chain", "Go through the chain rule at this line.", False)
        if form and self._gain(edit) > 0:
            ratio = self._own_factor(edit)
            if ratio is not None and ratio > 0 and abs(ratio - 1.0) > 1e-4:
                edit.new = scaled_text(text, 1.0 / ratio)
                scale = 1.0 / ratio
                edit.make = lambda each, value_of, point: np.asarray(form[0][point]) * derived.factor * scale
            yield edit

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

    # ---------------------------------------------------------------- helpers for texts and makes

    def _texts(self, vertex: Vertex) -> list[str]:
        texts = self.words.operands(vertex)
        nodes = [a for a in vertex.args if not isinstance(a, (list, dict))]
        while len(texts) < len(nodes):
            other = nodes[len(texts)]
            texts.append(self.words.name(other, vertex.stack) if isinstance(other, Vertex) else repr(other))
        return texts

    def _own(self, vertex: Vertex) -> str:
        return self.words.text(vertex.stack) or self.words.name(vertex, vertex.stack) or "..."

    def _bend_of(self, vertex: Vertex, wanted: Bend) -> Bend | None:
        """The activation that belongs to another operation of the same line."""
        if vertex in self._home and self._home[vertex] is not None:
            return self._home[vertex]
        near = self._close(vertex, 12)
        same = [bend for bend in self.bends if bend.a.size == vertex.size and bend.name == wanted.name]
        related = [bend for bend in same if bend.a in near or bend.z in near]
        return (related or same or [None])[0]

    _home: dict[Vertex, Bend | None]
    _at: Vertex

    def _close(self, vertex: Vertex, most: int) -> set[Vertex]:
        found, left = {vertex}, [vertex]
        while left and len(found) < most:
            each = left.pop(0)
            for other in self.graph.inputs(each):
                if other not in found:
                    found.add(other)
                    left.append(other)
        return found

    # ---------------------------------------------------------------- the kinds of edits

    def _derivatives(self, vertex: Vertex, needs: list[Need]) -> Iterator[Edit]:
        """A derivative of an activation: another one, a missing one, one too many."""
        wanted = {self.graph.rep(need.by) for need in needs if need.by is not None}
        for bend in self.bends:
            if bend.z.shape != vertex.shape and bend.z.size != vertex.size:
                continue
            z, a = self.words.name(bend.z, vertex.stack), self.words.name(bend.a, vertex.stack)
            formula, called = bend.formula(z or "z", a), f"the derivative of {bend.name or 'the activation'}"
            close = (0.0 if bend.z in wanted else 1.0) + (0.0 if bend.name else 1.0)
            if vertex is self._at or not self.sheet.right(vertex):
                helper = len({frame for frame, _ in vertex.stack[:1]} & {frame for frame, _ in self._at.stack[:1]}) == 0
                yield Edit(
                    vertex, self._slope_itself(bend), formula, f"{called} is {formula}", (0.85 if helper else 1.05) + close, "derivative",
                    f"Look at {called}.", bend=bend,
                )  # fmt: skip
            if vertex.fn is np.multiply:
                for k in (0, 1):
                    kept, dropped = vertex.args[k], vertex.args[1 - k]
                    if isinstance(kept, Vertex) and isinstance(dropped, Vertex):
                        text = self._texts(vertex)
                        yield Edit(
                            vertex, self._times(k, bend), f"{wrapped(text[k])} * {wrapped(formula)}", f"{called} is {formula}", 1.0 + close,
                            "derivative", f"Look at {called}.", bend=bend,
                        )  # fmt: skip
            yield Edit(
                vertex, self._times(None, bend), f"{wrapped(self._own(vertex))} * {wrapped(formula)}", f"{called}, {formula}, is missing",
                1.4 + close, "derivative-missing", "Look at what the activation contributes.", bend=bend,
                place=self._alias(vertex, formula, times=True),
            )  # fmt: skip
        if vertex.fn in (np.multiply, np.divide):
            text = self._texts(vertex)
            for k in (0, 1):
                if vertex.fn is np.divide and k == 1:
                    continue
                if isinstance(vertex.args[k], Vertex):
                    yield Edit(
                        vertex, _argument(k), text[k], f"{text[1 - k]} does not belong here", 1.6, "factor-too-many", "One factor too many.",
                    )  # fmt: skip

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
            if k is None:
                base = np.asarray(_run(self.graph, vertex, value_of))
            else:
                base = np.asarray(value_of(vertex.args[k]))
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
                    return _run(self.graph, each, value_of) * value_of(other)

                yield Edit(vertex, make, f"{wrapped(own)} * {wrapped(name)}", f"the factor {name} is missing", 1.8, "factor-missing", "Look at the factors.", False)  # fmt: skip

    def _signs(self, vertex: Vertex) -> Iterator[Edit]:
        """Plus for minus, swapped terms, a term too many or weighed wrongly; times for divided by."""
        fn, text = vertex.fn, self._texts(vertex)
        if fn in (np.add, np.subtract) and len(vertex.args) == 2:
            other, sign = (np.subtract, "-") if fn is np.add else (np.add, "+")
            yield Edit(
                vertex,
                _with(other),
                f"{text[0]} {sign} {wrapped(text[1])}",
                f"the sign before {text[1]} is wrong",
                1.2,
                "sign",
                "Look at the signs.",
            )
            if fn is np.subtract:
                yield Edit(vertex, _with(np.subtract, (1, 0)), f"{wrapped(text[1])} - {wrapped(text[0])}", f"{text[0]} and {text[1]} are swapped", 1.2, "swapped", "Look at the order of the difference.")  # fmt: skip
            for k in (0, 1):
                yield Edit(
                    vertex,
                    _argument(k),
                    text[k],
                    f"{text[1 - k]} does not belong here",
                    1.7,
                    "term-too-many",
                    "One term too many.",
                )
                for number in (2.0, 0.5, *self._sizes()):
                    terms = [text[0], text[1]]
                    terms[k] = f"{number:g} * {wrapped(terms[k])}"
                    yield Edit(vertex, _weighed(k, number), f"{terms[0]} {SIGNS[fn]} {terms[1]}", f"{text[k]} must count {_times_in_words(number)}", 1.8, "weight", "Look at the factor of each term.")  # fmt: skip
            if not np.ndim(vertex.args[1]) and not isinstance(vertex.args[0], Vertex):
                pass
        if fn in (np.multiply, np.divide) and len(vertex.args) == 2:
            other, sign = (np.divide, "/") if fn is np.multiply else (np.multiply, "*")
            yield Edit(vertex, _with(other), f"{text[0]} {sign} {wrapped(text[1])}", f"{text[0]} is to be {'divided' if fn is np.multiply else 'multiplied'} by {text[1]}", 1.9, "quotient", "Look at the products and quotients.")  # fmt: skip

    def _sizes(self) -> list[float]:
        sizes = {n for vertex in self.sheet.backward for n in vertex.shape if n > 2}
        return [f for n in sorted(sizes)[:8] for f in (float(n), 1.0 / n)]

    def _products(self, vertex: Vertex) -> Iterator[Edit]:
        """Products of matrices: transposed or swapped operands."""
        if vertex.fn is np.outer:
            text = self._texts(vertex)
            yield Edit(vertex, _with(np.outer, (1, 0)), f"np.outer({text[1]}, {text[0]})", f"{text[0]} and {text[1]} are swapped", 1.0, "swapped", "Look at the order of the operands.")  # fmt: skip
        if vertex.fn not in PRODUCTS or len(vertex.args) < 2:
            return
        text = self._texts(vertex)
        for order in ((0, 1), (1, 0)):
            for turns in ((0, 0), (1, 0), (0, 1), (1, 1)):
                if order == (0, 1) and turns == (0, 0):
                    continue
                parts = [
                    _turned_text(wrapped(text[i])) if turn else wrapped(text[i]) for i, turn in zip(order, turns, strict=True)
                ]
                new = f"{parts[0]} @ {parts[1]}" if vertex.fn is np.matmul else f"np.dot({parts[0]}, {parts[1]})"
                said = _product_in_words(text, order, turns)
                yield Edit(vertex, _product(order, turns), new, said, 1.0 + 0.3 * (sum(turns) + (order == (1, 0))), "transposed", "Look at the order and the transposes.")  # fmt: skip
        yield Edit(
            vertex,
            _with(_aligned),
            f"{text[0]} * {text[1]}",
            "an element-wise product is meant",
            1.6,
            "product",
            "Element-wise or matrix product?",
        )

    def _sums(self, vertex: Vertex, needs: list[Need]) -> Iterator[Edit]:
        """Sums over another axis, or none where there should be one."""
        shape = needs[0].arrays[0].shape if needs else ()
        if vertex.fn in SUMS or vertex.fn in (np.max, np.min):
            text, inner = self._texts(vertex)[0], vertex.args[0]
            if not isinstance(inner, Vertex):
                return
            name = getattr(vertex.fn, "__name__", "sum")
            other = {np.sum: np.mean, np.mean: np.sum}.get(vertex.fn)
            if other is not None:
                said = getattr(other, "__name__", "")
                yield Edit(vertex, _refolded(other), self._own(vertex).replace(name, said, 1), f"it is the {said} that is meant", 1.1, "fold", "Sum or mean?")  # fmt: skip
            for axis in (None, *range(np.ndim(inner.value))):
                for keep in (False, True):
                    said = f"it is to be summed over axis {axis}" if axis is not None else "it is to be summed over everything"
                    prior = 1.0 + 0.1 * (np.ndim(inner.value) - (0 if keep else 1) != len(shape) and axis is not None)
                    yield Edit(vertex, _fold(vertex.fn, axis, keep), f"np.{name}({text}, axis={axis}{', keepdims=True' if keep else ''})", said, prior, "axis", "Look at the axis of the sum.")  # fmt: skip
            yield Edit(vertex, _argument(0), text, "it is not to be summed", 1.5, "not-summed", "Look at the sum.")
        elif vertex.floating and vertex.value.ndim if isinstance(vertex.value, np.ndarray) else False:
            own = self._own(vertex)
            for axis in range(vertex.value.ndim):
                for keep in (True, False):
                    yield Edit(vertex, _then_sum(self.graph, axis, keep), f"np.sum({own}, axis={axis}{', keepdims=True' if keep else ''})", f"it must be summed over the examples, axis {axis}", 1.5, "not-summed", "Look at the sum over the examples.")  # fmt: skip

    def _powers(self, vertex: Vertex) -> Iterator[Edit]:
        """A square that is missing or too many."""
        if vertex.fn is np.power and not isinstance(vertex.args[1], Vertex):
            text = self._texts(vertex)
            for power in (1, 2, 3, -1, -0.5, -1.5, 0.5):
                yield Edit(vertex, _power(float(power)), f"{wrapped(text[0])}**{power}" if power != 1 else text[0], f"the power is {power}", 1.2, "power", "Look at the power.")  # fmt: skip
        elif vertex.floating and vertex.fn is not None:
            own = self._own(vertex)
            yield Edit(
                vertex,
                _then(self.graph, np.square),
                f"{wrapped(own)}**2",
                f"the square of {own} is meant",
                1.7,
                "power",
                "Look at the powers.",
            )
            if (
                is_elementwise(vertex.fn)
                and isinstance(vertex.args[0], Vertex)
                and len(vertex.inputs) == 1
                and len(vertex.args) == 1
            ):
                text = self._texts(vertex)
                yield Edit(
                    vertex,
                    _argument(0),
                    text[0],
                    f"{text[0]} itself is meant",
                    1.6,
                    "function-too-many",
                    "One function too many.",
                )
        if vertex.fn in (np.subtract, np.add):
            text = self._texts(vertex)
            for k in (0, 1):
                if isinstance(vertex.args[k], Vertex) and vertex.args[k] in self.sheet.live and vertex.args[k].floating:
                    terms = [text[0], text[1]]
                    terms[k] = f"{wrapped(terms[k])}**2"
                    yield Edit(vertex, _squared(k), f"{terms[0]} {SIGNS[vertex.fn]} {terms[1]}", f"the square of {text[k]} is meant", 1.1, "power", "Look at the powers.")  # fmt: skip

    def _masks(self, vertex: Vertex) -> Iterator[Edit]:
        """Comparisons: of another value, or the other way round."""
        names = {np.greater: ">", np.less: "<", np.greater_equal: ">=", np.less_equal: "<="}
        if vertex.fn not in names:
            return
        text = self._texts(vertex)
        for fn, sign in names.items():
            if fn is not vertex.fn:
                yield Edit(vertex, _with(fn), f"{text[0]} {sign} {text[1]}", f"the mask is the wrong way round: {text[0]} {sign} {text[1]}", 1.2, "mask", "Look at the mask.")  # fmt: skip
        for number in (0.0, 1.0, 0.5):
            yield Edit(vertex, _compared(number), f"{text[0]} {names[vertex.fn]} {number:g}", f"the mask compares with {number:g}", 1.4, "mask", "Look at the mask.")  # fmt: skip

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
            for other, relation, prior in self._others(arg, vertex):
                name = self.words.name(other, vertex.stack)
                if not name:
                    continue
                old = text[k] if k < len(text) else self.words.name(arg, vertex.stack)
                new = self.words.text(vertex.stack)
                new = new.replace(old, name, 1) if old and old in new else f"{name} for {old}"
                if relation == "earlier":
                    reason = f"{old} has been updated already; the gradient belongs to its value before the update"
                elif relation == "later":
                    reason = f"{old} is left from an earlier step"
                else:
                    reason = f"{name} belongs here, not {old}"
                yield Edit(vertex, self._instead(k, other, relation), new, reason, prior, f"operand-{relation or 'other'}", f"Look at {old}: is it the value that belongs here?", relation != "")  # fmt: skip
            if arg in self.sheet.live and arg in self.sheet.forward:
                for target in self._targets_like(arg):
                    t = self.words.name(target, vertex.stack) or "the target"
                    old = text[k] if k < len(text) else ""
                    yield Edit(vertex, self._less(k, target), self.words.text(vertex.stack).replace(old, f"({old} - {t})", 1), f"{t} is not subtracted from {old}", 1.3, "target", "Look at the error term.", False)  # fmt: skip

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

                yield Edit(vertex, make, self.words.text(vertex.stack).replace(old, name, 1), f"{name} belongs here, not {old}", 1.3, "operand-other", f"Look at {old}.", False)  # fmt: skip

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
                            return _run(self.graph, each, value_of) + scale * value_of(other)

                        yield Edit(vertex, make, f"{self._own(vertex)} + {scale:.12g} * {name}", f"the term {scale:.4g} * {name} of the penalty is missing", 0.8, "penalty", "Does the loss have a penalty?", False)  # fmt: skip

    def _arguments(self, vertex: Vertex) -> Iterator[Edit]:
        """Another argument for a function of the program that serves the operation: sigmoid_prime(z), not sigmoid_prime(a)."""
        for helper in self.graph.inputs(vertex):
            inner = _inner_of(self.graph, vertex, helper)
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
                inner = _inner_of(self.graph, each, other)
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

                yield Edit(vertex, make, f"{parts[0]} {SIGNS[vertex.fn]} {parts[1]}", f"{name} belongs here, not {text[k]}", 1.2, "operand-other", f"Look at {text[k]}.", False)  # fmt: skip

    def _others(self, arg: Vertex, vertex: Vertex) -> Iterator[tuple[Vertex, str, float]]:
        for bend in self.bends:
            if bend.a is arg:
                yield bend.z, "preactivation", 1.0
            if bend.z is arg:
                yield bend.a, "activation", 1.0
        if arg.origin is not None:
            for cut in self.sheet.cuts:
                if cut.origin is arg.origin and cut is not arg:
                    yield cut, "earlier" if cut.number < arg.number else "later", 0.8
        seen = 0
        for other in self.pool:
            if (
                (other is not arg
                and other is not vertex
                and other.shape in (arg.shape, arg.shape[::-1]))
                or (vertex.fn in (*PRODUCTS, np.outer) and len(other.shape) == len(arg.shape) and other is not arg)
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

    def _after_of(self, vertex: Vertex) -> set[Vertex]:
        """All that was made of a value."""
        if vertex not in self._made_of:
            self._made_of[vertex] = self.graph.descendants([vertex], self.sheet.backward)
        return self._made_of[vertex]

    def _instead(self, k: int, other: Vertex, relation: str) -> Make:
        bends = self.bends

        def make(vertex: Vertex, value_of: ValueOf, point: int) -> Any:
            arg = self.graph.rep(vertex.args[k])
            mine = other
            if vertex not in self._home:
                if relation == "preactivation":
                    mine = next((bend.z for bend in bends if bend.a is arg), arg)
                elif relation == "activation":
                    mine = next((bend.a for bend in bends if bend.z is arg), arg)
                elif relation in ("earlier", "later"):
                    mine = next((cut for cut in self.sheet.cuts if cut.origin is arg.origin and arg.origin is not None), arg)
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

    def _writes(self, vertex: Vertex) -> Iterator[Edit]:
        """Written over where it should be added; parts read at other places."""
        if vertex.fn is put and vertex.floating:
            text = self._own(vertex)
            yield Edit(vertex, _added, text.replace(" = ", " += ", 1), "what is written here replaces what was there; it must be added (+=)", 1.0, "overwritten", "Look at what is overwritten.")  # fmt: skip
        if vertex.fn is get and vertex.floating and isinstance(vertex.args[1], (int, np.integer, slice)):
            text = self._own(vertex)
            for shift in (-1, 1):
                yield Edit(
                    vertex, _shifted(shift), text, f"the index is off by {abs(shift)}", 1.6, "index", "Look at the index."
                )
            if isinstance(vertex.args[1], slice):
                yield Edit(vertex, _other_half, text, "the other part of it is meant", 1.3, "index", "Look at the slice.")

    def _turned(self, vertex: Vertex) -> Iterator[Edit]:
        """The value itself, transposed; its complement; its softmax-like axis."""
        if not vertex.floating or vertex.fn is None:
            return
        own = self._own(vertex)
        if np.ndim(vertex.value) == 2:
            yield Edit(
                vertex,
                _then(self.graph, np.transpose),
                f"{wrapped(own)}.T",
                "it must be transposed",
                1.3,
                "transposed",
                "Look at the transposes.",
            )
        yield Edit(vertex, _then(self.graph, lambda x: 1.0 - x), f"1 - {wrapped(own)}", f"1 - {own} is meant", 1.7, "complement", "Look at what is subtracted from 1.")  # fmt: skip
        if np.ndim(vertex.value) == 2 and min(vertex.shape) > 1:
            yield Edit(vertex, _then(self.graph, lambda x: x[::-1, ::-1]), f"{own}[::-1, ::-1]", "the filter is flipped", 1.5, "flipped", "Is the filter flipped?")  # fmt: skip

    # ---------------------------------------------------------------- does it help

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
        """The operations that an edit of one changes on the way to a place, and what is to be run again after them, in order."""
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
            return values[vertex] if vertex in values else vertex.value

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

    def _named(self) -> list[Vertex]:
        """Values that have a name: parameters, data, activations, and derivatives that are right."""
        graph, found = self.graph, []
        for vertex in sorted(self.sheet.forward | self.sheet.backward | set(self.sheet.cuts), key=lambda v: v.number):
            if (
                vertex.size > 0
                and np.asarray(vertex.value).dtype.kind == "f"
                and any(each.names for each in graph.all_of(vertex))
            ):
                found.append(vertex)
        return found[:400]


def seen_last(sheet: Sheet) -> None:
    """Let values that both passes compute be spoken of where the backward pass does: the last place that made them."""
    last = max((g.number for move in sheet.moves for g in move.gradients), default=0)
    for vertex in sheet.backward & sheet.live & sheet.forward:
        later = [m for m in sheet.graph.all_of(vertex) if m.number <= last and m.stack]
        if len(later) > 1 and vertex not in sheet.cuts:
            vertex.stack = later[-1].stack


def _inner_of(graph: Any, vertex: Vertex, helper: Vertex) -> set[Vertex]:
    """The operations of the function call that made a value for another, seen from where it was used."""
    depth = len(vertex.stack)
    if not depth or len(helper.stack) <= depth or helper.fn is None:
        return set()
    site = helper.stack[len(helper.stack) - depth]
    found, left = set(), [helper]
    while left:
        each = left.pop()
        if each not in found and each.fn is not None:
            own = any(len(m.stack) > depth and m.stack[len(m.stack) - depth] == site for m in graph.all_of(each))
            if own:
                found.add(each)
                left.extend(graph.inputs(each))
    return found


def like_index(name: str, old: str) -> str:
    """zs[-1] as zs[-k] where the other value is written acts[-k]."""
    mine, theirs = re.fullmatch(r"(.+)\[(-?\d+)\]", name), re.fullmatch(r"(.+)\[(.+)\]", old)
    return f"{mine.group(1)}[{theirs.group(2)}]" if mine and theirs else name


# ---------------------------------------------------------------- new values of an operation


def _run(graph: Any, vertex: Vertex, value_of: ValueOf) -> Any:
    if vertex.fn is None:
        return vertex.value
    return vertex.fn(*filled(vertex.args, value_of), **filled(vertex.kwargs, value_of))  # type: ignore[misc]


def _argument(k: int) -> Make:
    return lambda vertex, value_of, point: filled(vertex.args[k], value_of)


def _with(fn: Any, order: tuple[int, int] = (0, 1)) -> Make:
    return lambda vertex, value_of, point: fn(*(filled(vertex.args[i], value_of) for i in order))


def _weighed(k: int, number: float) -> Make:
    def make(vertex: Vertex, value_of: ValueOf, point: int) -> Any:
        args = list(filled(vertex.args, value_of))
        args[k] = args[k] * number
        return vertex.fn(*args)  # type: ignore[misc]

    return make


def _product(order: tuple[int, int], turns: tuple[int, int]) -> Make:
    def make(vertex: Vertex, value_of: ValueOf, point: int) -> Any:
        args = [np.asarray(filled(vertex.args[i], value_of)) for i in order]
        return np.matmul(*(a.T if turn else a for a, turn in zip(args, turns, strict=True)))

    return make


def _aligned(a: Any, b: Any) -> Any:
    return np.asarray(a) * np.asarray(b)


def _fold(fn: Any, axis: Any, keep: bool) -> Make:
    return lambda vertex, value_of, point: fn(filled(vertex.args[0], value_of), axis=axis, keepdims=keep)


def _refolded(fn: Any) -> Make:
    return lambda vertex, value_of, point: fn(*filled(vertex.args, value_of), **filled(vertex.kwargs, value_of))


def _then(graph: Any, fn: Any) -> Make:
    return lambda vertex, value_of, point: fn(_run(graph, vertex, value_of))


def _then_sum(graph: Any, axis: int, keep: bool) -> Make:
    return lambda vertex, value_of, point: np.sum(_run(graph, vertex, value_of), axis=axis, keepdims=keep)


def _power(power: float) -> Make:
    return lambda vertex, value_of, point: np.power(filled(vertex.args[0], value_of), power)


def _squared(k: int) -> Make:
    def make(vertex: Vertex, value_of: ValueOf, point: int) -> Any:
        args = list(filled(vertex.args, value_of))
        args[k] = args[k] ** 2
        return vertex.fn(*args)  # type: ignore[misc]

    return make


def _compared(number: float) -> Make:
    return lambda vertex, value_of, point: vertex.fn(filled(vertex.args[0], value_of), number)  # type: ignore[misc]


def _added(vertex: Vertex, value_of: ValueOf, point: int) -> Any:
    out = np.array(filled(vertex.args[0], value_of), dtype=np.float64)
    for index, value in vertex.args[1:]:
        where = filled(index, value_of)
        out[where] = out[where] + filled(value, value_of)
    return out


def _shifted(shift: int) -> Make:
    def make(vertex: Vertex, value_of: ValueOf, point: int) -> Any:
        index = filled(vertex.args[1], value_of)
        array = filled(vertex.args[0], value_of)
        if isinstance(index, slice):
            moved = slice(*(None if part is None else part + shift for part in (index.start, index.stop)))
        else:
            moved = index + shift
        return array[moved]

    return make


def _other_half(vertex: Vertex, value_of: ValueOf, point: int) -> Any:
    index, array = filled(vertex.args[1], value_of), filled(vertex.args[0], value_of)
    if index.start is None:
        return array[index.stop :]
    return array[: index.start] if index.stop is None else array[::-1]


def scaled_text(text: str, factor: float) -> str:
    """The expression times a factor, as one would write it."""
    if abs(factor - round(factor)) < 1e-6 and factor > 1:
        return f"{round(factor)} * {wrapped(text)}"
    inverse = 1.0 / factor
    if abs(inverse - round(inverse)) < 1e-6 and inverse > 1:
        return f"{wrapped(text)} / {round(inverse)}"
    return f"{factor:.9g} * {wrapped(text)}"


def _turned_text(text: str) -> str:
    return text[:-2] if text.endswith(".T") else f"{text}.T"


def _product_in_words(text: list[str], order: tuple[int, int], turns: tuple[int, int]) -> str:
    swapped, turned = order == (1, 0), [text[i] for i, turn in zip(order, turns, strict=True) if turn]
    if turned and not swapped:
        return (
            f"{' and '.join(turned)} must be transposed"
            if not all(t.endswith(".T") for t in turned)
            else f"{' and '.join(turned)} must not be transposed"
        )
    if swapped and not turned:
        return f"{text[0]} and {text[1]} are swapped"
    return f"the product is the other way round, with {' and '.join(turned)} transposed"


def _times_in_words(number: float) -> str:
    return {2.0: "twice", 0.5: "half"}.get(number, f"{number:g} times")


assert whole is not None and _usual_factors is not None
