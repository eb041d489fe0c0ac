"""The lines of the steps as sites: in `w[j] -= rate * delta * h[j]` the mistake may stand in the step itself.

Constant factors are split off a step to find the gradient in it, and equal products are one value of the graph. So a wrong
step is looked at again with a value of its own for all that it adds or takes away, which another expression may replace.
"""

from __future__ import annotations

import ast
from dataclasses import replace

import numpy as np

from clearprop.gradcheck.tracing.scope import Scope
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.sites import LineRun, Site, SourceTree, source_tree
from clearprop.gradcheck.tracing.steps import Move, Piece
from clearprop.gradcheck.tracing.trace import Stack, Vertex
from clearprop.gradcheck.tracing.wording import Words


def step_lines(sheet: Sheet, words: Words, wrong: list[int]) -> tuple[Sheet, list[Site]]:
    """The sheet in which the whole term of each step stands for a wrong gradient, and the sites of these terms."""
    trees: dict[str, SourceTree] = {}
    sites: dict[ast.expr, Site] = {}
    moves = list(sheet.moves)
    shared = {_place(piece) for k, move in enumerate(moves) if k not in wrong for piece in move.pieces}
    for k in wrong:
        if any(_place(piece) in shared for piece in moves[k].pieces):
            pieces = [_as_named(sheet, piece) for piece in moves[k].pieces]
            moves[k] = replace(moves[k], pieces=pieces)
            continue
        own = [_term(sheet, words, trees, piece) for piece in moves[k].pieces]
        if moves[k].how or any(each is None for each in own):
            continue
        pieces = []
        for piece, found in zip(moves[k].pieces, own, strict=True):
            assert found is not None
            vertex, scope, tree, node, file = found
            sites.setdefault(node, Site(file, tree, node)).runs.append(LineRun(vertex, scope, vertex))
            pieces.append(replace(piece, gradient=vertex, made=vertex, factor=float(np.sign(piece.factor))))
        moves[k] = Move(moves[k].name, moves[k].round, pieces, moves[k].how, moves[k].constants)
    again = Sheet(sheet.graph, moves, sheet.loss, sheet.points)
    again.certain = sheet.certain
    return again, list(sites.values())


def _as_named(sheet: Sheet, piece: Piece) -> Piece:
    """The piece with the last value before its step that has a name in the place of the gradient, of which it is a multiple."""
    graph, inner = sheet.graph, sheet.graph.rep(piece.gradient)
    value = piece.step.args[1] if piece.step is not None and len(piece.step.args) == 2 else None
    while isinstance(value, Vertex) and graph.rep(value) is not inner:
        if value.names and value.shape == inner.shape:
            sizes = [float(np.linalg.norm(np.asarray(v.value, dtype=np.float64))) for v in (value, inner)]
            scale = sizes[0] / sizes[1] if all(sizes) else 1.0
            return replace(piece, gradient=value, made=value, factor=piece.factor / scale)
        value = next((v for v in value.inputs if v.shape == inner.shape and inner in graph.ancestors([v])), None)
    return piece


def _place(piece: Piece) -> Stack:
    """The instruction of a step; one that also makes right steps is hardly wrong."""
    return piece.step.stack[:1] if piece.step is not None else ()


def _term(
    sheet: Sheet, words: Words, trees: dict[str, SourceTree], piece: Piece
) -> tuple[Vertex, Scope, SourceTree, ast.expr, str] | None:
    """A value of its own for the term of a step, with the names of that time and the expression in the source."""
    step = piece.step
    if step is None or not step.stack or len(step.args) != 2 or not isinstance(step.args[1], Vertex):
        return None
    file = step.stack[0][0].co_filename
    if file not in words.lines:
        return None
    tree = trees.setdefault(file, source_tree("\n".join(words.lines[file])))
    node = tree.operation(step.stack[0])
    value = node.value if isinstance(node, ast.AugAssign) else node.right if isinstance(node, ast.BinOp) else None
    if value is None or sheet.graph.rep(step.args[1]) is sheet.graph.rep(piece.gradient):
        return None
    made = sheet.graph.add(np.positive, step.args[1])
    made.stack = step.stack
    return made, Scope(sheet.graph.trace.bindings, step.stack, step.number), tree, value, file
