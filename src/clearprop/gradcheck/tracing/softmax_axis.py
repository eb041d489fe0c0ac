"""A softmax that sums over the wrong axis: its error term is a gradient as soon as the forward pass sums over the classes.

Nothing on the way back is wrong then, so that no edit of the backward pass explains it. It is the forward pass that is
edited: the softmax is taken over the axis along which the targets add up to one, and all gradients are computed again.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.graph import Graph, Values
from clearprop.gradcheck.tracing.inferred_losses import cross_entropy, error_terms
from clearprop.gradcheck.tracing.judged_case import JudgedCase
from clearprop.gradcheck.tracing.loss_search import truth
from clearprop.gradcheck.tracing.mistake import Mistake, mistake_at
from clearprop.gradcheck.tracing.round_outcome import Round
from clearprop.gradcheck.tracing.trace import Vertex
from clearprop.gradcheck.tracing.trial_points import Point, same_direction
from clearprop.gradcheck.tracing.wording import Words

RESHAPED: Final = {np.reshape, np.expand_dims, np.transpose, np.asarray, np.squeeze}
HINT: Final = "Look at the axis of the softmax."


def judge_softmax_axis(case: JudgedCase, points: list[Point]) -> Round | None:
    """The verdict that the softmax at the output sums over the wrong axis; None if that does not explain all gradients."""
    graph = case.graph
    with np.errstate(all="ignore"):
        pairs = [pair for pairs in error_terms(graph, case.moves, graph.descendants(case.cuts())) for pair in pairs]
        for quotient, target in pairs[:8]:
            total = _sum_of_powers(graph, quotient)
            t = target.value if isinstance(target, Vertex) else target
            if total is None or np.shape(t) != quotient.shape:
                continue
            for axis in (1, 0):
                if np.allclose(np.sum(np.asarray(t, dtype=np.float64), axis=axis), 1.0) and _explains(
                    case, points, quotient, target, axis
                ):
                    result = Round(case.number, words=case.words).all(case.moves, "wrong", "")
                    result.mistakes.append(_mistake(case, total, axis))
                    return result
    return None


def _sum_of_powers(graph: Graph, quotient: Vertex) -> Vertex | None:
    """The sum that a softmax of two axes divides by; None if it is no softmax."""
    if quotient.fn is not np.divide or len(quotient.shape) != 2 or not all(isinstance(a, Vertex) for a in quotient.args):
        return None
    powers, total = (graph.rep(a) for a in quotient.args)
    while total.fn in RESHAPED:
        total = graph.rep(total.args[0])
    return total if powers.fn is np.exp and total.fn is np.sum and graph.rep(total.args[0]) is powers else None


def _explains(case: JudgedCase, points: list[Point], quotient: Vertex, target: Any, axis: int) -> bool:
    """Whether all gradients are those of cross-entropy once the softmax is taken over an axis."""
    graph = case.graph
    powers = graph.rep(quotient.args[0])
    right = graph.add(np.divide, powers, graph.add(np.sum, powers, axis=axis, keepdims=True))
    loss = cross_entropy(graph, right, target)
    new = graph.ancestors([loss]) & graph.descendants([powers])
    claims: list[list[Any]] = [[] for _ in case.moves]
    slopes = []
    for point in points:
        values: Values = dict(point.values)
        graph.complete(new - {powers}, values)
        slopes.append(truth(graph, loss, case.moves, values))
        after = _with(graph, case, values, quotient, values[right])
        for k, move in enumerate(case.moves):
            claims[k].append(Point(graph, after).claimed(move))
    factors = [same_direction(claimed, [s[k] for s in slopes]) for k, claimed in enumerate(claims)]
    return all(factor is not None and factor > 0 for factor in factors)


def _with(graph: Graph, case: JudgedCase, values: Values, quotient: Vertex, new: Any) -> Values:
    """All values on the way to the gradients, with another value of the softmax."""
    moving = graph.descendants([quotient], graph.ancestors(case.gradients()))
    found = {vertex: value for vertex, value in values.items() if vertex not in moving}
    found[quotient] = new
    graph.complete(moving - {quotient}, found)
    return found


def _mistake(case: JudgedCase, total: Vertex, axis: int) -> Mistake:
    """The mistake at the line of the sum."""
    words: Words = case.words
    over = "the examples" if total.size == total.inputs[0].shape[axis] else "all numbers of the batch"
    reason = f"the softmax sums over {over}; it must sum over the classes, axis={axis}, keepdims=True"
    inner = words.operands(total)
    right = words.replaced(total.stack, f"np.sum({inner[0]}, axis={axis}, keepdims=True)") if inner else ""
    names = [move.name for move in case.moves]
    return mistake_at(words, words.place(total.stack), reason, HINT, "softmax-axis", names, right)
