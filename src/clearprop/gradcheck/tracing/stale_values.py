"""Values that spoil a whole step: left from before the last one, or not finite."""

from __future__ import annotations

import numpy as np

from clearprop.gradcheck.tracing.judged_case import JudgedCase
from clearprop.gradcheck.tracing.mistake import mistake_at
from clearprop.gradcheck.tracing.round_outcome import Round
from clearprop.gradcheck.tracing.trace import Vertex


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


def not_finite(case: JudgedCase) -> str:
    """The sentence that names the first value that is not finite; "" if all are."""
    for vertex in sorted(case.graph.ancestors(case.gradients(), case.cuts()), key=lambda v: v.number):
        if vertex.floating and vertex.fn is not None and not np.all(np.isfinite(np.asarray(vertex.value))):
            file, line = case.words.place(vertex.stack)
            kind = "NaN" if np.any(np.isnan(np.asarray(vertex.value))) else "infinite"
            return f"a value is {kind} from line {line} on: {case.words.line(file, line)}"
    return ""
