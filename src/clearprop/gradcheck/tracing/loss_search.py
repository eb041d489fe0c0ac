"""The loss: the number whose gradient the program claims, found among the numbers that it computes, or inferred.

A loss is a single number that depends on the parameters and on none of the steps that are taken from them, and that does not go
into the gradients. Of several, the one that explains most of the claimed gradients is it. A program that computes none (or only
prints some other measure) still shows its loss in the error term, `y_hat - y`: from that, the usual losses are built and tried.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.gradcheck.tracing.cancellation import slope_cancels
from clearprop.gradcheck.tracing.derivative_rules import is_elementwise
from clearprop.gradcheck.tracing.gradient_in_step import only_scales
from clearprop.gradcheck.tracing.graph import Graph, Values
from clearprop.gradcheck.tracing.instructions import starts_with_literal
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.trace import Vertex, filled, get, line_of, put
from clearprop.gradcheck.tracing.trial_points import Point, same_direction

MOST = 16  # candidates that are tried
GRADIENT = r"(?i)\b(grad(ient)?|derivative|delta)\b"
MOST_PAIRS = 256  # predictions and targets of one place
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


# ---------------------------------------------------------------- inferred from the error term


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
        numbers = {float(np.ravel(_value(t))[0]) for (_, t), _ in counted if _is_plain(t)}
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
                    parts = [build(graph, a, t) for a, t in pairs]
                    total = parts[0]
                    for each in parts[1:]:
                        total = graph.add(np.add, total, each)
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
                if np.size(_value(t)) == 1 and a.size > 1 and literal:
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
            if source.fn is get and graph.rep(source.args[0]) is args[0] and np.all(np.asarray(_value(value.args[1])) == 1):
                base = graph.constant(np.zeros(args[0].shape), "one-hot")
                target = graph.add(put, base, (index, 1.0), kind="one-hot")
                return args[0], target
    return None


def _value(thing: Any) -> Any:
    return thing.value if isinstance(thing, Vertex) else thing


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


HINGE = "the hinge loss"
LINKED = "a loss of which the error is the derivative by the pre-activation"
LOSSES_OF_TERMS = {
    "the squared error": squared_error,
    "cross-entropy": cross_entropy,
    "binary cross-entropy": binary_cross_entropy,
    LINKED: linked,
}


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
