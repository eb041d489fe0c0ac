"""Steps that go uphill: gradients of the right direction and the wrong sign, and where the sign turned."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.gradcheck.tracing.common_factors import factor_jump
from clearprop.gradcheck.tracing.mistake import mistake_at
from clearprop.gradcheck.tracing.round_outcome import Round
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.trace import Vertex
from clearprop.gradcheck.tracing.wording import Words


def judge_uphill(result: Round, sheet: Sheet, words: Words, up: list[Any], some: bool, update_seen: bool) -> None:
    """Name the place of the wrong sign of steps that raise the loss.

    Parameters
    ----------
    up : list of (int, Move, float)
        The gradients of the wrong sign: number, move, factor.
    some : bool
        Whether others have the right one.
    update_seen : bool
        Whether the moves are steps.
    """
    for _, move, _ in up:
        judged = result.judged_of(move)
        judged.verdict, judged.note = "wrong", "steps uphill" if update_seen else "it has the wrong sign"
    turned = _turned_error(sheet) if not some and all(move.pieces[0].factor > 0 for _, move, _ in up) else None
    if turned is not None and turned.stack and (update_seen or turned.fn in (np.subtract, np.negative)):
        names = list(dict.fromkeys(move.name for _, move, _ in up))
        reason = "the sign is wrong here: the difference is the other way round"
        reason += ", and every step goes uphill" if update_seen else ""
        right, hint = _turned_back(words, turned), "Look at the order of the difference."
        result.mistakes.append(mistake_at(words, words.place(turned.stack), reason, hint, "sign", names, right))
        return
    groups: dict[tuple[str, int], list[str]] = {}
    for _, move, _ in up:
        groups.setdefault(_sign_place(sheet, words, move, some), []).append(move.name)
    for place, names in groups.items():
        names = list(dict.fromkeys(names))
        who = ", ".join(names)
        step = f"the step of {who} goes uphill: it raises the loss"
        reason = step if update_seen else f"the gradient of {who} has the wrong sign"
        right = _other_sign(words.line(*place))
        result.mistakes.append(mistake_at(words, place, reason, "Look at the sign.", "sign", names, right))


def _turned_back(words: Words, turned: Vertex) -> str:
    """The line with the difference the right way round; "" if it is none."""
    text = words.operands(turned)
    if turned.fn is np.subtract and len(text) == 2:
        return words.replaced(turned.stack, f"{text[1]} - {text[0]}")
    return words.replaced(turned.stack, text[0]) if turned.fn is np.negative and text else ""


def _turned_error(sheet: Sheet) -> Vertex | None:
    """The first value of the backward pass that has the wrong sign."""
    for vertex in sorted(sheet.backward - sheet.forward, key=lambda v: v.number):
        if vertex in sheet.live and vertex.floating and vertex.stack and vertex.fn is not None:
            matches = [match for match in sheet.matches(vertex) if match[0].by.fn is not np.negative]  # exp(-z)
            if matches and all(factor < 0 for _, factor in matches):
                return vertex
    return None


def _sign_place(sheet: Sheet, words: Words, move: Move, some: bool) -> tuple[str, int]:
    """Where the sign turned: the first value on the way back whose factor differs in sign from that of what it was made of."""
    own = next(f for m, f in zip(sheet.moves, sheet.factors(), strict=True) if m is move)
    others = [m for m, f in zip(sheet.moves, sheet.factors(), strict=True) if f is not None and f > 0]
    signs = {np.sign(m.pieces[0].factor) for m in others}
    if own is None or not some or (len(signs) == 1 and np.sign(move.pieces[0].factor) not in signs):
        return move.file, move.line  # the step itself has another sign than the others
    place = factor_jump(sheet, move, lambda ratio: ratio < 0, others)
    return words.place(place.stack) if place is not None and place.stack else (move.file, move.line)


def _other_sign(source: str) -> str:
    for old, new in (("-=", "+="), ("+=", "-="), (" - ", " + "), (" + ", " - ")):
        if source.count(old) == 1:
            return source.replace(old, new)
    return ""
