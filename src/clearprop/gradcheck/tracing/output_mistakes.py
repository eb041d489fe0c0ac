"""Mistakes at the output: a target that goes into no gradient, a derivative that is forgotten there; and the loss in words."""

from __future__ import annotations

import numpy as np

from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.judged_case import JudgedCase
from clearprop.gradcheck.tracing.loss_search import HINGE, Sought
from clearprop.gradcheck.tracing.mistake import Mistake, mistake_at
from clearprop.gradcheck.tracing.nonlinear import find_bends
from clearprop.gradcheck.tracing.round_outcome import Round
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.trace import Vertex
from clearprop.gradcheck.tracing.wording import Words


def loss_in_words(loss: Sought, words: Words) -> str:
    """The loss in words: its name and its line."""
    if loss.kind == HINGE:
        line = words.place(loss.vertex.stack)[1]
        return f"no loss is computed; judged by the hinge loss of the margin that is tested{f' in line {line}' if line else ''}"
    if loss.inferred:
        return f"no loss is computed whose gradient this is; judged by {loss.kind}, which its error term is the derivative of"
    line = words.place(loss.vertex.stack)[1]
    if not loss.name and not line:
        return ""
    return f"the loss is {loss.name or 'the number'} of line {line}" if line else "the loss is known"


def unused_targets(case: JudgedCase, loss: Sought) -> Mistake | None:
    """The mistake that data go into the loss and into no gradient; None if there are none."""
    graph, words, cuts = case.graph, case.words, case.cuts()
    unused = graph.ancestors([loss.vertex], cuts) - graph.ancestors(case.gradients(), cuts) - set(cuts)
    data = [v for v in unused if v.fn is None and v.size > 1 and v.kind != "literal"]
    data = [v for v in data if _meets_prediction(case, loss, v)][:2]
    if not data:
        return None
    names = ", ".join(words.name(v) or "the target" for v in data)
    reason = f"{names} goes into the loss, but into no gradient: the error is missing from the backward pass"
    first = _first_backward(graph, case.moves)
    place = _place_of(words, first, case.gradients()) if first is not None else (case.moves[0].file, case.moves[0].line)
    hint, all_names = "Where does the target enter?", [move.name for move in case.moves]
    return mistake_at(words, place, reason, hint, "target", all_names, sure=False)


def _meets_prediction(case: JudgedCase, loss: Sought, data: Vertex) -> bool:
    """Whether data are compared with a value that goes into the gradients; those of other examples are not."""
    graph, cuts = case.graph, case.cuts()
    inside, used = graph.ancestors([loss.vertex], cuts), graph.ancestors(case.gradients(), cuts)
    live, made = graph.descendants(cuts), graph.descendants([data], inside)
    return any(other in used & live for vertex in made for other in graph.inputs(vertex))


def _place_of(words: Words, vertex: Vertex, gradients: list[Vertex]) -> tuple[str, int]:
    """The place of a value, seen from the function that makes the gradients."""
    codes = {g.stack[0][0] for g in gradients if g.stack}
    level = next((k for k, (code, _) in enumerate(vertex.stack) if code in codes), 0)
    return words.place(vertex.stack, level)


def _first_backward(graph: Graph, moves: list[Move]) -> Vertex | None:
    """The last value with a name on the way to all gradients."""
    cuts = [piece.moved for move in moves for piece in move.pieces]
    shared = [graph.ancestors(move.gradients, cuts) for move in moves]
    named = [v for v in set.intersection(*shared) if v.names and v.stack]
    return max(named, key=lambda v: v.number, default=None)


def judge_forgotten_at_output(result: Round, sheet: Sheet, words: Words) -> None:
    """Name the mistake that the error is used as the derivative by the pre-activation, where no usual loss makes it so."""
    a = sheet.loss.prediction
    bend = next((b for b in find_bends(sheet) if b.a is a), None) if a is not None else None
    error = next(
        (v for v in sorted(sheet.backward, key=lambda v: v.number) if v.fn is np.subtract and a in sheet.graph.inputs(v)), None
    )
    if bend is None or error is None or not error.stack:
        return
    formula = bend.formula(words.name(bend.z, error.stack) or "z", words.name(bend.a, error.stack))
    text = words.text(error.stack)
    right = words.replaced(error.stack, f"({text}) * {formula}") if text else ""
    reason = f"the derivative of {bend.name or 'the activation'} at the output, {formula}, is missing"
    hint, names = "Look at what the activation contributes.", [m.name for m in sheet.moves]
    mistake = mistake_at(words, words.place(error.stack), reason, hint, "derivative-missing", names, right)
    result.mistakes.insert(0, mistake)
