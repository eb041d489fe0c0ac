"""Steps: what the program takes for the gradient of each parameter, found from how it moves it.

A parameter moves as p - lr * g, p + v, p * (1 - decay) - ..., through any optimizer; `gradient_in_step.py` finds the
gradient in it. Numbers in lists are moved one by one; those that one line moves belong together, and so do the parts of one
array.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.gradient_in_step import BOUNDARY, only_scales, stripped
from clearprop.gradcheck.tracing.gradient_names import stem, stems_of_gradient
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.instructions import in_place
from clearprop.gradcheck.tracing.trace import Vertex, get, position, put

ROUNDS: Final = 2


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
    made : Vertex or None
        The gradient as its own line made it, which an equal value of another line may stand for in the graph.
    """

    moved: Vertex
    gradient: Vertex
    factor: float = 1.0
    step: Vertex | None = None
    rate: float = 1.0
    made: Vertex | None = None


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
    stepped: set[tuple[Vertex, Any]] = set()
    repeated, streams = _lines_that_repeat(graph), _streams(graph)
    ends = graph.ends
    for step in graph.trace.steps:
        moved = step.step_of
        assert moved is not None
        assert moved.origin is not None
        again = (moved.origin, step.stack[:1]) in stepped
        if step.stack[:1] in streams or (not again and _is_difference(graph, step, moved)):
            continue
        parts = rest_of(step, moved)
        base = moved if moved.fn is not get else graph.rep(moved.args[0])
        ancestors = graph.ancestors([rest for _, rest in parts], ends)
        whole = graph.rep(moved) in ancestors or (base is not moved and base in ancestors) or moved.origin in ancestors
        if not whole or not (_other_leaves(ancestors, moved.origin) or step.stack[:1] in repeated):
            continue
        ends.add(graph.rep(step))
        stepped.add((moved.origin, step.stack[:1]))
        if moved.version >= ROUNDS:
            continue
        single = moved.size == 1 or moved.fn is get
        key = (
            (step.stack[0] if step.stack else None, moved.version) if single else (moved.origin, step.stack[:1], moved.version)
        )
        if single and moved.origin.size > 1:
            key = (moved.origin, *key)
        move = found.setdefault(key, Move("", moved.version))
        piece = piece_of(graph, step, moved, parts, move)
        if piece is not None:
            move.pieces.append(piece)
    _keep_data(graph, list(found.values()))
    for key, move in _moved_by_name(graph).items():
        found.setdefault(key, move)
    _moved_in_the_same_role(graph, found)
    moves = [move for move in found.values() if move.pieces]
    for move in moves:
        move.name = name_of(graph, move)
        move.pieces.sort(key=lambda piece: not np.any(piece.gradient.value))  # behind an input of 0, constants do not show
    return moves


def _keep_data(graph: Graph, moves: list[Move]) -> None:
    """Give each number its gradient with the plain number in it, where one line multiplies by another for each: an input."""
    for move in moves:
        if len({abs(piece.factor) for piece in move.pieces}) > 1:
            move.constants.clear()
            for k, piece in enumerate(move.pieces):
                if piece.step is not None and piece.moved.size == 1:
                    parts = rest_of(piece.step, piece.moved)
                    move.pieces[k] = piece_of(graph, piece.step, piece.moved, parts, move, data=True) or piece


MOST_WITHIN: Final = 40  # values between a step and the gradient in it
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
        gradient = next((v for v in term.inputs if v.shape and v.fn is not None and _is_named_for(v, parameter)), None)
        if gradient is None or gradient.shape != parameter.shape or graph.rep(vertex) in graph.ends:
            continue
        key = (parameter, vertex.stack[:1], 0)
        if key not in found:
            move = found[key] = Move("", 0)
            piece = piece_of(graph, vertex, parameter, [(1.0 if vertex.fn is np.add else -1.0, term)], move)
            graph.ends.add(graph.rep(vertex))
            if piece is not None:
                move.pieces.append(piece)
    return found


def _moved_in_the_same_role(graph: Graph, found: dict[Any, Move]) -> None:
    """Add the steps of plain numbers by something that does not depend on them, such as `w[j] -= rate * h[j]`.

    The number was made where others were that are stepped, and what it becomes is used where it was used itself.
    """
    made = {piece.moved.origin.stack for move in found.values() for piece in move.pieces if piece.moved.origin is not None}
    for vertex in graph.trace.set_by_hand:
        moved = graph.rep(vertex.args[0])
        plain = moved.fn is None and moved.size == 1 and moved.stack in made
        if not plain or graph.rep(vertex) in graph.ends or not _used_alike(graph, moved, graph.rep(vertex)):
            continue
        move = found.setdefault((vertex.stack[0] if vertex.stack else None, 0), Move("", 0))
        piece = piece_of(graph, vertex, moved, rest_of(vertex, moved), move)
        if piece is not None:
            graph.ends.add(graph.rep(vertex))
            move.pieces.append(piece)


