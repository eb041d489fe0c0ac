"""The loss: the number whose gradient the program claims, found among the numbers that it computes.

A loss is a single number that depends on the parameters and on none of the steps that are taken from them, and that does not go
into the gradients. Of several, the one that explains most of the claimed gradients is it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.cancellation import slope_cancels
from clearprop.gradcheck.tracing.graph import Graph, Values
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.trace import Vertex, filled, get, line_of
from clearprop.gradcheck.tracing.trial_points import Point, same_direction

MOST = 16  # candidates that are tried
GRADIENT = r"(?i)\b(grad(ient)?|derivative|delta)\b"
HINGE = "the hinge loss"
LINKED = "a loss of which the error is the derivative by the pre-activation"
LOSS_NAMES = (
    "loss",
    "cost",
    "error",
    "err",
    "objective",
    "mse",
    "nll",
    "energy",
    "j",
    "l",
    "total",
    "sse",
    "e",
    "ce",
    "bce",
    "entropy",
    "perdida",
    "pérdida",
    "costo",
    "coste",
    "custo",
    "erro",
    "perte",
    "verlust",
    "fehler",
    "kosten",
)


@dataclass(eq=False)
class Sought:
    """A number that may be the loss.

    Attributes
    ----------
    vertex : Vertex
    kind : str
        "computed" by the program, or the name of an inferred loss.
    explained : int
        Number of claimed gradients that are proportional to its own.
    prediction, target : Vertex or None
        For an inferred loss, what it compares.
    """

    vertex: Vertex
    kind: str = "computed"
    explained: int = 0
    prediction: Vertex | None = None
    target: Vertex | None = None

    @property
    def inferred(self) -> bool:
        return self.kind != "computed"

    @property
    def name(self) -> str:
        return self.vertex.names[0] if self.vertex.names else ""


def computed_losses(graph: Graph, moves: list[Move], before: set[Vertex], after: set[Vertex]) -> list[Sought]:
    """Numbers of the program that may be the loss of one round.

    Parameters
    ----------
    moves : list of Move
        The round.
    before, after : sets of Vertex
        All that depends on the parameters of the round; all that depends on its steps.
    """
    gradients = [g for move in moves for g in move.gradients]
    taken = [piece.step for move in moves for piece in move.pieces if piece.step is not None]
    backward = graph.ancestors([*gradients, *taken], [piece.moved for move in moves for piece in move.pieces])
    found = [v for v in before - after - backward if v.size == 1 and v.floating and v.fn is not None and v.step_of is None]
    found = [v for v in found if v.number <= graph.trace.count]  # not what was inferred before
    stepping = {_line(piece.step) for move in moves for piece in move.pieces if piece.step is not None}
    found = [v for v in found if _line(v) not in stepping]
    found = [v for v in found if not _merely_copied(graph, v, set(found))]
    seeing = _made_of_data(graph, {graph.rep(whole(piece.moved)) for move in moves for piece in move.pieces})
    found = [v for v in found if v in seeing] or found
    found.sort(key=lambda v: (-named_like_a_loss(graph, v), _named_like_a_gradient(graph, v), -_reach(v), v.number))
    ends = set(found)
    final = [v for v in found if not any(user in ends for user in graph.users.get(v, ()))]
    named = [v for v in (*final, *found) if named_like_a_loss(graph, v)]
    entries = [v for v in final if v.fn is get]  # one number of an array, such as a probability that is looked up
    ordered = [*named, *(v for v in final if v not in entries), *entries, *found]
    return [Sought(v) for v in list(dict.fromkeys(ordered))[:MOST]]


def later_losses(graph: Graph, moves: list[Move]) -> list[Sought]:
    """Numbers that the program computes of the trained parameters, once the loop is over, as functions of those of a round."""
    pieces = [piece.moved for move in moves for piece in move.pieces]
    moved = {graph.rep(step): start for step in graph.trace.steps if (start := _start(step, pieces)) is not None}
    used = graph.ancestors(graph.trace.steps)
    found = [v for v in graph.descendants(moved) - used if v.size == 1 and v.floating and v.fn is not None and v.stack]
    known = set(found)
    found = [v for v in found if named_like_a_loss(graph, v) or not known & set(graph.users.get(v, ()))]
    found.sort(key=lambda v: (-named_like_a_loss(graph, v), -_reach(v), v.number))
    made = [_on_others(graph, v, dict(moved)) for v in found[:MOST]]
    return [Sought(v) for v in made if v is not None and v.size == 1 and np.isfinite(v.value)]


def _start(step: Vertex, pieces: list[Vertex]) -> Vertex | None:
    """The value of a round that a step, or a chain of steps, began with: a part of an array, where parts are moved."""
    before: Vertex | None = step
    while before is not None and before not in pieces:
        before = before.step_of
    return before or {piece.origin: piece for piece in pieces}.get(step.origin)


def _on_others(graph: Graph, vertex: Vertex, known: dict[Vertex, Vertex]) -> Vertex | None:
    """The number that the program would have computed of other values; None if it cannot be computed."""
    for each in sorted(graph.ancestors([vertex], known), key=lambda v: v.number):
        if each not in known and any(other in known for other in graph.inputs(each)):
            args, kwargs = (filled(tree, lambda v: known.get(graph.rep(v), v)) for tree in (each.args, each.kwargs))
            try:
                with np.errstate(all="ignore"):
                    known[each] = graph.add(each.fn, *args, **kwargs)
            except (ValueError, IndexError, TypeError, ArithmeticError):
                return None
            known[each].stack, known[each].names = each.stack, each.names
    return known.get(vertex)


def _line(vertex: Vertex) -> tuple[str, int]:
    return (vertex.stack[0][0].co_filename, line_of(vertex.stack[0])) if vertex.stack else ("", -vertex.number)


def _made_of_data(graph: Graph, cuts: set[Vertex]) -> set[Vertex]:
    """All that anything but the parameters and plain numbers went into: into a penalty goes nothing else."""
    free = set(graph.same.values()) - cuts
    return graph.descendants((v for v in free if v.fn is None and v.size > 1), within=free)


def _merely_copied(graph: Graph, vertex: Vertex, others: set[Vertex]) -> bool:
    """Whether it is only the last of a running total, a change of form, or what a minus sign makes the loss."""
    same = (np.reshape, np.asarray) if vertex.names else (np.reshape, np.asarray, np.negative)
    return any(user in others and user.fn in same for user in graph.users.get(vertex, ()))


def named_like_a_loss(graph: Graph, vertex: Vertex) -> bool:
    """Whether a number has a name that losses have."""
    names = [name.lower().split("[")[0] for each in graph.all_of(vertex) for name in each.names]
    return any(
        name.split(".")[-1].strip("_").startswith(word)
        for name in names
        for word in LOSS_NAMES
        if len(word) > 2 or name == word
    )


def _named_like_a_gradient(graph: Graph, vertex: Vertex) -> bool:
    """Whether a number is kept as the gradient of something: those of inputs go into no step."""
    return any(re.search(GRADIENT, name) for each in graph.all_of(vertex) for name in each.names)


def _reach(vertex: Vertex) -> int:
    return bin(vertex.bits).count("1")


# ---------------------------------------------------------------- choosing


def best_loss(graph: Graph, candidates: list[Sought], moves: list[Move], points: list[Point]) -> Sought | None:
    """The candidate that explains most of the claimed gradients; the program's own before an inferred one."""
    best: tuple[Any, Sought] | None = None
    for k, candidate in enumerate(candidates):
        slopes = [truth(graph, candidate.vertex, moves, point.values) for point in points]
        candidate.explained, reached = 0, 0
        for i, move in enumerate(moves):
            true = [s[i] for s in slopes]
            reached += any(np.any(t) for t in true)
            claimed = [point.claimed(move) for point in points]
            candidate.explained += same_direction(claimed, true) is not None
        if not reached:
            continue
        rank = (candidate.explained, candidate.kind != LINKED, not candidate.inferred, reached, -k)
        if best is None or rank > best[0]:
            best = rank, candidate
        if candidate.explained == len(moves) == reached:
            break
    return best[1] if best else None


