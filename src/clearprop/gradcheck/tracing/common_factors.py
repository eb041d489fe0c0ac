"""Constant factors: gradients of the right direction that are a constant times too large or too small, unlike the others."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.edit_maker import scaled_text
from clearprop.gradcheck.tracing.instructions import in_place
from clearprop.gradcheck.tracing.mistake import mistake_at
from clearprop.gradcheck.tracing.round_outcome import Round
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.trace import Vertex
from clearprop.gradcheck.tracing.wording import Words

CLOSE: Final = 1e-4  # relative difference of two factors that are called equal


Known = list[tuple[int, Move, float]]
"""Gradients of the right direction: number, move, and the factor by which each is the true one."""


def known_factors(sheet: Sheet) -> Known:
    """The gradients of the right direction that are not zero."""
    factors = sheet.factors()
    return [(k, m, f) for k, (m, f) in enumerate(zip(sheet.moves, factors, strict=True)) if f is not None and sheet.matters(k)]


def judge_constants(result: Round, sheet: Sheet, words: Words, known: Known, layer: bool, exact: bool) -> None:
    """Name gradients whose constant factor is another than that of the others."""
    raw = [abs(f) * abs(move.pieces[0].factor) for _, move, f in known]
    peeled = [abs(f) * abs(move.pieces[0].factor) / move.pieces[0].rate for _, move, f in known]
    if layer and _mean_in_layer(result, known, peeled):
        return
    if exact and not equal([1.0, *peeled]):
        for (_, move, _), own in zip(known, peeled, strict=True):
            if abs(own - 1.0) >= CLOSE:
                _odd_factor(result, sheet, words, move, own, [])
        return
    if equal(raw) or equal(peeled):
        _common(result, peeled if equal(peeled) else raw, sheet)
        return
    scale = peeled if any(abs(p - 1.0) < CLOSE for p in peeled) and not sheet.loss.inferred else raw
    if any(move.how & {"an optimizer with averaged squares", "the sign alone"} for _, move, _ in known) and scale is raw:
        scale = peeled
    counts = [sum(abs(a / b - 1.0) < CLOSE for b in scale) for a in scale]
    at_one = [abs(a - 1.0) < CLOSE for a in scale]
    best = max(range(len(scale)), key=lambda i: (at_one[i] and not sheet.loss.inferred, counts[i], -scale[i]))
    reference = scale[best]
    for (_, move, _), own in zip(known, scale, strict=True):
        if abs(own / reference - 1.0) >= CLOSE:
            good = [m for (_, m, _), s in zip(known, scale, strict=True) if abs(s / reference - 1.0) < CLOSE]
            _odd_factor(result, sheet, words, move, own / reference, good)


def _mean_in_layer(result: Round, known: list[Any], scale: list[float]) -> bool:
    """Whether only the parameters' gradients are divided by the batch: then the loss should not be."""
    count = mean_in_layer([move for _, move, _ in known], scale)
    if count:
        result.notes.append(f"It takes the mean over the batch itself (1/{count}); the loss must not do so as well.")
    return bool(count)


def mean_in_layer(moves: list[Move], scale: list[float]) -> int:
    """Number of examples, if a layer divides the gradients of all its parameters by it, and that of its input not; else 0."""
    own = [s for move, s in zip(moves, scale, strict=True) if move.name not in ("x", "X")]
    inputs = [(move, s) for move, s in zip(moves, scale, strict=True) if move.name in ("x", "X")]
    if len(own) < 2 or not inputs or not equal(own) or not equal([1.0, *(s for _, s in inputs)]) or equal([1.0, *own]):
        return 0
    count = round(1.0 / own[0])
    sizes = {size for move, _ in inputs for size in (move.pieces[0].moved.shape[0], move.pieces[0].moved.shape[-1])}
    return count if abs(1.0 / own[0] - count) < 1e-6 and count in sizes else 0


def equal(numbers: list[float]) -> bool:
    """Whether all are the same number, but for rounding."""
    return max(numbers) <= min(numbers) * (1.0 + CLOSE)


def _common(result: Round, scale: list[float], sheet: Sheet) -> None:
    """A factor that all gradients share."""
    factor = scale[0]
    raw = [abs(f * m.pieces[0].factor) for m, f in zip(sheet.moves, sheet.factors(), strict=True) if f]
    rates = {abs(number) for move in sheet.moves for number in move.constants}
    if sheet.loss.inferred or abs(factor - 1.0) < CLOSE or any(abs(raw[0] / rate - 1.0) < CLOSE for rate in rates if rate):
        return
    sizes = sheet.graph.sizes | {2}
    for n in sorted(sizes):
        for value, said in ((float(n), f"{n} times"), (1.0 / n, f"1/{n} of")):
            if abs(factor / value - 1.0) < CLOSE and n > 1:
                result.notes.append(
                    f"All gradients are {said} those of the loss: the loss and the gradient differ by a mean, a sum or a half."
                )
                return


