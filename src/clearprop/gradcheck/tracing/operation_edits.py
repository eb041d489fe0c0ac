"""Edits of operations: signs, transposes, axes, powers, masks, what is written over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from clearprop.gradcheck.tracing.derivative_rules import is_elementwise
from clearprop.gradcheck.tracing.edit_maker import (
    PRODUCTS,
    SIGNS,
    Edit,
    EditMaker,
    product_in_words,
    times_in_words,
    turned_text,
)
from clearprop.gradcheck.tracing.place import Need
from clearprop.gradcheck.tracing.remade import (
    added,
    aligned,
    argument,
    compared,
    folded,
    other_half,
    product_of,
    refolded,
    shifted,
    then,
    then_sum,
    to_power,
    weighed,
    with_function,
    with_square,
)
from clearprop.gradcheck.tracing.trace import Vertex, get, put
from clearprop.gradcheck.tracing.wording import wrapped

SUMS: Final = {np.sum, np.mean}


class OperationEdits(EditMaker):
    """Makes them."""

    def _signs(self, vertex: Vertex) -> Iterator[Edit]:
        """Plus for minus, swapped terms, a term too many or weighed wrongly; times for divided by."""
        fn, text = vertex.fn, self._texts(vertex)
        if self.graph.rep(vertex) in self.graph.ends:  # the step of another parameter
            return
        if fn in (np.add, np.subtract) and len(vertex.args) == 2:
            other, sign = (np.subtract, "-") if fn is np.add else (np.add, "+")
            yield Edit(
                vertex,
                with_function(other),
                f"{text[0]} {sign} {wrapped(text[1])}",
                f"the sign before {text[1]} is wrong",
                1.2,
                "sign",
                "Look at the signs.",
            )
            if fn is np.subtract:
                yield Edit(
                    vertex,
                    with_function(np.subtract, (1, 0)),
                    f"{wrapped(text[1])} - {wrapped(text[0])}",
                    f"{text[0]} and {text[1]} are swapped",
                    1.2,
                    "swapped",
                    "Look at the order of the difference.",
                )
            yield from self._weights(vertex, text)
        if fn in (np.multiply, np.divide) and len(vertex.args) == 2:
            inverse, sign = (np.divide, "/") if fn is np.multiply else (np.multiply, "*")
            yield Edit(
                vertex,
                with_function(inverse),
                f"{text[0]} {sign} {wrapped(text[1])}",
                f"{text[0]} is to be {'divided' if fn is np.multiply else 'multiplied'} by {text[1]}",
                1.9,
                "quotient",
                "Look at the products and quotients.",
            )

    def _weights(self, vertex: Vertex, text: list[str]) -> Iterator[Edit]:
        """A term too many, or weighed wrongly."""
        for k in (0, 1):
            yield Edit(
                vertex,
                argument(k),
                text[k],
                f"{text[1 - k]} does not belong here",
                1.7,
                "term-too-many",
                "One term too many.",
            )
            for number in (2.0, 0.5, *self._sizes()):
                terms = [text[0], text[1]]
                terms[k] = f"{number:g} * {wrapped(terms[k])}"
                yield Edit(
                    vertex,
                    weighed(k, number),
                    f"{terms[0]} {SIGNS[vertex.fn]} {terms[1]}",
                    f"{text[k]} must count {times_in_words(number)}",
                    1.8,
                    "weight",
                    "Look at the factor of each term.",
                )

    def _sizes(self) -> list[float]:
        sizes = {n for vertex in self.sheet.backward for n in vertex.shape if n > 2}
        return [f for n in sorted(sizes)[:8] for f in (float(n), 1.0 / n)]

    def _products(self, vertex: Vertex) -> Iterator[Edit]:
        """Products of matrices: transposed or swapped operands."""
        if vertex.fn is np.outer:
            text = self._texts(vertex)
            yield Edit(
                vertex,
                with_function(np.outer, (1, 0)),
                f"np.outer({text[1]}, {text[0]})",
                f"{text[0]} and {text[1]} are swapped",
                1.0,
                "swapped",
                "Look at the order of the operands.",
            )
        if vertex.fn not in PRODUCTS or len(vertex.args) < 2:
            return
        text = self._texts(vertex)
        for order in ((0, 1), (1, 0)):
            for turns in ((0, 0), (1, 0), (0, 1), (1, 1)):
                if order == (0, 1) and turns == (0, 0):
                    continue
                parts = [
                    turned_text(wrapped(text[i])) if turn else wrapped(text[i]) for i, turn in zip(order, turns, strict=True)
                ]
                new = f"{parts[0]} @ {parts[1]}" if vertex.fn is np.matmul else f"np.dot({parts[0]}, {parts[1]})"
                said = product_in_words(text, order, turns)
                yield Edit(
                    vertex,
                    product_of(order, turns),
                    new,
                    said,
                    1.0 + 0.3 * (sum(turns) + (order == (1, 0))),
                    "transposed",
                    "Look at the order and the transposes.",
                )
        yield Edit(
            vertex,
            with_function(aligned),
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
                yield Edit(
                    vertex,
                    refolded(other),
                    self._own(vertex).replace(name, said, 1),
                    f"it is the {said} that is meant",
                    1.1,
                    "fold",
                    "Sum or mean?",
                )
            for axis in (None, *range(np.ndim(inner.value))):
                for keep in (False, True):
                    said = f"it is to be summed over axis {axis}" if axis is not None else "it is to be summed over everything"
                    prior = 1.0 + 0.1 * (np.ndim(inner.value) - (0 if keep else 1) != len(shape) and axis is not None)
                    yield Edit(
                        vertex,
                        folded(vertex.fn, axis, keep),
                        f"np.{name}({text}, axis={axis}{', keepdims=True' if keep else ''})",
                        said,
                        prior,
                        "axis",
                        "Look at the axis of the sum.",
                    )
            yield Edit(vertex, argument(0), text, "it is not to be summed", 1.5, "not-summed", "Look at the sum.")
        elif vertex.floating and vertex.value.ndim if isinstance(vertex.value, np.ndarray) else False:
            own = self._own(vertex)
            for axis in range(vertex.value.ndim):
                for keep in (True, False):
                    yield Edit(
                        vertex,
                        then_sum(self.graph, axis, keep),
                        f"np.sum({own}, axis={axis}{', keepdims=True' if keep else ''})",
                        f"it must be summed over the examples, axis {axis}",
                        1.5,
                        "not-summed",
                        "Look at the sum over the examples.",
                        place=self._line_of_name(vertex, axis, keep),
                    )

    def _line_of_name(self, vertex: Vertex, axis: int, keep: bool) -> tuple[str, int, str] | None:
        """The line `db = dz` that named what is not summed, with the sum, where it was used in a line of its own."""
        for inner in (v for v in self.graph.inputs(vertex) if v.shape == vertex.shape):
            for each in self.graph.all_of(inner):
                for name, file, line in reversed(self.graph.trace.aliases.get(each, [])):
                    source = self.words.line(file, line)
                    if name != "return" and source.startswith(f"{name} = "):
                        old = source.split("=", 1)[1].strip()
                        return file, line, f"{name} = np.sum({old}, axis={axis}{', keepdims=True' if keep else ''})"
        return None

    def _powers(self, vertex: Vertex) -> Iterator[Edit]:
        """A square that is missing or too many."""
        if vertex.fn is np.power and not isinstance(vertex.args[1], Vertex):
            text = self._texts(vertex)
            for power in (1, 2, 3, -1, -0.5, -1.5, 0.5):
                yield Edit(
                    vertex,
                    to_power(float(power)),
                    f"{wrapped(text[0])}**{power}" if power != 1 else text[0],
                    f"the power is {power}",
                    1.2,
                    "power",
                    "Look at the power.",
                )
        elif vertex.floating and vertex.fn is not None:
            own = self._own(vertex)
            yield Edit(
                vertex,
                then(self.graph, np.square),
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
                    argument(0),
                    text[0],
                    f"{text[0]} itself is meant",
                    1.6,
                    "function-too-many",
                    "One function too many.",
                )
        yield from self._squares(vertex)

    def _squares(self, vertex: Vertex) -> Iterator[Edit]:
        """The square of a term of a sum."""
        if vertex.fn in (np.subtract, np.add):
            text = self._texts(vertex)
            for k in (0, 1):
                if isinstance(vertex.args[k], Vertex) and vertex.args[k] in self.sheet.live and vertex.args[k].floating:
                    terms = [text[0], text[1]]
                    terms[k] = f"{wrapped(terms[k])}**2"
                    yield Edit(
                        vertex,
                        with_square(k),
                        f"{terms[0]} {SIGNS[vertex.fn]} {terms[1]}",
                        f"the square of {text[k]} is meant",
                        1.1,
                        "power",
                        "Look at the powers.",
                    )

    def _masks(self, vertex: Vertex) -> Iterator[Edit]:
        """Comparisons: of another value, or the other way round."""
        names = {np.greater: ">", np.less: "<", np.greater_equal: ">=", np.less_equal: "<="}
        if vertex.fn not in names:
            return
        text = self._texts(vertex)
        for fn, sign in names.items():
            if fn is not vertex.fn:
                yield Edit(
                    vertex,
                    with_function(fn),
                    f"{text[0]} {sign} {text[1]}",
                    f"the mask is the wrong way round: {text[0]} {sign} {text[1]}",
                    1.2,
                    "mask",
                    "Look at the mask.",
                )
        for number in (0.0, 1.0, 0.5):
            yield Edit(
                vertex,
                compared(number),
                f"{text[0]} {names[vertex.fn]} {number:g}",
                f"the mask compares with {number:g}",
                1.4,
                "mask",
                "Look at the mask.",
            )

    def _writes(self, vertex: Vertex) -> Iterator[Edit]:
        """Written over where it should be added; parts read at other places."""
        if vertex.fn is put and vertex.floating:
            file, line = self.words.place(vertex.stack)
            text = self._own(vertex)
            right = self.words.line(file, line).replace(" = ", " += ", 1)
            yield Edit(
                vertex,
                added,
                text,
                "what is written here replaces what was there; it must be added (+=)",
                1.0,
                "overwritten",
                "Look at what is overwritten.",
                place=(file, line, right),
            )
        if vertex.fn is get and vertex.floating and isinstance(vertex.args[1], (int, np.integer, slice)):
            text = self._own(vertex)
            for shift in (-1, 1):
                yield Edit(
                    vertex, shifted(shift), text, f"the index is off by {abs(shift)}", 1.6, "index", "Look at the index."
                )
            if isinstance(vertex.args[1], slice):
                yield Edit(vertex, other_half, text, "the other part of it is meant", 1.3, "index", "Look at the slice.")

    def _turned(self, vertex: Vertex) -> Iterator[Edit]:
        """The value itself, transposed; its complement; its softmax-like axis."""
        if not vertex.floating or vertex.fn is None:
            return
        own = self._own(vertex)
        if np.ndim(vertex.value) == 2:
            yield Edit(
                vertex,
                then(self.graph, np.transpose),
                f"{wrapped(own)}.T",
                "it must be transposed",
                1.3,
                "transposed",
                "Look at the transposes.",
            )
        yield Edit(
            vertex,
            then(self.graph, lambda x: 1.0 - x),
            f"1 - {wrapped(own)}",
            f"1 - {own} is meant",
            1.7,
            "complement",
            "Look at what is subtracted from 1.",
        )
        if np.ndim(vertex.value) == 2 and min(vertex.shape) > 1:
            yield Edit(
                vertex,
                then(self.graph, lambda x: x[::-1, ::-1]),
                f"{own}[::-1, ::-1]",
                "the filter is flipped",
                1.5,
                "flipped",
                "Is the filter flipped?",
            )