def _used_alike(graph: Graph, before: Vertex, after: Vertex) -> bool:
    """Whether two values are used at one place, other than where the second was made of the first."""
    places = {user.stack for user in graph.users.get(before, ()) if user.number < after.number}
    return any(user.stack in places for user in graph.users.get(after, ()) if user.stack != after.stack)


def _is_named_for(vertex: Vertex, parameter: Vertex) -> bool:
    """Whether a value has a name such as the gradient of a parameter has: d_b for b, grads["b"] for params["b"]."""
    wanted = {stem(name) for name in parameter.names}
    return any(wanted & set(stems_of_gradient(name)[1:]) or ("[" in name and stem(name) in wanted) for name in vertex.names)


def _is_difference(graph: Graph, step: Vertex, moved: Vertex) -> bool:
    """Whether it is a target minus a prediction, an error: its result does not take the place of what it began with."""
    assert moved.origin is not None
    users = graph.users.get(graph.rep(step), [])
    if step.fn is not np.subtract or not users or in_place(step):
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


def rest_of(step: Vertex, moved: Vertex) -> list[tuple[float, Vertex]]:
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


def piece_of(
    graph: Graph, step: Vertex, moved: Vertex, parts: list[tuple[float, Vertex]], move: Move, data: bool = False
) -> Piece | None:
    """The gradient in a step, with the plain numbers in it if these are data; None if it only shrinks the parameter."""
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
    factor, gradient = stripped(graph, term, moved, move.how, factors, data)
    rate = 1.0
    move.constants |= {abs(number) for number, _ in factors} | {abs(factor)}
    bound = next((k for k, (_, vertex) in enumerate(factors) if vertex is BOUNDARY), None)
    rates = {_setting(graph, vertex) for _, vertex in factors[:bound]} - {None} if bound is not None else set()
    for k, (number, vertex) in enumerate(factors):
        if bound is not None:
            twice = k > bound and _setting(graph, vertex) in rates  # the rate stands in the gradient's own line, too
            rate *= abs(number) if k < bound or twice else 1.0
        elif vertex.stack[:1] and step.stack[:1] and _line(vertex) == _line(step) and not _is_size(graph, abs(number)):
            rate *= abs(number)
    return Piece(moved, gradient, -sign * factor, step, rate, _as_made(graph, term, gradient))


def _setting(graph: Graph, product: Vertex) -> Vertex | None:
    """The number by which a product scales an array; None if the program writes it as a literal."""
    numbers = [graph.rep(arg) for arg in product.args if isinstance(arg, Vertex) and arg.size == 1 and arg.names]
    return numbers[0] if len(numbers) == 1 and product.size > 1 else None


def _as_made(graph: Graph, term: Vertex, gradient: Vertex) -> Vertex:
    """The gradient in a term, not as the value that stands for it and all that are equal to it."""
    left = [term]
    seen: set[Vertex] = set()
    while left:
        each = left.pop()
        if graph.rep(each) is graph.rep(gradient):
            return each
        if each not in seen and each.step_of is None and len(seen) < MOST_WITHIN:
            seen.add(each)
            left.extend(each.inputs)
    return gradient


def _line(vertex: Vertex) -> tuple[str, int]:
    code, instruction = vertex.stack[0]
    return code.co_filename, position(code, instruction)[0]


def _is_size(graph: Graph, number: float) -> bool:
    """Whether a factor is a number of examples, or one over it."""
    whole = 1.0 / number if number < 1.0 else number
    return abs(whole - round(whole)) < 1e-9 and round(whole) > 1 and round(whole) in graph.sizes


# ---------------------------------------------------------------- names


LITERAL_INDEX = re.compile(r"\[(?!-?\d+\]|'|\")")


def name_of(graph: Graph, move: Move) -> str:
    """The name of the parameter that is moved, as the program writes it."""
    first = move.pieces[0]
    names: list[str] = []
    array = first.moved.args[0] if first.moved.fn is get and first.moved.size > 1 else None
    for vertex in (first.moved.origin, array, first.moved, first.step):
        if isinstance(vertex, Vertex):
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