def _odd_factor(result: Round, sheet: Sheet, words: Words, move: Move, ratio: float, good: list[Move]) -> None:
    """A gradient that is a constant times too large or too small, unlike the others."""
    judged = result.judged_of(move)
    judged.verdict = "wrong"

    def explicit(vertex: Vertex) -> bool:
        return bool(_without_factor(vertex, words, ratio))

    place = factor_jump(sheet, move, lambda r: abs(abs(r) / ratio - 1.0) < CLOSE, good, explicit)
    sure = place is not None
    vertex = _before_additions(sheet, place or _own_line(sheet, move, good))
    file, line = words.place(vertex.stack) if vertex.stack else (move.file, move.line)
    said = factor_in_words(ratio, sheet)
    judged.note = said
    for mistake in result.mistakes:
        if (mistake.file, mistake.line, mistake.slug) == (file, line, "factor"):
            mistake.names.append(move.name)
            return
    own = words.text(vertex.stack) if not in_place(vertex) else ""
    right = words.replaced(vertex.stack, _without_factor(vertex, words, ratio) or scaled_text(own, 1.0 / ratio)) if own else ""
    reason = f"{said}{', compared with the other gradients' if good else ''}"
    lost = _factor_too_many(vertex, words, ratio)
    reason = f"{lost} does not belong here: {reason}" if re.fullmatch(r"[A-Za-z_][\w.]*", lost) else reason
    hint = "Look at the constant factors."
    result.mistakes.append(mistake_at(words, (file, line), reason, hint, "factor", [move.name], right, sure))


def _before_additions(sheet: Sheet, vertex: Vertex) -> Vertex:
    """The value to which a line such as `dW += decay * W` adds something small, if it is the derivative by itself."""
    while vertex.fn in (np.add, np.subtract) and in_place(vertex) and isinstance(vertex.args[0], Vertex):
        first = sheet.graph.rep(vertex.args[0])
        if first not in sheet.live or not sheet.matches(first):
            break
        vertex = first
    return vertex


def _own_line(sheet: Sheet, move: Move, good: list[Move]) -> Vertex:
    """The value nearest to the step that a line of this gradient alone made: an optimizer's lines serve all parameters."""
    graph, vertex = sheet.graph, _gradient(sheet, move)
    shared = {v.stack[:1] for v in graph.ancestors([g for m in good for g in m.gradients], sheet.cuts)}
    shared |= {graph.rep(g).stack[:1] for m in good for g in m.gradients}
    found = vertex
    while found.stack[:1] in shared:
        inner = [v for v in graph.inputs(found) if v.shape == found.shape and v in sheet.live and sheet.matches(v)]
        if not inner:
            return vertex
        found = inner[0]
    return found


def _without_factor(vertex: Vertex, words: Words, ratio: float) -> str:
    """The expression without a factor that it has too much; "" if it has none."""
    if vertex.fn is np.mean and ratio < 1.0:
        return words.text(vertex.stack).replace("mean", "sum", 1)
    if vertex.fn is np.sum and ratio > 1.0 and abs(vertex.inputs[0].size / max(vertex.size, 1) / ratio - 1.0) < CLOSE:
        return words.text(vertex.stack).replace("sum", "mean", 1)
    text, lost = words.operands(vertex), _factor_too_many(vertex, words, ratio)
    return text[1 - text.index(lost)] if lost else ""


def _factor_too_many(vertex: Vertex, words: Words, ratio: float) -> str:
    """The number in a product or quotient that makes it so many times too large; "" if there is none."""
    text = words.operands(vertex)
    if vertex.fn not in (np.multiply, np.divide) or len(text) != 2:
        return ""
    for k, arg in enumerate(vertex.args):
        value = np.asarray(arg.value if isinstance(arg, Vertex) else arg)
        if value.size == 1 and float(value.ravel()[0]):
            number = float(value.ravel()[0])
            effect = number if vertex.fn is np.multiply else 1.0 / number
            if (vertex.fn is np.multiply or k == 1) and abs(effect / ratio - 1.0) < CLOSE:
                return text[k]
    return ""


def factor_in_words(ratio: float, sheet: Sheet) -> str:
    """A constant factor in words."""
    for n in sorted(sheet.graph.sizes | {2}):
        if abs(ratio / n - 1.0) < CLOSE:
            return f"it is {n} times too large"
        if abs(ratio * n - 1.0) < CLOSE:
            return f"it is {n} times too small"
    return f"it is {ratio:.4g} times what it should be"


def factor_jump(
    sheet: Sheet,
    move: Move,
    wanted: Callable[[float], bool],
    good: list[Move],
    preferred: Callable[[Vertex], bool] = lambda vertex: False,
) -> Vertex | None:
    """The value on the way back from a gradient, and not from good ones, at which its factor changed in a certain way.

    Of several, it is the last one that is preferred, else the last one: single numbers are proportional to anything.
    """
    graph, left = sheet.graph, [_gradient(sheet, move)]
    seen = graph.ancestors([g for m in good for g in m.gradients], sheet.cuts)
    if not graph.inputs(left[0]):
        return None
    best: Vertex | None = None
    while left:
        vertex = left.pop(0)
        if vertex in seen or vertex not in sheet.live:
            continue
        seen.add(vertex)
        mine = sheet.matches(vertex)
        for other in graph.inputs(vertex):
            theirs = sheet.matches(other) if other in sheet.live and other not in sheet.cuts else []
            jumps = mine and theirs and any(wanted(m[1] / t[1]) for m in mine[:3] for t in theirs[:3])
            if jumps and (best is None or preferred(vertex) or not preferred(best)):
                best = vertex
            left.append(other)
    return best


def _gradient(sheet: Sheet, move: Move) -> Vertex:
    """The gradient of the first piece of a move."""
    return sheet.graph.rep(move.pieces[0].gradient)
