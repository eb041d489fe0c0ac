"""Values that spoil a whole step: left from before the last one, or not finite."""

from __future__ import annotations

import numpy as np

from clearprop.gradcheck.tracing.case import Case
from clearprop.gradcheck.tracing.mistake import mistake_at
from clearprop.gradcheck.tracing.round_outcome import Round
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.trace import Vertex


def judge_stale(result: Round, case: Case) -> bool:
    """Name the mistake that a later step goes by the gradient of parameters that have moved since; False if that is not so.

    All steps of the round must be made by the lines that made those of the round before, so that a second step of another
    kind is no mistake.
    """
    earlier = {move.pieces[0].step.stack[:1] for moves in case.others for move in moves if move.pieces[0].step is not None}
    if not case.number or not all(_is_stale(case, move, earlier) for move in case.moves):
        return False
    first = case.moves[0]
    names = list(dict.fromkeys(move.name for move in case.moves))
    reason = (
        f"the gradient of {', '.join(names)} is left from before the last step: the forward pass is not run again for the"
        " parameters as they are now"
    )
    hint = "What is computed anew in each step?"
    result.mistakes.append(mistake_at(case.words, (first.file, first.line), reason, hint, "stale", names))
    result.all(case.moves, "wrong", "its gradient is left from before the last step")
    return True


def _is_stale(case: Case, move: Move, earlier: set[object]) -> bool:
    """Whether a gradient depends on a former value of its parameter or of another, and on no present one."""
    step = move.pieces[0].step
    if step is None or step.stack[:1] not in earlier:
        return False
    cuts = case.cuts()
    used = case.graph.ancestors(move.gradients)
    former = {v for v in used if v.origin is not None and any(v.origin is c.origin and v is not c for c in cuts)}
    return bool(former) and not any(_goes_into(case, cut, move) for cut in cuts)


def _goes_into(case: Case, cut: Vertex, move: Move) -> bool:
    return cut in case.graph.ancestors(move.gradients)


def not_finite(case: Case) -> str:
    """The sentence that names the first value that is not finite; "" if all are."""
    for vertex in sorted(case.graph.ancestors(case.gradients(), case.cuts()), key=lambda v: v.number):
        if vertex.floating and vertex.fn is not None and not np.all(np.isfinite(np.asarray(vertex.value))):
            file, line = case.words.place(vertex.stack)
            kind = "NaN" if np.any(np.isnan(np.asarray(vertex.value))) else "infinite"
            return f"a value is {kind} from line {line} on: {case.words.line(file, line)}"
    return ""
