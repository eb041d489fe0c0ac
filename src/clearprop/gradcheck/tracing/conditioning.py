"""Conditioning: whether a gradient is anything but rounding.

Where a unit is saturated, a = 1 - 1e-14, the derivative a * (1 - a) that a program computes is right and yet has no digit in
common with the true one. So before a gradient is called wrong, all values are disturbed by far more than rounding does; what
changes completely then says nothing. It is judged again at small parameters, at which fewer units are saturated.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.graph import Graph, Values
from clearprop.gradcheck.tracing.loss_search import true_gradient
from clearprop.gradcheck.tracing.remade import run_again
from clearprop.gradcheck.tracing.round_outcome import Round
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.trace import Vertex
from clearprop.gradcheck.tracing.trial_points import Point

DISTURBANCE: Final = 1e-11  # relative, of each value; rounding is a hundred thousand times smaller
LOST: Final = 1e-2  # relative change of a gradient of which rounding leaves too little
FAR: Final = 1e4  # times as long
SHRUNK: Final = 1e-3  # parameters at which hardly anything is saturated
CHOOSING: Final = (np.maximum, np.minimum, np.fmax, np.fmin, np.sign, np.absolute)
MOST: Final = 20_000  # values, in a round that is looked at


@contextlib.contextmanager
def shrunk(graph: Graph) -> Iterator[None]:
    """Within, trial points are near the origin."""
    graph.shrink = SHRUNK
    try:
        yield
    finally:
        graph.shrink = 1.0


def lost_in_rounding(found: Round) -> bool:
    """Whether a gradient that was called wrong, or the true one, is little else than rounding at a point."""
    sheet = found.sheet
    if sheet is None or not any(judged.verdict == "wrong" for judged in found.judged):
        return False
    wrong = {judged.name for judged in found.judged if judged.verdict == "wrong"}
    numbers = [k for k, move in enumerate(sheet.moves) if move.name in wrong]
    order = sorted((sheet.backward | sheet.forward) & sheet.live - set(sheet.cuts), key=lambda v: v.number)
    if len(order) > MOST:
        return False
    try:
        return any(_lost(sheet, k, numbers, order) for k in range(len(sheet.points)))
    except (ArithmeticError, ValueError, TypeError, IndexError, np.linalg.LinAlgError):
        return False


def _lost(sheet: Sheet, k: int, numbers: list[int], order: list[Vertex]) -> bool:
    """Whether rounding decides on one of the gradients at one point."""
    point = sheet.points[k]
    disturbed = Point(sheet.graph, _disturbed(sheet, point, order))
    slopes = sheet.graph.adjoints(sheet.loss.vertex, sheet.cuts, disturbed.values)
    for number in numbers:
        move = sheet.moves[number]
        claimed, true = point.claimed(move), sheet.true[number][k]
        other = disturbed.claimed(move) - claimed, true_gradient(sheet.graph, move, slopes) - true
        (own, its), (noise, of_it) = map(_length, (claimed, true)), map(_length, other)
        apart = its > FAR * max(own, noise) or own > FAR * max(its, of_it)  # by far more than rounding could do
        if not apart and (noise > LOST * own > 0.0 or of_it > LOST * its > 0.0):
            return True
    return False


def _rounds(fn: Any) -> bool:
    """Whether a function computes something, rather than choose or move what is there: the maximum equals one of them."""
    return (isinstance(fn, np.ufunc) and fn not in CHOOSING) or fn in (np.sum, np.mean, np.dot, np.matmul)


def _length(array: Array) -> float:
    return float(np.linalg.norm(array))


def _disturbed(sheet: Sheet, point: Point, order: list[Vertex]) -> Values:
    """All values at a point, each disturbed a little and made of those that were disturbed before it."""
    rng, values = np.random.default_rng(0), dict(point.values)
    graph = sheet.graph
    with np.errstate(all="ignore"):
        for vertex in order:
            if vertex.fn is not None:
                made = run_again(graph, vertex, lambda v: graph.value(v, values))
                rounded = vertex.floating and _rounds(vertex.fn)
                values[vertex] = made * (1.0 + DISTURBANCE * rng.normal(size=np.shape(made))) if rounded else made
    return values
