"""A parameter that is used in the backward pass after its own update, wherever its numbers are: in lists, rows, helpers.

Each value that a step made, and that later goes into a gradient, is replaced by what it was before the step, all of them at
once. If all gradients are right then, that is the mistake.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.gradcheck.tracing.consistency import Consistency
from clearprop.gradcheck.tracing.mistake import Mistake
from clearprop.gradcheck.tracing.remade import run_again
from clearprop.gradcheck.tracing.replay import Replay, Values
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.trace import Vertex, position
from clearprop.gradcheck.tracing.wording import Words


def updated_too_early(sheet: Sheet, words: Words, consistency: Consistency) -> Mistake | None:
    """The mistake that a parameter is used after its update, where its value before makes all gradients right."""
    graph = sheet.graph
    before = _values_before(sheet)
    if all(vertex.size > 1 and vertex.step_of is not None for vertex in before):
        return None  # whole arrays, of which an edit of one operand says more
    users = [u for v in before for u in graph.users.get(v, ()) if u in sheet.backward and u not in before and u.stack]
    replay, after = Replay(sheet), []
    try:
        with np.errstate(all="ignore"):
            for k, point in enumerate(sheet.points):
                after.append({**point.values, **_rerun(sheet, replay, before, k)})
            factors = sheet.factors(after)
    except (ValueError, IndexError, TypeError, ArithmeticError):
        return None
    _, was_right = consistency.best(sheet.factors())
    one, right = consistency.best(factors)
    if not users or len(right) < len(consistency.matter) or (consistency.known and not one):
        return None
    return _mistake(sheet, words, before, min(users, key=lambda v: v.number), was_right)


def _values_before(sheet: Sheet) -> dict[Vertex, Vertex]:
    """The values that steps of this round made and that go into its gradients, each with what it was before."""
    cuts = {cut.origin: cut for cut in sheet.cuts if cut.origin is not None}
    found = {}
    for vertex in sheet.backward:
        start = cuts.get(vertex.origin) if vertex.origin is not None else None
        if start is not None and vertex.version > start.version and vertex.shape == start.shape:
            found[vertex] = start
    return found


def _rerun(sheet: Sheet, replay: Replay, before: dict[Vertex, Vertex], k: int) -> Values:
    """The values that differ at a point."""
    graph = sheet.graph
    new: Values = {vertex: replay.base(k, start) for vertex, start in before.items()}

    def value_of(vertex: Vertex) -> Any:
        vertex = graph.rep(vertex)
        return new[vertex] if vertex in new else replay.base(k, vertex)

    for vertex in sorted(graph.descendants(before, sheet.backward), key=lambda v: v.number):
        if vertex not in new:
            new[vertex] = run_again(graph, vertex, value_of)
    return new


def _mistake(sheet: Sheet, words: Words, before: dict[Vertex, Vertex], user: Vertex, was_right: set[int]) -> Mistake:
    """The mistake at the line that uses the value, in the function that updates it if it stands there."""
    step = next(v for v in sheet.graph.inputs(user) if v in before)
    made = next((v for v in (step, *sheet.graph.inputs(step)) if v.step_of is not None and v.stack), step)
    code = made.stack[0][0] if made.stack else None
    level = next((k for k, (each, _) in enumerate(user.stack) if each is code), 0)
    file, line = words.place(user.stack, level)
    origins = {move.name: {piece.moved.origin for piece in move.pieces} for move in sheet.moves}
    name = next((name for name, own in origins.items() if step.origin in own), "the parameter")
    updated = f" in line {position(*made.stack[0])[0]}" if made.stack else ""
    reason = f"{name} has been updated already{updated}; the gradient belongs to its value before the update"
    names = [sheet.moves[k].name for k in range(len(sheet.moves)) if k not in was_right and sheet.matters(k)]
    hint = f"Look at {name}: is it the value that belongs here?"
    return Mistake(file, line, words.line(file, line), reason, "", hint, "operand-earlier", names, [], True, 1.0)
