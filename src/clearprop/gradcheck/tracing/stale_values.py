"""Values that spoil a whole step: left from before the last one, or not finite."""

from __future__ import annotations

import numpy as np

from clearprop.gradcheck.tracing.judged_case import JudgedCase
from clearprop.gradcheck.tracing.mistake import mistake_at
from clearprop.gradcheck.tracing.round_outcome import Round
from clearprop.gradcheck.tracing.trace import Vertex, get


def judge_stale(result: Round, case: JudgedCase) -> None:
    """Name the mistake that the second step goes by the gradient of the first: no value is computed anew in between.

    All lines that moved a parameter must have moved it again, and by nothing that depends on where it is now.
    """
    if case.number or any(case.others):
        return
    steps = {move.pieces[0].step.stack[:1] for move in case.moves if move.pieces[0].step is not None}
    again = [v for v in case.graph.trace.set_by_hand if _starts_from_a_step(v) and v.stack[:1] in steps]
    if not steps or steps - {vertex.stack[:1] for vertex in again}:
        return
    first = case.moves[0]
    names = list(dict.fromkeys(move.name for move in case.moves))
    reason = (
        f"the second step of {', '.join(names)} goes by the gradient of the first, which is stale:"
        " the forward pass is not run again for the parameters as they are now"
    )
    place, hint = (first.file, first.line), "What is computed anew in each step?"
    result.mistakes.append(mistake_at(case.words, place, reason, hint, "stale", names))
    for judged in result.judged:
        judged.verdict, judged.note = "wrong", "its gradient is left from before the last step"


def _starts_from_a_step(vertex: Vertex) -> bool:
    """Whether to a parameter that was stepped before something is added that does not depend on where it is now."""
    base = vertex.args[0]
    if not isinstance(base, Vertex) or base.step_of is None:
        return False
    return not any(other.bits & base.mark for other in vertex.inputs if other is not base)


def judge_left_over(result: Round, case: JudgedCase) -> None:
    """Name the value that a later step takes from before the last one, where only that makes its gradient wrong."""
    if not case.number or result.verdict != "wrong":
        return
    graph, now = case.graph, set(case.cuts())
    moments = [vertex.number for vertex in now if vertex.step_of is not None]
    if not moments:
        return
    origins = 0
    for vertex in now:
        origins |= vertex.origin.bits if vertex.origin is not None else 0
    for user in sorted(graph.ancestors(case.gradients(), now), key=lambda v: v.number):
        old = [v for v in graph.inputs(user) if v.number < min(moments) and v.fn is not None and v.bits & origins]
        if user.number > max(moments) and old and user.stack:
            value = old[0]
            while value.fn in (np.transpose, np.reshape, get) and not value.names and graph.inputs(value):
                value = graph.inputs(value)[0]
            source, name = case.words.place(value.stack), value.names[-1] if value.names else "a value"
            names = [each.name for each in result.judged if each.verdict == "wrong"]
            reason = f"{name} of line {source[1]} is stale: it was computed before the last step, and this step still uses it"
            hint = "What is kept from one step to the next?"
            result.mistakes = [mistake_at(case.words, case.words.place(user.stack), reason, hint, "stale", names)]
            return


def not_finite(case: JudgedCase) -> str:
    """The sentence that names the first value that is not finite; "" if all are."""
    for vertex in sorted(case.graph.ancestors(case.gradients(), case.cuts()), key=lambda v: v.number):
        if vertex.floating and vertex.fn is not None and not np.all(np.isfinite(np.asarray(vertex.value))):
            file, line = case.words.place(vertex.stack)
            kind = "NaN" if np.any(np.isnan(np.asarray(vertex.value))) else "infinite"
            return f"a value is {kind} from line {line} on: {case.words.line(file, line)}"
    return ""
