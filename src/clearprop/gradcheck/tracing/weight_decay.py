"""Weight decay: the terms of a gradient that only shrink the parameter, and belong to a penalty that no loss speaks of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from clearprop.gradcheck.tracing.gradient_in_step import only_scales
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.loss_search import whole
from clearprop.gradcheck.tracing.steps import Move, Piece
from clearprop.gradcheck.tracing.trace import Vertex, get, value_of


def penalised(graph: Graph, moves: list[Move]) -> bool:
    """Whether the program computes a penalty: a number made of one parameter and of no data. Then decay has a loss.

    One entry of a parameter is none, and neither is the product of two, such as a rating that factors predict.
    """
    cuts = {graph.rep(whole(piece.moved)) for move in moves for piece in move.pieces}
    for vertex in graph.descendants(cuts):
        if (
            vertex.size == 1
            and vertex.fn not in (None, get)
            and vertex.floating
            and any(other.size > 1 for other in graph.inputs(vertex))
        ):
            made_of = graph.ancestors([vertex], cuts) | {vertex}
            leaves = {v for v in made_of if v.fn is None and v not in cuts}
            if all(leaf.size == 1 for leaf in leaves) and len(made_of & cuts) == 1:
                return True
    return False


def without_decay(graph: Graph, move: Move) -> Move:
    """The move without the terms of its gradient that are constant multiples of the parameter; itself if it has none."""
    pieces = [_without_decay(graph, piece) for piece in move.pieces]
    if all(new is old for new, old in zip(pieces, move.pieces, strict=True)):
        return move
    return replace(move, pieces=pieces, how={*move.how, "weight decay"})


def _without_decay(graph: Graph, piece: Piece) -> Piece:
    gradient, factor = graph.rep(piece.gradient), piece.factor
    if only_scales(graph, gradient, piece.moved):
        return piece
    found, scale = _peeled(graph, gradient, piece.moved)
    return piece if found is gradient else replace(piece, gradient=found, made=None, factor=factor * scale)


def _peeled(graph: Graph, gradient: Vertex, moved: Vertex) -> tuple[Vertex, float]:
    """A sum without its terms that only scale the parameter, and the constant factor before it."""
    args = [graph.rep(a) if isinstance(a, Vertex) else a for a in gradient.args[:2]]
    if gradient.fn in (np.add, np.subtract) and all(isinstance(a, Vertex) for a in args):
        first, second = args
        if only_scales(graph, second, moved) or _own_history(graph, second, moved):
            return _peeled(graph, first, moved)
        if only_scales(graph, first, moved) or _own_history(graph, first, moved):
            inner, scale = _peeled(graph, second, moved)
            return inner, scale if gradient.fn is np.add else -scale
    if gradient.fn in (np.multiply, np.divide) and isinstance(args[0], Vertex) and np.size(value_of(args[1])) == 1:
        inner, scale = _peeled(graph, args[0], moved)
        number = float(np.ravel(value_of(args[1]))[0])
        if inner is not args[0] and number:
            return inner, scale * (number if gradient.fn is np.multiply else 1.0 / number)
    return gradient, 1.0


def _own_history(graph: Graph, term: Vertex, moved: Vertex) -> bool:
    """Whether a term is the last step of the parameter times constants: momentum written as m * (W - W_before)."""
    while term.fn in (np.multiply, np.divide):
        inner = [other for other in graph.inputs(term) if other.shape == moved.shape and other.size > 1]
        if len(inner) != 1:
            return False
        term = inner[0]
    if term.fn is not np.subtract or not all(isinstance(arg, Vertex) for arg in term.args):
        return False
    now, before = (graph.rep(arg) for arg in term.args)
    same = before.origin is not None and moved.origin is not None and graph.rep(before.origin) is graph.rep(moved.origin)
    return now is graph.rep(moved) and (same or (before.fn is None and not np.any(before.value)))
