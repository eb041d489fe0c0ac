"""Losses in which each example has a weight of its own, such as the return of a policy gradient.

The weights are found rather than read: they are what the claimed gradient of one parameter is made of, if its many numbers at
several points are one sum of the gradients of the examples, with the same weights at each point.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.inferred_losses import LOSSES_OF_TERMS, error_terms, held, squared_error
from clearprop.gradcheck.tracing.loss_search import Sought, truth
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.trace import Vertex
from clearprop.gradcheck.tracing.trial_points import Point

MOST: Final = 40  # examples
CLOSE: Final = 1e-7
MOST_DIFFERENCES: Final = 6
HELD: Final = "the squared error, whose target is held fixed"
WEIGHTED: Final = ", with a weight for each example"


def weighted_losses(graph: Graph, moves: list[Move], before: set[Vertex], points: list[Point]) -> list[Sought]:
    """Sums of the usual losses of examples, with the weights that explain the gradient of some parameter."""
    found = []
    for pairs in error_terms(graph, moves, before):
        if not 1 < len(pairs) <= MOST:
            continue
        for kind, build in LOSSES_OF_TERMS.items():
            try:
                with np.errstate(all="ignore"):
                    parts = [build(graph, a, t) for a, t in pairs]
                    weights = _weights(graph, parts, moves, points)
            except (ValueError, TypeError, IndexError, ArithmeticError):
                continue
            if weights is not None:
                found.append(Sought(_total(graph, parts, weights), kind + WEIGHTED, 0, pairs[0][0]))
    return found


def losses_with_held_targets(graph: Graph, moves: list[Move], before: set[Vertex]) -> list[Sought]:
    """Squared errors between two values that both depend on the parameters, one of which is held fixed.

    The target of Q-learning is made of predictions, but what is descended is the error to it as if it were given.
    """
    cuts = [graph.rep(piece.moved) for move in moves for piece in move.pieces]
    inside = graph.ancestors([g for move in moves for g in move.gradients], cuts) & before
    found = []
    for vertex in sorted((v for v in inside if v.fn is np.subtract), key=lambda v: v.number)[:MOST_DIFFERENCES]:
        pair = [graph.rep(a) for a in vertex.args if isinstance(a, Vertex)]
        if len(pair) == 2 and all(a in before and a.floating and a.shape == vertex.shape for a in pair):
            needs = [graph.ancestors([each], cuts) & set(cuts) for each in pair]
            if needs[0] != needs[1]:  # y - b - w x, of which b is a part of the prediction
                continue
            for prediction, target in (pair, pair[::-1]):
                total = squared_error(graph, prediction, graph.add(held, target))
                found.append(Sought(total, HELD, 0, prediction, target))
    return found


def _weights(graph: Graph, parts: list[Vertex], moves: list[Move], points: list[Point]) -> Array | None:
    """The weights of the examples; None if they explain no gradient that has more numbers than there are weights."""
    slopes = [[truth(graph, part, moves, point.values) for part in parts] for point in points]
    for k in sorted(range(len(moves)), key=lambda k: -sum(piece.moved.size for piece in moves[k].pieces)):
        rows = np.concatenate([np.stack([slope[k] for slope in each], axis=1) for each in slopes])
        claimed = np.concatenate([np.ravel(point.claimed(moves[k])) for point in points])
        if not np.all(np.isfinite(rows)) or not np.any(claimed) or np.linalg.matrix_rank(rows) < len(parts):
            continue
        weights = np.linalg.lstsq(rows, claimed, rcond=None)[0]
        if len(claimed) > len(parts) and np.linalg.norm(rows @ weights - claimed) <= CLOSE * np.linalg.norm(claimed):
            return weights
    return None


def _total(graph: Graph, parts: list[Vertex], weights: Array) -> Vertex:
    total: Vertex | None = None
    for part, weight in zip(parts, weights, strict=True):
        term = graph.add(np.multiply, part, float(weight))
        total = term if total is None else graph.add(np.add, total, term)
    assert total is not None
    return total
