"""Margins: what a program descends that moves its parameters only where a test of a margin tells it to.

A perceptron and a support vector machine need no loss: they ask whether y (w x + b) < 1, and if so, they move w by y x. That
is a step down max(0, 1 - y (w x + b)), the hinge loss, whose derivative does not depend on w at all. So such a step is found by
the test before it, and the loss by what the test compares.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.inferred_losses import error_terms
from clearprop.gradcheck.tracing.loss_search import HINGE, Sought, best_loss, named_like_a_loss, whole
from clearprop.gradcheck.tracing.steps import Move, name_of, piece_of, rest_of
from clearprop.gradcheck.tracing.trace import Vertex, value_of
from clearprop.gradcheck.tracing.trial_points import find_points
from clearprop.gradcheck.tracing.weight_decay import without_decay

BELOW: Final = (np.less, np.less_equal)
TESTS: Final = (*BELOW, np.greater, np.greater_equal)
PRODUCTS: Final = (np.matmul, np.dot, np.multiply, np.inner)
MOST: Final = 200  # tests of one line that make one loss


def hinge_losses(graph: Graph, moves: list[Move], before: set[Vertex]) -> list[Sought]:
    """Hinge losses whose margins the program tests, before its steps or for a mask in its gradients.

    Parameters
    ----------
    before : set of Vertex
        All that depends on the parameters of the round.
    """
    tests = sorted((v for v in before if v.fn in TESTS), key=lambda v: v.number)
    numbers = [piece.step.number for move in moves for piece in move.pieces if piece.step is not None]
    asked = [v for v in tests if v in graph.guards and v.number < min(numbers, default=0)]
    found = [_side(graph, v, graph.guards[v]) for v in asked[-1:]]
    alike = [v for v in asked if v.stack[:1] == asked[-1].stack[:1]][:MOST]
    for truth in (True, False) if len(alike) > 1 else ():
        parts = [_side(graph, v, truth) for v in alike if graph.guards[v] is truth]
        if parts:
            found.append(graph.total(parts))
            found[-1].stack = parts[0].stack
    masks = graph.ancestors([g for move in moves for g in move.gradients])
    for test in [v for v in tests if v in masks and v.size > 1 and _has_threshold(v, before)]:
        for truth in (True, False):
            short = graph.add(np.sum, graph.add(np.maximum, 0.0, _side(graph, test, truth)))
            short.stack = test.stack
            found.append(short)
    return [Sought(each, HINGE) for each in found]


def guarded_moves(graph: Graph, moves: list[Move]) -> list[Move]:
    """Steps by what does not depend on the parameter, after a test that does.

    There are none unless a loss explains them: a program may test anything before it moves something.
    """
    known = {piece.moved.origin for move in moves for piece in move.pieces}
    found: dict[Any, Move] = {}
    for vertex in graph.trace.set_by_hand:
        moved = vertex.args[0]
        if moved.origin is None or moved.origin in known or moved.version or graph.rep(vertex) in graph.ends:
            continue
        if not any(test.fn in TESTS and test.bits & moved.mark and test.number < vertex.number for test in graph.guards):
            continue
        move = Move("", 0)
        piece = piece_of(graph, vertex, moved, rest_of(vertex, moved) or _number(graph, vertex), move)
        if piece is not None and (moved.origin, vertex.stack[:1]) not in found:
            move.pieces.append(piece)
            move.name = name_of(graph, move)
            found[moved.origin, vertex.stack[:1]] = move
            known.add(moved.origin)
    guarded = list(found.values())
    if not guarded or not _explained(graph, [*(move for move in moves if move.round == 0), *guarded], guarded):
        return []
    graph.ends |= {graph.rep(piece.step) for move in guarded for piece in move.pieces if piece.step is not None}
    return guarded


def _number(graph: Graph, step: Vertex) -> list[tuple[float, Vertex]]:
    """The plain number that is added in a step, with its sign: the label 1 or -1 moves a bias."""
    term = graph.constant(np.float64(step.args[1]), "data")
    term.stack = step.stack
    return [(1.0 if step.fn is np.add else -1.0, term)]


def _explained(graph: Graph, moves: list[Move], guarded: list[Move]) -> bool:
    """Whether a hinge loss has the gradient of one of the parameters, or a loss is computed of what they are moved by."""
    cuts = list(dict.fromkeys(graph.rep(whole(piece.moved)) for move in moves for piece in move.pieces))
    before = graph.descendants(cuts)
    if not is_margin_only(graph, moves, before):
        return any(_meets_data(graph, move, before) for move in guarded)
    losses = hinge_losses(graph, moves, before)
    points = find_points(graph, cuts, [*(g for move in moves for g in move.gradients), *(each.vertex for each in losses)])
    several = [move for move in moves if sum(piece.moved.size for piece in move.pieces) > 1]
    bare = [without_decay(graph, move) for move in several]
    best = best_loss(graph, losses, bare, points) if points and several else None
    return best is not None and best.explained > 0


def _meets_data(graph: Graph, move: Move, before: set[Vertex]) -> bool:
    """Whether what a parameter is moved by is made of data that it is multiplied by in the forward pass."""
    made = graph.ancestors(move.gradients)
    products = [v for v in before if v.fn in PRODUCTS and any(other in before for other in graph.inputs(v))]
    data = {other for v in products for other in graph.inputs(v) if other not in before and other.size > 1}
    return any(v in made and v not in move.gradients for v in data)


def is_margin_only(graph: Graph, moves: list[Move], before: set[Vertex]) -> bool:
    """Whether neither a loss nor an error is computed, so that only a margin can tell what is descended."""
    named = any(v.size == 1 and v.floating and v.fn is not None and named_like_a_loss(graph, v) for v in before)
    return not named and not error_terms(graph, moves, before)


def _side(graph: Graph, test: Vertex, truth: bool) -> Vertex:
    """The difference of what a test compares, positive where it turns out so."""
    first, second = test.args
    below = (test.fn in BELOW) is truth
    made = graph.add(np.subtract, second, first) if below else graph.add(np.subtract, first, second)
    made.stack = test.stack
    return made


def _has_threshold(test: Vertex, live: set[Vertex]) -> bool:
    """Whether a test compares with something other than 0, as the mask of a rectifier does."""
    return any(np.any(value_of(each)) for each in test.args if not (isinstance(each, Vertex) and each in live))
