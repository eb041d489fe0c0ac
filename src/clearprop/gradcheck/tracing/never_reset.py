"""Gradients that are never set to 0 again: the second step goes by the sum of the first gradient and the second.

The first step is right, and so is every line. At the second, what is claimed is the true gradient and what was claimed before;
or, where the one is added to the other as a whole, it looks like a momentum that nothing damps.
"""

from __future__ import annotations

import ast

import numpy as np

from clearprop.gradcheck.tracing.gradient_in_step import NEVER_RESET
from clearprop.gradcheck.tracing.judged_case import JudgedCase
from clearprop.gradcheck.tracing.mistake import Mistake, mistake_at
from clearprop.gradcheck.tracing.round_outcome import Round
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.sites import source_tree
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.trace import Vertex
from clearprop.gradcheck.tracing.trial_points import Point, same_direction


def never_reset(sheet: Sheet, case: JudgedCase) -> list[Move]:
    """The moves of a later round whose gradients hold those of the round before; none, unless that is all that is wrong."""
    if not case.number:
        return []
    factors = sheet.factors()
    found = []
    for k, move in enumerate(sheet.moves):
        if NEVER_RESET in move.how or (factors[k] is None and sheet.matters(k) and _holds_the_last(sheet, case, k)):
            found.append(move)
        elif factors[k] is None and sheet.matters(k):
            return []
    return found


def _holds_the_last(sheet: Sheet, case: JudgedCase, k: int) -> bool:
    """Whether a claim, less that of the round before, is the true gradient at all points."""
    move = sheet.moves[k]
    earlier = [m for moves in case.others for m in moves if m.round == case.number - 1 and m.line == move.line]
    for before in earlier:
        if before.pieces[0].moved.origin is not move.pieces[0].moved.origin or len(before.pieces) != len(move.pieces):
            continue
        last = Point(sheet.graph, {}).claimed(before)
        rest = [point.claimed(move) - last for point in sheet.points if len(point.claimed(move)) == len(last)]
        if len(rest) == len(sheet.points) and np.any(last) and (same_direction(rest, sheet.true[k]) or 0.0) > 0.0:
            return True
    return False


def judge_never_reset(result: Round, sheet: Sheet, case: JudgedCase, moves: list[Move]) -> None:
    """Name the lines that add to gradients which nothing sets to 0."""
    for judged in result.judged:
        if judged.name in {move.name for move in moves}:
            judged.verdict, judged.note = "wrong", "it holds the gradient of the last step, too"
    found: dict[tuple[str, int], Mistake] = {}
    for move in moves:
        summed = next((v for v in _sums(sheet, move) if v.stack), move.pieces[0].gradient)
        place = case.words.place(summed.stack) if summed.stack else (move.file, move.line)
        name = summed.names[0] if summed.names else "the gradient"
        if place in found:
            found[place].names.append(move.name)
            continue
        reason = f"{name} is never set to 0: the second step goes by it and by what is left of the first"
        hint = "What does the sum begin with at the next step?"
        right = _set_anew(case, *place) if NEVER_RESET in move.how else ""
        found[place] = mistake_at(case.words, place, reason, hint, "never-reset", [move.name], right)
    result.mistakes = list(found.values())


def _sums(sheet: Sheet, move: Move) -> list[Vertex]:
    """The sum that a move goes by, as its own line made it, with its name."""
    graph, piece = sheet.graph, move.pieces[0]
    made = [piece.made or piece.gradient, *graph.all_of(graph.rep(piece.gradient)), *(piece.step.inputs if piece.step else ())]
    near = [v for each in made for v in (each, *each.inputs)]
    named = [v for v in near if v.fn in (np.add, np.subtract) and v.names and v.shape == piece.moved.shape]
    return sorted(named, key=lambda v: -v.number)


def _set_anew(case: JudgedCase, file: str, line: int) -> str:
    """The line of `d += g` as `d = g`, where it runs once for each step."""
    tree = source_tree("\n".join(case.words.lines.get(file, [])))
    statement = next((node for node in tree.steps.values() if node.lineno == line == node.end_lineno), None)
    if not isinstance(statement, ast.AugAssign):
        return ""
    return f"{tree.text(statement.target)} = {tree.text(statement.value)}"
