"""Steps: what the program takes for the gradient of each parameter, found from how it moves it.

A parameter moves as p - lr * g, p + v, p * (1 - decay) - ..., through any optimizer. `stripped` goes back from the move to the
gradient in it: through constant factors, momentum, the division by a root of averaged squares, clipping. Numbers in lists are
moved one by one; those that one line moves belong together, and so do the parts of one array.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.derivative_rules import MOVING, is_elementwise
from clearprop.gradcheck.tracing.gradient_names import stem, stems_of_gradient
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.trace import Vertex, get, position, put

ROUNDS: Final = 2

BOUNDARY: Final = Vertex(None, (), {}, 1.0, "boundary")
"""Stands between the constants of a step and those of the gradient, which has a name of its own."""


@dataclass(eq=False)
class Piece:
    """A gradient that was claimed for a parameter, or for a part of one.

    Attributes
    ----------
    moved : Vertex
        The parameter before the step, or the part that was moved.
    gradient : Vertex
        The value that is taken for its gradient.
    factor : float
        p_new = p - factor * gradient, as far as it is constant.
    step : Vertex or None
    rate : float
        The part of the factor that is a learning rate: a plain number in the line of the step.
    """

    moved: Vertex
    gradient: Vertex
    factor: float = 1.0
    step: Vertex | None = None
    rate: float = 1.0


@dataclass(eq=False)
class Move:
    """All that one place of the program claims as the gradient of one parameter, in one round of steps.

    Attributes
    ----------
    name : str
        Name of the parameter.
    round : int
        Number of steps of the parameter before this one.
    pieces : list of Piece
    how : set of str
        The things between the gradient and the step: "momentum", "clipping", ...
    constants : set of float
        Constant factors in the step, and their product.
    """

    name: str
    round: int
    pieces: list[Piece] = field(default_factory=list)
    how: set[str] = field(default_factory=set)
    constants: set[float] = field(default_factory=set)

    @property
    def line(self) -> int:
        step = self.pieces[0].step or self.pieces[0].gradient
        return position(*step.stack[0])[0] if step.stack else 0

    @property
    def file(self) -> str:
        step = self.pieces[0].step or self.pieces[0].gradient
        return step.stack[0][0].co_filename if step.stack else ""

    @property
    def gradients(self) -> list[Vertex]:
        return [piece.gradient for piece in self.pieces]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.pieces[0].moved.shape if len(self.pieces) == 1 else (len(self.pieces),)


def find_moves(graph: Graph) -> list[Move]:
    """All steps of the program, gathered by parameter and round."""
    found: dict[Any, Move] = {}
    repeated, streams = _lines_that_repeat(graph), _streams(graph)
    ends = graph.ends
    for step in graph.trace.steps:
        moved = step.step_of
        assert moved is not None
        assert moved.origin is not None
        if step.stack[:1] in streams or _is_difference(graph, step, moved):
            continue
        parts = _rest(step, moved)
        base = moved if moved.fn is not get else graph.rep(moved.args[0])
        ancestors = graph.ancestors([rest for _, rest in parts], ends)
        whole = graph.rep(moved) in ancestors or (base is not moved and base in ancestors) or moved.origin in ancestors
        if not whole or not (_other_leaves(ancestors, moved.origin) or step.stack[:1] in repeated):
            continue
        ends.add(graph.rep(step))
        if moved.version >= ROUNDS:
            continue
        single = moved.size == 1 or moved.fn is get
        key = (
            (step.stack[0] if step.stack else None, moved.version) if single else (moved.origin, step.stack[:1], moved.version)
        )
        if single and moved.origin.size > 1:
            key = (moved.origin, *key)
        move = found.setdefault(key, Move("", moved.version))
        piece = _piece(graph, step, moved, parts, move)
        if piece is not None:
            move.pieces.append(piece)
    for key, move in _moved_by_name(graph).items():
        found.setdefault(key, move)
    moves = [move for move in found.values() if move.pieces]
    for move in moves:
        move.name = name_of(graph, move)
    return moves


NEAR: Final = 6  # lines between the steps of parameters


def _moved_by_name(graph: Graph) -> dict[Any, Move]:
    """Steps by something that depends on other parameters only, and that is called the gradient of this one.

    A wrong gradient may not depend on its parameter at all; then only its name, and the steps beside it, tell what it is.
    """
    found: dict[Any, Move] = {}
    lines = {_line(step) for step in graph.trace.steps if step.stack}
    for vertex in graph.trace.set_by_hand:
        parameter, term = vertex.args
        beside = bool(vertex.stack) and any(f == _line(vertex)[0] and abs(n - _line(vertex)[1]) <= NEAR for f, n in lines)
        if not beside or not isinstance(term, Vertex) or term.fn is not np.multiply or parameter.fn is not None:
            continue
        gradient = next((v for v in term.inputs if v.size > 1 and v.fn is not None and _is_named_for(v, parameter)), None)
        if gradient is None or gradient.shape != parameter.shape or graph.rep(vertex) in graph.ends:
            continue
        key = (parameter, vertex.stack[:1], 0)
        if key not in found:
            move = found[key] = Move("", 0)
            piece = _piece(graph, vertex, parameter, [(1.0 if vertex.fn is np.add else -1.0, term)], move)
            graph.ends.add(graph.rep(vertex))
            if piece is not None:
                move.pieces.append(piece)
    return found


def _is_named_for(vertex: Vertex, parameter: Vertex) -> bool:
    """Whether a value has a name such as the gradient of a parameter has: d_b for b, grads["b"] for params["b"]."""
    wanted = {stem(name) for name in parameter.names}
    return any(wanted & set(stems_of_gradient(name)[1:]) or ("[" in name and stem(name) in wanted) for name in vertex.names)


def _is_difference(graph: Graph, step: Vertex, moved: Vertex) -> bool:
    """Whether it is a target minus a prediction, an error: its result does not take the place of what it began with."""
    assert moved.origin is not None
    users = graph.users.get(graph.rep(step), [])
    if step.fn is not np.subtract or moved.version or not users:
        return False
    stored = any(user.fn is put and step in user.inputs[1:] for user in users)
    own = _called(moved) | _called(moved.origin)
    return bool(own) and not stored and not _called(step) & own


def _called(vertex: Vertex) -> set[str]:
    """The names of a value, without indices, holders, and words such as "new"."""
    plain = {re.split(r"[\[(]", name)[0].split(".")[-1].lower() for name in vertex.names}
    return {re.sub(r"_?(new|next|updated|old|prev)_?", "", name) or name for name in plain}


def _lines_that_repeat(graph: Graph) -> set[Any]:
    seen: dict[Any, int] = {}
    for step in graph.trace.steps:
        seen[step.stack[:1]] = seen.get(step.stack[:1], 0) + 1
    return {stack for stack, count in seen.items() if count > 1}


def _streams(graph: Graph) -> set[Any]:
    """Places that start from one value again and again: x + f(x), a residual connection, or y - f(x), an error; no steps."""
    seen: dict[Any, set[Vertex]] = {}
    again, further = set(), set()
    for step in graph.trace.steps:
        place, start = step.stack[:1], step.step_of
        if start is not None:
            if start in seen.setdefault(place, set()):
                again.add((place, step.fn))
            seen[place].add(start)
            if start.version > 0:
                further.add(place)
    return {place for place, fn in again if place not in further or (fn is np.add and any(v.size > 1 for v in seen[place]))}


def _other_leaves(ancestors: set[Vertex], origin: Vertex) -> bool:
    """Whether data or other parameters went into a step, beside the parameter itself."""
    return any(
        (v.fn is None and v is not origin and v.kind != "literal") or (v.size > 1 and not v.bits & origin.mark)
        for v in ancestors
    )


def _rest(step: Vertex, moved: Vertex) -> list[tuple[float, Vertex]]:
    """The terms of a step beside the parameter, each with its sign: p_new = p + sum(sign * term)."""
    found: list[tuple[float, Vertex]] = []
    term = step
    while term is not moved:
        if term.fn in (np.add, np.subtract) and len(term.args) == 2:
            first, second = term.args
            if isinstance(second, Vertex):
                found.append((1.0 if term.fn is np.add else -1.0, second))
            term = first
        else:  # a factor of the parameter: decay
            term = term.inputs[0]
    return found


def _piece(graph: Graph, step: Vertex, moved: Vertex, parts: list[tuple[float, Vertex]], move: Move) -> Piece | None:
    """The gradient in a step; None if it only shrinks the parameter."""
    live = []
    for sign, term in parts:
        if only_scales(graph, term, moved):
            move.how.add("weight decay")
        else:
            live.append((sign, term))
    if not live:
        return None
    if len(live) > 1:
        total = live[0][1] if live[0][0] > 0 else graph.add(np.negative, live[0][1])
        for sign, term in live[1:]:
            total = graph.add(np.add if sign > 0 else np.subtract, total, term)
        total.stack = step.stack
        live = [(1.0, total)]
    sign, term = live[0]
    factors: list[tuple[float, Vertex]] = []
    factor, gradient = stripped(graph, term, moved, move.how, factors)
    rate = 1.0
    move.constants |= {abs(number) for number, _ in factors} | {abs(factor)}
    bound = next((k for k, (_, vertex) in enumerate(factors) if vertex is BOUNDARY), None)
    for k, (number, vertex) in enumerate(factors):
        if bound is not None:
            rate *= abs(number) if k < bound else 1.0
        elif vertex.stack[:1] and step.stack[:1] and _line(vertex) == _line(step) and not _is_size(graph, abs(number)):
            rate *= abs(number)
    return Piece(moved, gradient, -sign * factor, step, rate)


def _line(vertex: Vertex) -> tuple[str, int]:
    code, instruction = vertex.stack[0]
    return code.co_filename, position(code, instruction)[0]


def _is_size(graph: Graph, number: float) -> bool:
    """Whether a factor is a number of examples, or one over it."""
    whole = 1.0 / number if number < 1.0 else number
    return abs(whole - round(whole)) < 1e-9 and round(whole) > 1 and round(whole) in graph.sizes


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
    graph: Graph, term: Vertex, moved: Vertex, how: set[str], factors: list[tuple[float, Vertex]]
) -> tuple[float, Vertex]:
    """The gradient inside a step, and the constant factor before it; each of its parts is added to `factors`."""
    factor = 1.0
    while True:
        following = _within(graph, graph.rep(term), moved, how)
        if following is None or following[1] is term:
            return factor, term
        factor *= following[0]
        if abs(following[0]) != 1.0:
            factors.append((following[0], term))
        if following[1].names and not any(v is BOUNDARY for _, v in factors):
            factors.append((1.0, BOUNDARY))
        term = following[1]


def _within(graph: Graph, term: Vertex, moved: Vertex, how: set[str]) -> tuple[float, Vertex] | None:
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
        return _within_product(graph, fn, first, second, moved, how)
    for inner, other, sign in ((first, second, 1.0), (second, first, -1.0 if fn is np.subtract else 1.0)):
        if isinstance(inner, Vertex) and inner.shape == shape and inner.bits & bits:
            if not isinstance(other, Vertex) or other.bits & bits or np.shape(other.value) not in (shape, ()):
                continue
            if not np.any(other.value) or (other.fn is not None and other.bits & older):
                if np.any(other.value):
                    how.add("momentum")
                return sign, inner
    return None


def _within_product(
    graph: Graph, fn: Any, first: Any, second: Any, moved: Vertex, how: set[str]
) -> tuple[float, Vertex] | None:
    """One step towards the gradient through a product or quotient."""
    shape = moved.shape
    for inner, scale in ((first, second), (second, first)):
        if fn is np.divide and inner is second:
            break
        if not isinstance(inner, Vertex) or inner.shape != shape or (np.size(_value(scale)) != 1 and shape != ()):
            continue
        if not isinstance(scale, Vertex) or (_is_setting(graph, scale) and (shape != () or _is_rate(scale))):
            number = float(np.ravel(_value(scale))[0])
            if number:
                return (number if fn is np.multiply else 1.0 / number), inner
        elif _has_root(graph, scale) and shape != ():
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


def _value(thing: Any) -> Any:
    return thing.value if isinstance(thing, Vertex) else thing


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


# ---------------------------------------------------------------- names


LITERAL_INDEX = re.compile(r"\[(?!-?\d+\]|'|\")")


def name_of(graph: Graph, move: Move) -> str:
    """The name of the parameter that is moved, as the program writes it."""
    first = move.pieces[0]
    names: list[str] = []
    for vertex in (first.moved.origin, first.moved, first.step):
        if vertex is not None:
            for each in graph.all_of(graph.rep(vertex)):
                names += each.names
    if len(move.pieces) > 1 and first.step is not None and first.step.names:
        return (
            re.split(r"\[", first.step.names[0])[0] if first.moved.origin and first.moved.origin.size == 1 else best_name(names)
        )
    return best_name(names) or (f"the parameter of line {move.line}" if move.line else "a parameter")


def best_name(names: list[str]) -> str:
    """The name that tells most: with constant indices, an attribute or entry rather than a passing variable."""
    if not names:
        return ""
    plain = [name for name in names if not LITERAL_INDEX.search(name)] or names
    return plain[0]
