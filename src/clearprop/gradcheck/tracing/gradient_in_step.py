"""The gradient in a step: what is left of the term that moves a parameter, without all that an optimizer makes of it.

`stripped` goes back from the term to the gradient in it: through constant factors, momentum, the division by a root of
averaged squares, clipping.
"""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.derivative_rules import MOVING, is_elementwise
from clearprop.gradcheck.tracing.gradient_names import stem, stems_of_gradient
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.trace import Vertex, get, put, value_of

NEVER_RESET: Final = "a gradient that is never set to 0"
BOUNDARY: Final = Vertex(None, (), {}, 1.0, "boundary")
"""Stands between the constants of a step and those of the gradient, which has a name of its own."""


def only_scales(graph: Graph, term: Vertex, moved: Vertex) -> bool:
    """Whether a term is the parameter times constants."""
    while graph.rep(term) is not graph.rep(moved):
        if term.fn not in (np.multiply, np.divide) or len(term.inputs) == 0:
            return False
        inner = [other for other in term.inputs if other.shape == moved.shape and other.size > 1]
        if moved.size == 1:
            inner = [other for other in term.inputs if other.bits & moved.mark]
        if len(inner) != 1 or any(other.bits & moved.mark for other in term.inputs if other is not inner[0]):
            return False
        term = inner[0]
    return True


def stripped(
    graph: Graph, term: Vertex, moved: Vertex, how: set[str], factors: list[tuple[float, Vertex]], data: bool = False
) -> tuple[float, Vertex]:
    """The gradient inside a step, and the constant factor before it; each of its parts is added to `factors`.

    Parameters
    ----------
    data : bool
        Whether plain numbers are data, so that they belong to the gradient.
    """
    factor = 1.0
    while True:
        following = _within(graph, graph.rep(term), moved, how, data)
        if following is None or following[1] is term:
            return factor, term
        factor *= following[0]
        if abs(following[0]) != 1.0:
            factors.append((following[0], term))
        if following[1].names and not any(v is BOUNDARY for _, v in factors):
            factors.append((1.0, BOUNDARY))
        term = following[1]


def _within(graph: Graph, term: Vertex, moved: Vertex, how: set[str], data: bool = False) -> tuple[float, Vertex] | None:
    """One step towards the gradient: its factor and the value that it was made of; None if this is the gradient."""
    shape, bits = moved.shape, moved.mark
    older = moved.origin.bits if moved.origin is not None else 0
    fn = term.fn
    args: list[Any] = [graph.rep(a) if isinstance(a, Vertex) else a for a in term.args]
    if fn is np.negative and isinstance(args[0], Vertex):
        return -1.0, args[0]
    if fn in (np.clip, np.nan_to_num) and isinstance(args[0], Vertex):
        how.add("clipping")
        return 1.0, args[0]
    cut_off = _cut_off(graph, fn, args)
    if cut_off is not None:
        how.add("clipping")
        return 1.0, cut_off
    if fn in (np.sign,) and isinstance(args[0], Vertex):
        how.add("the sign alone")
        return 1.0, args[0]
    if fn is put and isinstance(args[0], Vertex) and len(args) == 2 and args[0].fn is None:  # grads[:] = g
        written = args[1][1]
        return (1.0, graph.rep(written)) if isinstance(written, Vertex) and written.shape == shape else None
    if fn not in (np.multiply, np.divide, np.add, np.subtract) or len(args) != 2:
        return None
    first, second = args
    if fn in (np.multiply, np.divide):
        return _within_product(graph, fn, first, second, moved, how, data)
    twice = _twice(graph, first, second, 1.0 if fn is np.add else -1.0, moved)
    if twice is not None:
        return twice
    for inner, other, sign in ((first, second, 1.0), (second, first, -1.0 if fn is np.subtract else 1.0)):
        if isinstance(inner, Vertex) and _fits(inner, shape) and inner.bits & bits:
            if not isinstance(other, Vertex) or other.bits & bits or np.shape(other.value) not in (shape, ()):
                continue
            if not np.any(other.value) or (other.bits & older and _went_into(graph, other, moved)):
                if np.any(other.value):
                    how.add(NEVER_RESET if _is_last_gradient(graph, term, other, moved) else "momentum")
                return sign, inner
    return None


def _is_last_gradient(graph: Graph, term: Vertex, other: Vertex, moved: Vertex) -> bool:
    """Whether to a gradient that the last step went by the new one was added, undamped: it was never set to 0."""
    step = moved if moved.step_of is not None else moved.origin
    last = [graph.rep(v) for v in (step.inputs if step is not None else ()) if v is not moved.step_of]
    while last and graph.rep(other) not in last:
        last = [v for each in last if each.fn in (np.multiply, np.divide, np.negative) for v in graph.inputs(each)]
    wanted = {stem(name) for name in moved.names}
    called = [name for each in graph.all_of(term) for name in each.names]
    return bool(last) and any(wanted & set(stems_of_gradient(name)[1:]) or "grad" in name.lower() for name in called)


