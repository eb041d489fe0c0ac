"""An edit, and what all kinds of edits share: the sheet, the words, and how a value is spoken of at its line."""

from __future__ import annotations

import abc
import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.nonlinear import Bend, find_bends
from clearprop.gradcheck.tracing.remade import Make
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.trace import Vertex
from clearprop.gradcheck.tracing.wording import Words, wrapped

PRODUCTS: Final = {np.matmul: "@", np.dot: ".dot"}
SIGNS: Final[dict[Any, str]] = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.matmul: "@"}
"""Products of matrices, and operators, as they are written."""


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


class EditMaker(abc.ABC):
    """Maker of the edits of one kind.

    Parameters
    ----------
    sheet : Sheet
    words : Words
    """

    _home: dict[Vertex, Bend | None]
    _at: Vertex

    def __init__(self, sheet: Sheet, words: Words) -> None:
        self.sheet, self.words, self.graph = sheet, words, sheet.graph
        seen_last(sheet)
        self.bends = find_bends(sheet)
        self.pool = named_values(sheet)
        self._made_of: dict[Vertex, set[Vertex]] = {}

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
        return next(iter(related or same), None)

    def _close(self, vertex: Vertex, most: int) -> set[Vertex]:
        found, left = {vertex}, [vertex]
        while left and len(found) < most:
            each = left.pop(0)
            for other in self.graph.inputs(each):
                if other not in found:
                    found.add(other)
                    left.append(other)
        return found

    def _after_of(self, vertex: Vertex) -> set[Vertex]:
        """All that was made of a value."""
        if vertex not in self._made_of:
            self._made_of[vertex] = self.graph.descendants([vertex], self.sheet.backward)
        return self._made_of[vertex]


def seen_last(sheet: Sheet) -> None:
    """Let values that both passes compute be spoken of where the backward pass does: the last place that made them."""
    last = max((g.number for move in sheet.moves for g in move.gradients), default=0)
    for vertex in sheet.backward & sheet.live & sheet.forward:
        later = [m for m in sheet.graph.all_of(vertex) if m.number <= last and m.stack]
        if len(later) > 1 and vertex not in sheet.cuts:
            vertex.stack = later[-1].stack


def named_values(sheet: Sheet) -> list[Vertex]:
    """Values that have a name: parameters, data, activations, and derivatives."""
    graph, found = sheet.graph, []
    for vertex in sorted(sheet.forward | sheet.backward | set(sheet.cuts), key=lambda v: v.number):
        named = any(each.names for each in graph.all_of(vertex))
        if vertex.size > 0 and np.asarray(vertex.value).dtype.kind == "f" and named:
            found.append(vertex)
    return found[:400]


def scaled_text(text: str, factor: float) -> str:
    """The expression times a factor, as one would write it."""
    if abs(factor - round(factor)) < 1e-6 and factor > 1:
        return f"{round(factor)} * {wrapped(text)}"
    inverse = 1.0 / factor
    if abs(inverse - round(inverse)) < 1e-6 and inverse > 1:
        return f"{wrapped(text)} / {round(inverse)}"
    return f"{factor:.9g} * {wrapped(text)}"


def turned_text(text: str) -> str:
    """The text of a transpose."""
    return text[:-2] if text.endswith(".T") else f"{text}.T"


def product_in_words(text: list[str], order: tuple[int, int], turns: tuple[int, int]) -> str:
    """The mistake in a product, in words."""
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


def times_in_words(number: float) -> str:
    """A factor in words."""
    return {2.0: "twice", 0.5: "half"}.get(number, f"{number:g} times")


def inner_of(graph: Any, vertex: Vertex, helper: Vertex) -> set[Vertex]:
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
