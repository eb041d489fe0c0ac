"""Losses that a program does not compute, inferred from the error term with which its gradients begin.

A program that computes no loss, or only prints some other measure, still shows it in the difference of its prediction and its
target, `y_hat - y`: from that, the usual losses are built and tried.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.derivative_rules import is_elementwise
from clearprop.gradcheck.tracing.gradient_in_step import only_scales
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.instructions import starts_with_literal
from clearprop.gradcheck.tracing.loss_search import LINKED, Sought
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.trace import Vertex, get, put, value_of

MOST_PAIRS: Final = 256  # predictions and targets of one place


def error_terms(graph: Graph, moves: list[Move], before: set[Vertex]) -> list[list[tuple[Vertex, Any]]]:
    """Pairs of a prediction and a target for each place at which the program computes an error."""
    gradients = [g for move in moves for g in move.gradients]
    backward = graph.ancestors(gradients, [piece.moved for move in moves for piece in move.pieces])
    terms: dict[Any, list[tuple[tuple[Vertex, Any], int]]] = {}
    minus_one: set[Any] = set()  # places that may hold the 1 - a of a derivative
    inside, last = backward & before, max((g.number for g in gradients), default=0)
    begun = {rest for v in inside if (rest := _begun(graph, v, before)) is not None}
    cuts = {graph.rep(piece.moved) for move in moves for piece in move.pieces}
    for vertex in sorted(inside - begun, key=lambda v: v.number):
        pair = _error_term(graph, vertex, before)
        if pair is not None and not _is_decay(graph, pair[0], cuts):
            made = [m for m in graph.all_of(vertex) if m.number <= last and m.stack]  # the printed loss may compute it, too
            place = (made[-1] if made else vertex).stack[:1]
            times = sum(m.stack[:1] == place for m in made)  # rows of a table may be equal
            terms.setdefault(place, []).append((pair, max(times, 1)))
            if starts_with_literal(vertex):
                minus_one.add(place)
    found = []
    for place, counted in list(terms.items())[:6]:
        numbers = {float(np.ravel(value_of(t))[0]) for (_, t), _ in counted if _is_plain(t)}
        if numbers == {1.0} and place in minus_one:
            continue
        found.append(_repeated(graph, counted))
    return found


def _repeated(graph: Graph, counted: list[tuple[tuple[Vertex, Any], int]]) -> list[tuple[Vertex, Any]]:
    """The pairs of a place, each as often as its example came; once, if all came as often as each other."""
    known = {(graph.rep(a), id(t)): ((graph.rep(a), t), times) for (a, t), times in counted}
    least = min(times for _, times in known.values())
    return [pair for pair, times in known.values() for _ in range(times if times % least else times // least)][:MOST_PAIRS]


def _is_decay(graph: Graph, prediction: Vertex, cuts: set[Vertex]) -> bool:
    """Whether a term is no prediction, but a parameter times a number, as weight decay adds it to a gradient."""
    return prediction not in cuts and any(only_scales(graph, prediction, cut) for cut in cuts)


def _is_plain(target: Any) -> bool:
    """Whether a target is one number of the source."""
    if isinstance(target, Vertex):
        return target.fn is None and target.kind == "literal" and target.size == 1
    return isinstance(target, (int, float, np.generic))


def inferred_losses(graph: Graph, moves: list[Move], before: set[Vertex]) -> list[Sought]:
    """Losses whose gradient begins with an error term of the program."""
    found: list[Sought] = []
    for pairs in error_terms(graph, moves, before):
        for kind, build in LOSSES_OF_TERMS.items():
            try:
                with np.errstate(all="ignore"):
                    total = graph.total([build(graph, a, t) for a, t in pairs])
            except (ValueError, TypeError, IndexError):
                continue
            if np.isfinite(total.value):
                first = pairs[0]
                found.append(Sought(total, kind, 0, first[0], first[1] if isinstance(first[1], Vertex) else None))
    return found


def _begun(graph: Graph, vertex: Vertex, before: set[Vertex]) -> Vertex | None:
    """The difference from which a term is subtracted further: target - bias, in target - bias - weight * x."""
    first, second = (*vertex.args, None, None)[:2]
    if vertex.fn is not np.subtract or not isinstance(first, Vertex) or not isinstance(second, Vertex):
        return None
    first = graph.rep(first)
    alone = first.fn is np.subtract and graph.rep(second) in before and graph.users.get(first) == [graph.rep(vertex)]
    return first if alone and _error_term(graph, first, before) is not None else None


def _error_term(graph: Graph, vertex: Vertex, before: set[Vertex]) -> tuple[Vertex, Any] | None:
    """Prediction and target, if the vertex is their difference or quotient."""
    fn = vertex.fn
    begun = _begun(graph, vertex, before)
    pair = _error_term(graph, begun, before) if begun is not None else None
    if begun is not None and pair is not None and graph.rep(begun.args[0]) is not pair[0]:
        return graph.add(np.add, pair[0], graph.rep(vertex.args[1])), pair[1]
    args: list[Any] = [graph.rep(a) if isinstance(a, Vertex) else a for a in vertex.args]
    if fn is np.subtract:
        for a, t in (args, args[::-1]):
            if isinstance(a, Vertex) and a in before and a.floating and not (isinstance(t, Vertex) and t in before):
                literal = not isinstance(t, Vertex) or (t.fn is None and t.kind == "literal" and t.size == 1)
                if np.size(value_of(t)) == 1 and a.size > 1 and literal:
                    return None
                return a, t
    if fn is np.add and isinstance(args[1], Vertex) and args[1].fn is np.negative:
        a, t = args[0], graph.rep(args[1].args[0]) if isinstance(args[1].args[0], Vertex) else None
        if isinstance(a, Vertex) and t is not None and (a in before) != (t in before):
            return (a, t) if a in before else (t, a)
    if fn is np.divide and isinstance(args[1], Vertex) and args[1] in before and args[1].floating:
        t = args[0]
        if isinstance(t, Vertex) and t not in before and t.shape == args[1].shape:
            return args[1], (graph.add(np.negative, t) if np.all(np.asarray(t.value) <= 0) else t)
    if fn is put and len(args) == 2 and isinstance(args[0], Vertex) and args[0] in before and args[0].floating:
        index, value = args[1]
        value = graph.rep(value) if isinstance(value, Vertex) else value
        if isinstance(value, Vertex) and value.fn is np.subtract and isinstance(value.args[0], Vertex):
            source = graph.rep(value.args[0])
            if source.fn is get and graph.rep(source.args[0]) is args[0] and np.all(np.asarray(value_of(value.args[1])) == 1):
                base = graph.constant(np.zeros(args[0].shape), "one-hot")
                target = graph.add(put, base, (index, 1.0), kind="one-hot")
                return args[0], target
    return None


def squared_error(graph: Graph, a: Vertex, t: Any) -> Vertex:
    """Half the sum of squared differences."""
    difference = graph.add(np.subtract, a, t)
    return graph.add(np.multiply, graph.add(np.sum, graph.add(np.multiply, difference, difference)), 0.5)


def cross_entropy(graph: Graph, a: Vertex, t: Any) -> Vertex:
    """Minus the sum of t log a."""
    return graph.add(np.negative, graph.add(np.sum, graph.add(np.multiply, t, graph.add(np.log, a))))


def binary_cross_entropy(graph: Graph, a: Vertex, t: Any) -> Vertex:
    """Minus the sum of t log a + (1 - t) log(1 - a)."""
    rest = graph.add(np.multiply, graph.add(np.subtract, 1.0, t), graph.add(np.log, graph.add(np.subtract, 1.0, a)))
    both = graph.add(np.add, graph.add(np.multiply, t, graph.add(np.log, a)), rest)
    return graph.add(np.negative, graph.add(np.sum, both))


def held(x: Any) -> Any:
    """A value that counts as a constant in derivatives."""
    return x


def linked(graph: Graph, a: Vertex, t: Any) -> Vertex:
    """A loss whose derivative by the pre-activation of a is a - t; its value means nothing."""
    z = _preactivation(graph, a)
    if z is a:
        raise ValueError("a is no activation")
    difference = graph.add(held, graph.add(np.subtract, a, t))
    return graph.add(np.sum, graph.add(np.multiply, difference, z))


def _preactivation(graph: Graph, vertex: Vertex) -> Vertex:
    """The value that a chain of element-wise operations began with."""
    while vertex.fn is not None and is_elementwise(vertex.fn):
        live = [v for v in graph.inputs(vertex) if v.floating and v.shape == vertex.shape]
        if len(live) != 1 or len([v for v in graph.inputs(vertex) if v.shape != ()]) != 1:
            break
        others = [v for v in graph.inputs(vertex) if v is not live[0]]
        if live[0] in graph.ancestors(others):  # divided by the sum of all: no function of each number alone
            break
        vertex = live[0]
    return vertex


LOSSES_OF_TERMS = {
    "the squared error": squared_error,
    "cross-entropy": cross_entropy,
    "binary cross-entropy": binary_cross_entropy,
    LINKED: linked,
}