def _twice(graph: Graph, first: Any, second: Any, sign: float, moved: Vertex) -> tuple[float, Vertex] | None:
    """The value of which both terms are constant multiples, and the sum of these, as in `rate * g + momentum * g`."""
    found = []
    for term in (first, second):
        factor, inner = 1.0, term
        while isinstance(inner, Vertex) and inner.fn in (np.multiply, np.divide) and len(inner.args) == 2:
            left, right = (graph.rep(a) if isinstance(a, Vertex) else a for a in inner.args)
            step = _within_product(graph, inner.fn, left, right, moved, set())
            if step is None:
                break
            factor, inner = factor * step[0], graph.rep(step[1])
        found.append((factor, inner))
    (one, a), (other, b) = found
    total = one + sign * other
    return (total, a) if a is b and isinstance(a, Vertex) and a.shape == moved.shape and total else None


def _went_into(graph: Graph, term: Vertex, moved: Vertex) -> bool:
    """Whether a term is a constant times a value that the last step of the parameter was made of, as a velocity is."""
    while term.fn in (np.multiply, np.divide, np.negative, get):
        inner = [other for other in graph.inputs(term) if other.size > 1 or not _is_setting(graph, other)]
        if len(inner) != 1:
            break
        term = inner[0]
    last = graph.ancestors([moved])
    made_again = term.fn is np.multiply and all(other in last for other in graph.inputs(term))  # delta * x, kept apart
    return term.fn is not None and (term in last or made_again)


def _cut_off(graph: Graph, fn: Any, args: list[Any]) -> Vertex | None:
    """The value that np.where(g > 1, 1, g) or np.minimum(g, 1) cuts off at a bound other than zero; None elsewhere."""
    if fn not in (np.where, np.minimum, np.maximum) or len(args) != (3 if fn is np.where else 2):
        return None
    for inner, bound in (args[-2:], args[:-3:-1]):
        number = np.asarray(value_of(bound))
        if not isinstance(inner, Vertex) or inner.size == 1 or number.size != 1 or not number.any():
            continue
        if fn is not np.where or (isinstance(args[0], Vertex) and inner in graph.inputs(args[0])):
            return inner
    return None


def _within_product(
    graph: Graph, fn: Any, first: Any, second: Any, moved: Vertex, how: set[str], data: bool = False
) -> tuple[float, Vertex] | None:
    """One step towards the gradient through a product or quotient."""
    shape = moved.shape
    for inner, scale in ((first, second), (second, first)):
        if fn is np.divide and inner is second:
            break
        if not isinstance(inner, Vertex) or not _fits(inner, shape) or (np.size(value_of(scale)) != 1 and shape != ()):
            continue
        constant = not data if not isinstance(scale, Vertex) else _is_setting(graph, scale) and (shape != () or _is_rate(scale))
        if constant:
            number = float(np.ravel(value_of(scale))[0])
            if number:
                return (number if fn is np.multiply else 1.0 / number), inner
        elif isinstance(scale, Vertex) and _has_root(graph, scale) and shape != ():
            how.add("a rescaling by the norm")
            return 1.0, inner
    if fn is np.divide and isinstance(second, Vertex) and isinstance(first, Vertex) and _has_root(graph, second):
        how.add("an optimizer with averaged squares")
        return 1.0, first
    if fn is np.multiply:
        for inner, scale in ((first, second), (second, first)):
            if isinstance(scale, Vertex) and isinstance(inner, Vertex) and inner.shape == shape and _inverse_root(graph, scale):
                how.add("an optimizer with averaged squares")
                return 1.0, inner
    return None


def _fits(vertex: Vertex, shape: tuple[int, ...]) -> bool:
    """Whether a value has a shape, or that of its transpose; that of one number stands for a number, too."""
    return vertex.shape in (shape, shape[::-1]) or (vertex.shape == () and np.prod(shape) == 1)


RATES: Final = re.compile(r"rate|lr|eta|alpha|learning|step|speed|momentum|mu|decay", re.IGNORECASE)


def _is_rate(vertex: Vertex) -> bool:
    """Whether a number is called as learning rates are: among plain numbers, data are numbers, too."""
    return any(RATES.search(name) for name in vertex.names)


def _is_setting(graph: Graph, vertex: Vertex) -> bool:
    """Whether a number does not depend on any array of the program: a learning rate, a size."""
    known = graph.settings
    if vertex not in known:
        known[vertex] = False
        if vertex.size == 1:
            inner = graph.inputs(vertex)
            known[vertex] = all(_is_setting(graph, v) for v in inner) if inner else vertex.kind in ("literal", "made", "data")
    return known[vertex]


def _has_root(graph: Graph, vertex: Vertex) -> bool:
    """Whether a square root, or a power of one half, is taken on the way to it, number by number."""
    left, seen = [graph.rep(vertex)], 0
    while left and seen < 20:
        each = left.pop()
        seen += 1
        if each.fn is np.sqrt or (each.fn is np.power and not isinstance(each.args[1], Vertex) and each.args[1] == 0.5):
            return True
        if each.fn is not None and (is_elementwise(each.fn) or each.fn in MOVING):
            left.extend(graph.inputs(each))
    return False


def _inverse_root(graph: Graph, vertex: Vertex) -> bool:
    return vertex.fn is np.divide and isinstance(vertex.args[1], Vertex) and _has_root(graph, vertex.args[1])
