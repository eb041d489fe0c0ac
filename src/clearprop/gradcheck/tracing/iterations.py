"""Iterations of a training that moves a part of an array at a time: the rows of two words, the factors of one rating.

Each iteration moves other rows, so that many of them are the first step of their row. They are no one step: between them other
parameters moved on. Gradients belong to one iteration if they were made of a common value of its forward pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.loss_search import whole
from clearprop.gradcheck.tracing.steps import ROUNDS, Move, Piece, find_moves
from clearprop.gradcheck.tracing.trace import Vertex

MOST: Final = 4000  # steps of parts that are told apart


@dataclass(eq=False)
class SteppedPart:
    """One step of a parameter or of a part of one.

    Attributes
    ----------
    place : (int, int)
        Its parameter, as a number that rounds have in common, and its own number.
    move : Move
    piece : Piece
    made_of : set of Vertex
        Values that depend on parameters, and that went into its gradient since the last step.
    """

    place: tuple[int, int]
    move: Move
    piece: Piece
    made_of: set[Vertex]


def moves_by_iteration(graph: Graph) -> list[Move]:
    """All steps of the program; where what was taken for one round holds several iterations, each is a round of its own."""
    moves = find_moves(graph)
    live = graph.descendants(graph.rep(whole(piece.moved)) for move in moves for piece in move.pieces)
    several = any(_holds_several(graph, move, live) for move in moves)
    if several and sum(len(move.pieces) for move in moves) <= MOST:
        moves = _regrouped(graph, moves, live)
    return [part for move in moves for part in _fresh_and_stale(graph, move)]


def _regrouped(graph: Graph, moves: list[Move], live: set[Vertex]) -> list[Move]:
    """The first iterations, each as a round."""
    names: dict[tuple[object, object], int] = {}
    parts: list[SteppedPart] = []
    for move in moves:
        first = move.pieces[0]
        key = (first.moved.origin if first.moved.origin and first.moved.origin.size > 1 else None, move.line)
        for piece in move.pieces:
            parts.append(
                SteppedPart((names.setdefault(key, len(names)), len(parts)), move, piece, _made_of(graph, piece, live))
            )
    found: dict[tuple[int, int], Move] = {}
    for number, group in enumerate(_groups(parts)[:ROUNDS]):
        for part in group:
            made = found.setdefault((number, part.place[0]), replace(part.move, round=number, pieces=[]))
            made.pieces.append(part.piece)
            made.how |= part.move.how
    return list(found.values())


def _fresh_and_stale(graph: Graph, move: Move) -> list[Move]:
    """The first steps of numbers in lists, those by gradients that know of no step before those that already do.

    A layer whose gradient goes by what another layer was moved to is wrong, while that of the other layer may be right.
    """
    if move.round or not 1 < len(move.pieces) <= MOST or not graph.ancestors(move.gradients, graph.ends) & graph.ends:
        return [move]
    stale = [bool(graph.ancestors([piece.gradient], graph.ends) & graph.ends) for piece in move.pieces]
    parts = [[p for p, late in zip(move.pieces, stale, strict=True) if late is wanted] for wanted in (False, True)]
    return [replace(move, pieces=part) for part in parts if part]


def _made_of(graph: Graph, piece: Piece, live: set[Vertex]) -> set[Vertex]:
    within = graph.ancestors([piece.gradient], graph.ends) & live
    return {vertex for vertex in within if vertex.origin is None and vertex not in graph.ends}


def _holds_several(graph: Graph, move: Move, live: set[Vertex]) -> bool:
    """Whether the last of several first steps goes by steps that were taken since, and by nothing that the first went by."""
    if len(move.pieces) < 2:
        return False
    first, last = move.pieces[0], move.pieces[-1]
    after = graph.ancestors([last.gradient], graph.ends) & graph.ends
    return bool(after) and not _made_of(graph, first, live) & _made_of(graph, last, live)


def _groups(parts: list[SteppedPart]) -> list[list[SteppedPart]]:
    """The parts that have a value in common, in the order of their first steps."""
    root = list(range(len(parts)))

    def top(k: int) -> int:
        while root[k] != k:
            k = root[k]
        return k

    owners: dict[Vertex, int] = {}
    for k, part in enumerate(parts):
        for value in part.made_of:
            other = top(owners.setdefault(value, k))
            root[max(other, top(k))] = min(other, top(k))
    groups: dict[int, list[SteppedPart]] = {}
    for k, part in enumerate(parts):
        groups.setdefault(top(k), []).append(part)
    return sorted(groups.values(), key=lambda group: min(_when(part) for part in group))


def _when(part: SteppedPart) -> int:
    step = part.piece.step or part.piece.gradient
    return step.number
