"""Claims: which of the values that a function returned, or left behind, is meant for the gradient of which parameter."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.gradcheck.tracing.gradient_names import stem, stems_of_gradient
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.steps import Move, Piece
from clearprop.gradcheck.tracing.traced import TRACE, Traced


def matched(parameters: dict[str, Any], gradients: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Triples of a parameter's name, the parameter, and what is claimed for its gradient.

    By name; what is left, by order where the numbers agree, else by shape where it is unique.
    """
    found: list[tuple[str, Any, Any]] = []
    left_p, left_g = dict(parameters), dict(gradients)
    for g_name in list(left_g):
        for p_name in list(left_p):
            if stem(p_name) in stems_of_gradient(g_name)[::-1] and not stem(p_name).isdigit():
                found.append((p_name, left_p.pop(p_name), left_g.pop(g_name)))
                break
    if len(left_p) == len(left_g) and left_p:
        in_order = list(zip(left_p.items(), left_g.values(), strict=True))
        if 2 * sum(_size(p) == _size(g) for (_, p), g in in_order) >= len(in_order):
            return [*found, *((name, p, g) for (name, p), g in in_order)]
    for g in list(left_g.values()):
        same = [name for name, p in left_p.items() if np.shape(_value(p)) == np.shape(_value(g))]
        if same:
            found.append((same[0], left_p.pop(same[0]), g))
    return found


def _value(thing: Any) -> Any:
    return thing.vertex.value if isinstance(thing, Traced) else thing


def _size(thing: Any) -> int:
    return int(np.size(_value(thing)))


def moves_of(graph: Graph, triples: list[tuple[str, Any, Any]]) -> list[Move]:
    """The claims as moves of one round; numbers of one list are one move."""
    moves: dict[str, Move] = {}
    for name, parameter, gradient in triples:
        vertex = (
            gradient.vertex
            if isinstance(gradient, Traced)
            else graph.constant(np.asarray(gradient, dtype=np.float64), "constant")
        )
        single = parameter.vertex.size == 1 and "[" in name
        key = name.split("[")[0] if single else name
        move = moves.setdefault(key, Move(key, 0))
        move.pieces.append(Piece(parameter.vertex, vertex))
    return list(moves.values())


assert TRACE is not None