def is_gain(graph: Graph, loss: Sought, moves: list[Move], points: list[Point]) -> bool:
    """Whether a computed number is a likelihood: it is negative throughout, and all steps that follow it raise it."""
    if loss.inferred or not all(float(np.ravel(point.value(loss.vertex))[0]) < 0 for point in points):
        return False
    slopes = [truth(graph, loss.vertex, moves, point.values) for point in points]
    claims = [[point.claimed(move) for point in points] for move in moves]
    factors = [same_direction(claimed, [s[k] for s in slopes]) for k, claimed in enumerate(claims)]
    known = [f for f, s in zip(factors, zip(*slopes, strict=True), strict=True) if f is not None and any(map(np.any, s))]
    return bool(known) and all(f < 0 for f in known)


def turned(graph: Graph, loss: Sought) -> Sought:
    """The loss that a likelihood is, with its name and its line."""
    vertex = graph.add(np.negative, loss.vertex)
    vertex.names, vertex.stack = list(loss.vertex.names), loss.vertex.stack
    return Sought(vertex, loss.kind, loss.explained)


def truth(graph: Graph, loss: Vertex, moves: list[Move], values: Values) -> list[Array]:
    """For each move, the true derivatives of the loss by what was moved, in one row of numbers."""
    sources = dict.fromkeys(graph.rep(whole(piece.moved)) for move in moves for piece in move.pieces)
    slopes = graph.adjoints(loss, sources, values)
    return [true_gradient(graph, move, slopes) for move in moves]


def true_gradient(graph: Graph, move: Move, slopes: dict[Vertex, Array]) -> Array:
    """The derivatives by what one move moves, in one row."""
    found = []
    for piece in move.pieces:
        source = whole(piece.moved)
        slope = slopes.get(graph.rep(source))
        if slope is None or slope_cancels(np.asarray(slope), graph.users.get(graph.rep(source), ()), slopes):
            slope = np.zeros(source.shape)
        found.append(np.ravel(same_part(piece.moved, np.asarray(slope))))
    return np.concatenate(found)


def whole(moved: Vertex) -> Vertex:
    """The array that a part was taken from; the value itself if it is no part."""
    while moved.fn is get and moved.step_of is None and isinstance(moved.args[0], Vertex) and moved.args[0].origin is not None:
        moved = moved.args[0]
    return moved


def same_part(moved: Vertex, slope: Array) -> Any:
    """The part of an array's derivative that belongs to a part of the array."""
    chain = []
    while moved.fn is get and moved.step_of is None and isinstance(moved.args[0], Vertex) and moved.args[0].origin is not None:
        chain.append(moved)
        moved = moved.args[0]
    for each in reversed(chain):
        slope = slope[filled(each.args[1], lambda v: v.value)]
    return slope
