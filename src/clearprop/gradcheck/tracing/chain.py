"""The chain rule, written out in the program's own names.

Where the derivative by some value of the forward pass is wrong, what it ought to be follows from what is right: the
derivative by the next value, and the operation between the two. This gives the right line even where no small edit of the
wrong one does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.nonlinear import Bend
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.trace import Stack, Vertex
from clearprop.gradcheck.tracing.trial_points import same_direction
from clearprop.gradcheck.tracing.wording import Words, wrapped

DEEPEST: Final = 6


@dataclass(frozen=True)
class Derived:
    """An expression for a derivative.

    Attributes
    ----------
    text : str
    factor : float
        It is so many times the derivative of the loss.
    """

    text: str
    factor: float


class Chain:
    """Writes derivatives from values that are right and known before a place.

    Parameters
    ----------
    sheet : Sheet
    words : Words
    bends : list of Bend
    near : Stack
        The place, for names.
    before : int
        Number of the value at the place: only what was made before it may be used.
    """

    def __init__(self, sheet: Sheet, words: Words, bends: list[Bend], near: Stack, before: int) -> None:
        self.sheet, self.words, self.graph, self.near = sheet, words, sheet.graph, near
        self.bends = {bend.z: bend for bend in bends}
        self.known: dict[Vertex, tuple[Vertex, float]] = {}
        here = near[0][0] if near else None
        loss = sheet.loss.vertex
        if loss.fn is np.sum and isinstance(loss.args[0], Vertex) and sheet.graph.rep(loss.args[0]).fn is np.multiply:
            out, given = (sheet.graph.rep(a) for a in sheet.graph.rep(loss.args[0]).args)
            if given.fn is None and given not in sheet.live and given.names:
                self.known[out] = given, 1.0
        for vertex in sorted(sheet.backward, key=lambda v: v.number):
            if vertex.number < before and vertex.names and vertex not in sheet.forward:
                local = any(code is here for code, _ in vertex.stack[:1])
                for target, factor in sheet.matches(vertex):
                    if target.use is None and (target.by not in self.known or local):
                        self.known[target.by] = vertex, factor

    def of(self, vertex: Vertex, depth: int = 0) -> Derived | None:
        """The derivative of the loss by a value of the forward pass."""
        vertex = self.graph.rep(vertex)
        if vertex in self.known:
            right, factor = self.known[vertex]
            name = self.words.name(right, self.near)
            if name:
                return Derived(name, factor)
        error = self._error(vertex)
        if error is not None or depth > DEEPEST:
            return error
        if vertex in self.bends:
            bend = self.bends[vertex]
            outer = self.of(bend.a, depth + 1)
            z, a = self.words.pair(bend.z, bend.a, self.near)
            if outer is None or not bend.name or not (a or z):
                return None
            return Derived(f"{wrapped(outer.text)} * {wrapped(bend.formula(z, a))}", outer.factor)
        soft = self._softmax(vertex, depth)
        if soft is not None:
            return soft
        users = [u for u in self.graph.users.get(vertex, ()) if all((vertex, u) in edges for edges in self.sheet.edges)]
        if len(users) != 1:
            return None
        return self._through(vertex, users[0], depth)

    def _softmax(self, vertex: Vertex, depth: int) -> Derived | None:
        """Through a softmax, with all of its Jacobian."""
        if vertex.size < 2 or len(vertex.shape) > 2:
            return None
        for axis in (-1, 0):
            z = self.sheet.arrays(vertex)
            e = [np.exp(a - a.max(axis=axis, keepdims=True)) for a in z]
            p = [a / a.sum(axis=axis, keepdims=True) for a in e]
            for other in self.sheet.forward:
                if (
                    other.shape == vertex.shape
                    and other in self.sheet.live
                    and np.allclose(self.sheet.arrays(other)[0], p[0], rtol=1e-9)
                ):
                    outer, name = self.of(other, depth + 1), self.words.name(other, self.near)
                    if outer is not None and name and other is not vertex:
                        keep = f"axis={axis % max(len(vertex.shape), 1)}, keepdims=True"
                        return Derived(f"{name} * ({outer.text} - ({wrapped(outer.text)} * {name}).sum({keep}))", outer.factor)
        return None

    def _through(self, vertex: Vertex, user: Vertex, depth: int) -> Derived | None:
        """The derivative by an input of an operation, from that by its value."""
        outer = self.of(user, depth + 1)
        if outer is None or len(user.args) > 2:
            return None
        args: list[Any] = [self.graph.rep(a) if isinstance(a, Vertex) else a for a in user.args]
        k = 0 if args[0] is vertex else 1
        other: Any = args[1 - k] if len(args) > 1 else None
        name = self.words.name(other, self.near) if isinstance(other, Vertex) else repr(other)
        inner = wrapped(outer.text)
        if user.fn in (np.matmul, np.dot) and vertex.value.ndim == 2 and user.value.ndim == 2 and name:
            return Derived(f"{inner} @ {_transposed(name)}" if k == 0 else f"{_transposed(name)} @ {inner}", outer.factor)
        if user.fn is np.transpose and len(user.args) == 1:
            return Derived(f"{inner}.T", outer.factor)
        if user.fn in (np.add, np.subtract):
            text = f"-{inner}" if user.fn is np.subtract and k == 1 else outer.text
            return Derived(self._summed(text, vertex, user), outer.factor)
        if user.fn is np.multiply and name and np.size(getattr(other, "value", other)) >= 1:
            return Derived(self._summed(f"{inner} * {wrapped(name)}", vertex, user), outer.factor)
        if user.fn is np.divide and k == 0 and name:
            return Derived(self._summed(f"{inner} / {wrapped(name)}", vertex, user), outer.factor)
        return None

    def _summed(self, text: str, vertex: Vertex, user: Vertex) -> str:
        """The text, summed over the axes along which the value was repeated."""
        if vertex.shape == user.shape:
            return text
        if len(vertex.shape) == len(user.shape) == 2:
            axis = 0 if vertex.shape[0] == 1 else 1
            return f"np.sum({text}, axis={axis}, keepdims=True)"
        return f"np.sum({text}, axis=0)"

    def _error(self, vertex: Vertex) -> Derived | None:
        """Prediction minus target, where the derivative is proportional to that."""
        slope = self.sheet.slope(vertex)
        if slope is None or not slope[0].size:
            return None
        like = [v for v in self.sheet.forward if v.shape == vertex.shape and any(m.names for m in self.graph.all_of(v))]
        targets = [v for v in like if v not in self.sheet.live and v.size > 1][:6]
        for prediction in [v for v in like if v in self.sheet.live and v.floating][:12]:
            for target in targets:
                made = [a - t for a, t in zip(self.sheet.arrays(prediction), self.sheet.arrays(target), strict=True)]
                factor = same_direction(made, slope)
                if factor is not None and factor > 0:
                    a, t = self.words.name(prediction, self.near), self.words.name(target, self.near)
                    return Derived(f"({a} - {t})", factor)
        return None


def _transposed(name: str) -> str:
    return name[:-2] if name.endswith(".T") else f"{wrapped(name)}.T"
