"""The verdict on one round of steps: which gradients are right, which are wrong, where, and why.

A gradient is right if it is proportional to the true one at all points. The factor must be the same for all parameters
(apart from learning rates of their own): a factor that all share is the choice of a mean or a sum, one that differs is a
mistake. Nothing is called wrong unless the loss is known: because it explains some other gradient exactly, or because one
edit of one line makes wrong gradients right.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from clearprop.gradcheck.tracing.derivative_rules import is_elementwise
from clearprop.gradcheck.tracing.edit_maker import Edit, scaled_text
from clearprop.gradcheck.tracing.edits import Editor
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.loss_search import (
    LINKED,
    Sought,
    _named_like_a_loss,
    best_loss,
    computed_losses,
    inferred_losses,
    truth,
    whole,
)
from clearprop.gradcheck.tracing.nonlinear import find_bends
from clearprop.gradcheck.tracing.place import Blame, find_places
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.trace import Vertex
from clearprop.gradcheck.tracing.trial_points import Point, find_points, same_direction
from clearprop.gradcheck.tracing.wording import Words

LONGEST: Final = 7.0  # seconds for the search of places and edits, all together
SUPPOSED: Final = 1.5  # what an edit may be like, at most, for a loss that is only supposed
CLOSE: Final = 1e-4  # relative difference of two factors that are called equal
Outcome3 = Literal["right", "wrong", "inconclusive"]


@dataclass(eq=False)
class Judged:
    """The verdict on one gradient.

    Attributes
    ----------
    name : str
    line : int
        The line of the step.
    shape : tuple of int
    verdict : {"right", "wrong", "inconclusive"}
    note : str
    """

    name: str
    line: int
    shape: tuple[int, ...]
    verdict: Outcome3
    note: str = ""


@dataclass(eq=False)
class Mistake:
    """A mistake at a line.

    Attributes
    ----------
    file, line, source : str, int, str
    reason : str
    right : str
        The line as it should be; "" if that is not known.
    hint : str
        Where to look, without the answer.
    slug : str
    names : list of str
        Parameters whose gradients it makes wrong.
    also : list of str
        Other edits that would make them right.
    sure : bool
        Whether an edit confirms it.
    prior : float
        How unusual the edit is.
    """

    file: str
    line: int
    source: str
    reason: str
    right: str = ""
    hint: str = ""
    slug: str = ""
    names: list[str] = field(default_factory=list)
    also: list[str] = field(default_factory=list)
    sure: bool = True
    prior: float = 0.0

    def __str__(self) -> str:
        where = f"line {self.line}: {self.source}: " if self.line else ""
        return f"{where}{self.reason}"


@dataclass(eq=False)
class Round:
    """All that is known of one round of steps.

    Attributes
    ----------
    number : int
    judged : list of Judged
    mistakes : list of Mistake
    notes : list of str
    loss : str
        The loss in words.
    sheet : Sheet or None
    words : Words or None
        The names of the program, for what is said of it.
    """

    number: int
    judged: list[Judged] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    loss: str = ""
    sheet: Sheet | None = None
    words: Words | None = None

    @property
    def verdict(self) -> Outcome3:
        verdicts = {judged.verdict for judged in self.judged}
        if "wrong" in verdicts or self.mistakes:
            return "wrong"
        return "inconclusive" if "inconclusive" in verdicts or not verdicts else "right"


def judge(
    graph: Graph,
    moves: list[Move],
    words: Words,
    number: int,
    given: Sought | None = None,
    seed: int = 0,
    update_seen: bool = True,
    layer: bool = False,
    exact: bool = False,
) -> Round:
    """The verdict on the moves of one round.

    Parameters
    ----------
    given : Sought, optional
        The loss, where the caller knows it.
    update_seen : bool
        Whether the moves are steps, so that their direction counts.
    layer : bool
        Whether it is a layer by itself: a mean over the batch in the gradients of its parameters may belong to the loss.
    exact : bool
        Whether the gradients must be those of the given loss itself, not only up to a factor that all share.
    """
    result = Round(number, words=words)
    cuts = list(dict.fromkeys(graph.rep(whole(piece.moved)) for move in moves for piece in move.pieces))
    steps = {graph.rep(piece.step) for move in moves for piece in move.pieces if piece.step is not None}
    before, after = graph.descendants(cuts), graph.descendants(steps)
    candidates = [given] if given else computed_losses(graph, moves, before, after)
    targets = [g for move in moves for g in move.gradients] + [c.vertex for c in candidates]
    points = find_points(graph, cuts, targets, seed)
    if not points:
        return _all(
            result, moves, "inconclusive", "no other parameters were found at which the program takes the same branches"
        )
    computed = best_loss(graph, candidates, moves, points)
    inferred, guesses = None, []
    if given is None and (computed is None or computed.explained < len(moves)):
        guesses = inferred_losses(graph, moves, before)
        inferred = best_loss(graph, guesses, moves, points)
    loss = _chosen(computed, inferred)
    if given is None and computed is loss and computed is not None and 0 < computed.explained < len(moves):
        two = _two_losses(graph, moves, words, number, seed, update_seen, computed, points)
        if two is not None:
            return two
    if loss is not None and not loss.explained and given is None:
        return _nothing_explained(
            result, graph, moves, points, [each for each in (computed, *guesses) if each is not None], words, update_seen
        )
    if loss is None:
        return _all(
            result, moves, "inconclusive", "no number in the program depends on it as a loss would, and no error term was found"
        )
    result.sheet = sheet = Sheet(graph, moves, loss, points)
    sheet.certain = given is not None
    result.loss = _loss_in_words(loss, words)
    _judge_directions(result, sheet, words)
    _judge_factors(result, sheet, words, update_seen, layer, exact)
    if loss.kind == LINKED:
        _forgotten_at_output(result, sheet, words)
    _judge_unmoved(result, sheet, words)
    if inferred is loss and computed is not None and inferred.explained == len(moves) and not result.mistakes:
        _compare_losses(result, graph, computed, inferred, moves, words)
    return result


def _two_losses(
    graph: Graph, moves: list[Move], words: Words, number: int, seed: int, update_seen: bool, loss: Sought, points: list[Point]
) -> Round | None:
    """The verdict where some parameters follow one loss and all others another, as in a pair of networks; None elsewhere."""
    slopes = [truth(graph, loss.vertex, moves, point.values) for point in points]
    explained = [
        same_direction([p.claimed(m) for p in points], [s[k] for s in slopes]) is not None for k, m in enumerate(moves)
    ]
    rest = [move for move, right in zip(moves, explained, strict=True) if not right]
    cuts = list(dict.fromkeys(graph.rep(whole(piece.moved)) for move in rest for piece in move.pieces))
    steps = {graph.rep(piece.step) for move in rest for piece in move.pieces if piece.step is not None}
    candidates = computed_losses(graph, rest, graph.descendants(cuts), graph.descendants(steps))
    near = find_points(graph, cuts, [g for move in rest for g in move.gradients] + [c.vertex for c in candidates], seed)
    other = best_loss(graph, candidates, rest, near) if near else None
    if other is None or other.explained < len(rest) or other.vertex is loss.vertex:
        return None
    first = judge(
        graph, [m for m, right in zip(moves, explained, strict=True) if right], words, number, None, seed, update_seen
    )
    second = judge(graph, rest, words, number, None, seed, update_seen)
    first.judged += second.judged
    first.mistakes += second.mistakes
    first.notes += [second.loss[:1].upper() + second.loss[1:] + f" for {', '.join(m.name for m in rest)}.", *second.notes]
    return first


def _nothing_explained(
    result: Round, graph: Graph, moves: list[Move], points: list[Point], losses: list[Sought], words: Words, update_seen: bool
) -> Round:
    """No gradient is that of any loss: each loss is supposed in turn, and kept if edits then explain all that is wrong."""
    for loss in losses[:4]:
        trial = Round(result.number, loss=_loss_in_words(loss, words), words=words)
        trial.sheet = sheet = Sheet(graph, moves, loss, points)
        if not any(_matters(sheet, k) for k in range(len(moves))):
            continue
        _judge_directions(trial, sheet, words)
        limit = SUPPOSED if loss.inferred else SUPPOSED + 0.5
        if all(
            j.verdict == "right" or any(j.name in m.names and m.sure and m.prior < limit for m in trial.mistakes)
            for j in trial.judged
        ):
            trial.notes.append(
                f"It was supposed that the loss is {loss.kind if loss.inferred else loss.name or 'what it computes'}."
            )
            _judge_factors(trial, sheet, words, update_seen)
            return trial
    unused = _unused_targets(graph, moves, losses[:1])
    if unused:
        file, line = moves[0].file, moves[0].line
        names = ", ".join(words.name(v) or "the target" for v in unused)
        reason = f"{names} goes into the loss, but into no gradient: the error is missing from the backward pass"
        first = _first_backward(graph, moves)
        if first is not None:
            file, line = words.place(first.stack)
        result.mistakes.append(
            Mistake(
                file,
                line,
                words.line(file, line),
                reason,
                "",
                "Where does the target enter?",
                "target",
                [m.name for m in moves],
                [],
                False,
            )
        )
        return _all(result, moves, "wrong", "it does not depend on the target")
    if losses and not losses[0].inferred and _named_like_a_loss(graph, losses[0].vertex):
        trial = Round(result.number, loss=_loss_in_words(losses[0], words), words=words)
        trial.sheet = sheet = Sheet(graph, moves, losses[0], points)
        if all(_matters(sheet, k) for k in range(len(moves))):
            sheet.certain = True
            _judge_directions(trial, sheet, words)
            return trial
    return _all(result, moves, "inconclusive", "its gradient is not that of any loss that was found or inferred")


def _unused_targets(graph: Graph, moves: list[Move], losses: list[Sought]) -> list[Vertex]:
    """Data that go into a computed loss and into no gradient."""
    if not losses or losses[0].inferred:
        return []
    cuts = [piece.moved for move in moves for piece in move.pieces]
    used = graph.ancestors([g for move in moves for g in move.gradients], cuts)
    return [
        v
        for v in graph.ancestors([losses[0].vertex], cuts) - used
        if v.fn is None and v.size > 1 and v.kind != "literal" and v not in map(graph.rep, cuts)
    ][:2]


def _first_backward(graph: Graph, moves: list[Move]) -> Vertex | None:
    """The last value with a name on the way to all gradients."""
    cuts = [piece.moved for move in moves for piece in move.pieces]
    shared = [graph.ancestors(move.gradients, cuts) for move in moves]
    named = [v for v in set.intersection(*shared) if v.names and v.stack]
    return max(named, key=lambda v: v.number, default=None)


def _forgotten_at_output(result: Round, sheet: Sheet, words: Words) -> None:
    """The error is used as if it were the derivative by the pre-activation, and no usual loss makes it so."""
    a = sheet.loss.prediction
    bend = next((b for b in find_bends(sheet) if b.a is a), None) if a is not None else None
    error = next(
        (v for v in sorted(sheet.backward, key=lambda v: v.number) if v.fn is np.subtract and a in sheet.graph.inputs(v)), None
    )
    if bend is None or error is None or not error.stack:
        return
    file, line = words.place(error.stack)
    formula = bend.formula(words.name(bend.z, error.stack) or "z", words.name(bend.a, error.stack))
    text = words.text(error.stack)
    right = words.replaced(error.stack, f"({text}) * {formula}") if text else ""
    reason = f"the derivative of {bend.name or 'the activation'} at the output, {formula}, is missing"
    result.mistakes.insert(
        0,
        Mistake(
            file,
            line,
            words.line(file, line),
            reason,
            right,
            "Look at what the activation contributes.",
            "derivative-missing",
            [m.name for m in sheet.moves],
        ),
    )


def _all(result: Round, moves: list[Move], verdict: Outcome3, note: str) -> Round:
    result.judged = [Judged(move.name, move.line, move.shape, verdict, note) for move in moves]
    return result


def _chosen(computed: Sought | None, inferred: Sought | None) -> Sought | None:
    """The computed loss, unless an inferred one explains more."""
    if computed is None or (inferred is not None and inferred.explained > computed.explained):
        return inferred
    return computed


def _loss_in_words(loss: Sought, words: Words) -> str:
    if loss.inferred:
        return f"no loss is computed whose gradient this is; judged by {loss.kind}, which its error term is the derivative of"
    line = words.place(loss.vertex.stack)[1]
    if not loss.name and not line:
        return ""
    return f"the loss is {loss.name or 'the number'} of line {line}" if line else "the loss is known"


# ---------------------------------------------------------------- directions: proportional or not


def _judge_directions(result: Round, sheet: Sheet, words: Words) -> None:
    """Gradients that are not proportional to the true ones, and why."""
    factors = sheet.factors()
    explained = sum(f is not None for f in factors)
    editor: Editor | None = None
    fixed: dict[str, Mistake] = {}
    for k, (move, factor) in enumerate(zip(sheet.moves, factors, strict=True)):
        if factor is not None:
            result.judged.append(_shape_judged(sheet, move, words, result))
            continue
        judged = Judged(move.name, move.line, move.shape, "wrong")
        result.judged.append(judged)
        if not any(np.any(t) for t in sheet.true[k]):
            _unused(result, sheet, move, judged, words, explained)
            continue
        if _right_inside(sheet, move):
            judged.verdict, judged.note = (
                "right",
                "the gradient is right; what the optimizer makes of it is not one of the usual steps",
            )
            continue
        if id(move) in (key for mistake in fixed.values() for key in mistake.__dict__.get("moves", ())):
            continue
        editor = editor or Editor(sheet, words)
        started = time.perf_counter()
        blames = find_places(sheet, move) if words.spent < LONGEST else []
        words.spent += time.perf_counter() - started
        edits = editor.explain(blames)
        if edits:
            mistake = _mistake(sheet, edits, words, factors, editor)
            mistake.__dict__["moves"] = _moves_fixed(editor, edits[0])
            mistake.names = [m.name for m in sheet.moves if id(m) in mistake.__dict__["moves"]] or [move.name]
            fixed[f"{mistake.line} {mistake.reason}"] = mistake
        elif explained or sheet.certain or _none_missing(sheet, move):
            result.mistakes.append(_unexplained(sheet, move, blames, words))
        else:
            judged.verdict, judged.note = "inconclusive", "its gradient is not that of any loss that was found or inferred"
    result.mistakes = [*fixed.values(), *result.mistakes]


def _right_inside(sheet: Sheet, move: Move) -> bool:
    """Whether the true gradient goes into a step, number by number, together with a root: an optimizer of another kind."""
    graph, step, source = sheet.graph, move.pieces[0].step, graph_whole(sheet, move)
    if step is None or len(move.pieces) > 1:
        return False
    left, root, right = list(graph.inputs(step)), False, False
    seen: set[Vertex] = set()
    while left and len(seen) < 60:
        each = left.pop()
        if each in seen or each in sheet.cuts:
            continue
        seen.add(each)
        root = root or each.fn is np.sqrt or (each.fn is np.power and each.args[1] == 0.5)
        if each.shape == step.shape and any(target.by is source and target.use is None for target, _ in sheet.matches(each)):
            right = True
        elif each.fn is not None and is_elementwise(each.fn):
            left += graph.inputs(each)
    return root and right


def graph_whole(sheet: Sheet, move: Move) -> Vertex:
    """The parameter of a move."""
    return sheet.graph.rep(whole(move.pieces[0].moved))


def _none_missing(sheet: Sheet, move: Move) -> bool:
    """Whether the claim is nothing at all although the parameter matters."""
    return all(not np.any(point.claimed(move)) for point in sheet.points)


def _shape_judged(sheet: Sheet, move: Move, words: Words, result: Round) -> Judged:
    """A gradient with the right numbers; its shape may still spoil the parameter."""
    judged = Judged(move.name, move.line, move.shape, "right")
    for piece in move.pieces:
        if piece.step is not None and piece.step.size != piece.moved.size:
            judged.verdict = "wrong"
            stack = piece.step.stack
            file, line = words.place(stack)
            result.mistakes.append(
                Mistake(
                    file,
                    line,
                    words.line(file, line),
                    f"the gradient has the shape {piece.gradient.shape}, {move.name} {piece.moved.shape}: the difference is broadcast to"  # noqa: E501
                    f" {piece.step.shape}",
                    "",
                    "Compare the shapes of the parameter and of its gradient.",
                    "broadcast",
                    [move.name],
                )
            )
            break
    return judged


def _unused(result: Round, sheet: Sheet, move: Move, judged: Judged, words: Words, explained: int) -> None:
    """A parameter that the loss does not depend on."""
    if not explained and not sheet.loss.inferred and not sheet.certain:
        judged.verdict, judged.note = "inconclusive", "the loss that was found does not depend on it"
        return
    file, line = move.file, move.line
    judged.note = "the forward pass does not use it"
    reason = f"{move.name} gets a gradient, but the loss does not depend on it: the forward pass does not use it"
    result.mistakes.append(
        Mistake(
            file,
            line,
            words.line(file, line),
            reason,
            "",
            f"Where does the forward pass use {move.name}?",
            "unused",
            [move.name],
        )
    )


def _moves_fixed(editor: Editor, edit: Edit) -> list[int]:
    return [id(move) for move in editor.moves_fixed(edit)]


def _mistake(sheet: Sheet, edits: list[Edit], words: Words, factors: list[float | None], editor: Editor) -> Mistake:
    """The best edit as a mistake, with its rivals."""
    best = edits[0]
    file, line = words.place(best.vertex.stack)
    right = words.replaced(best.vertex.stack, best.new) if best.new else ""
    if best.place is not None:
        file, line, right = best.place
    rivals = []
    for edit in edits[1:]:
        if edit.fixed < best.fixed or edit.prior > best.prior + 1.0:
            continue
        place = words.place(edit.vertex.stack)
        text = f"line {place[1]}: {edit.reason}"
        if place[1] and text not in rivals and edit.reason != best.reason:
            rivals.append(text)
    return Mistake(
        file, line, words.line(file, line), best.reason, right, best.hint, best.slug, [], rivals[:3], True, best.prior
    )


def _unexplained(sheet: Sheet, move: Move, blames: list[Blame], words: Words) -> Mistake:
    """A wrong gradient without an edit that explains it: the lines between which it went wrong."""
    if not blames:
        return Mistake(
            move.file,
            move.line,
            words.line(move.file, move.line),
            f"the gradient of {move.name} is wrong",
            "",
            f"Look at the lines that compute the gradient of {move.name}.",
            "unexplained",
            [move.name],
            [],
            False,
        )
    blame = blames[0]
    file, line = words.place(blame.vertex.stack)
    by = blame.needs[0].by
    what = words.name(by, blame.vertex.stack) if by is not None else ""
    lasts = [v for v in sheet.graph.inputs(blame.vertex) if sheet.right(v) and v.stack]
    last = (
        f"; {words.name(lasts[0], blame.vertex.stack)} is right" if lasts and words.name(lasts[0], blame.vertex.stack) else ""
    )
    said = (
        f"this should be the derivative of the loss by {what}, and is not{last}"
        if what
        else f"the gradient goes wrong here{last}"
    )
    return Mistake(file, line, words.line(file, line), said, "", "Look at this line.", "unexplained", [move.name], [], False)


# ---------------------------------------------------------------- factors and signs


def _judge_factors(
    result: Round, sheet: Sheet, words: Words, update_seen: bool, layer: bool = False, exact: bool = False
) -> None:
    """Signs and constant factors of the gradients that have the right direction."""
    factors = sheet.factors()
    known = [
        (k, move, f)
        for k, (move, f) in enumerate(zip(sheet.moves, factors, strict=True))
        if f is not None and _matters(sheet, k)
    ]
    if not known:
        return
    down = [entry for entry in known if entry[2] > 0]
    up = [entry for entry in known if entry[2] < 0]
    if up and (down or update_seen):
        _uphill(result, sheet, words, up, bool(down), update_seen)
    elif up:
        result.notes.append("It returns the negative gradient; the update must add it.")
    raw = [abs(f) * abs(move.pieces[0].factor) for _, move, f in known]
    peeled = [abs(f) * abs(move.pieces[0].factor) / move.pieces[0].rate for _, move, f in known]
    if layer and _mean_in_layer(result, known, peeled):
        return
    if exact and not _equal([1.0, *peeled]):
        for (_, move, _), own in zip(known, peeled, strict=True):
            if abs(own - 1.0) >= CLOSE:
                _odd_factor(result, sheet, words, move, own, [])
        return
    if _equal(raw) or _equal(peeled):
        _common(result, peeled if _equal(peeled) else raw, sheet)
        return
    scale = peeled if any(abs(p - 1.0) < CLOSE for p in peeled) and not sheet.loss.inferred else raw
    counts = [sum(abs(a / b - 1.0) < CLOSE for b in scale) for a in scale]
    at_one = [abs(a - 1.0) < CLOSE for a in scale]
    best = max(range(len(scale)), key=lambda i: (at_one[i] and not sheet.loss.inferred, counts[i], -scale[i]))
    reference = scale[best]
    if any(move.how & {"an optimizer with averaged squares", "the sign alone"} for _, move, _ in known) and scale is raw:
        scale = peeled
    for (_, move, _), own in zip(known, scale, strict=True):
        if abs(own / reference - 1.0) >= CLOSE:
            good = [m for (_, m, _), s in zip(known, scale, strict=True) if abs(s / reference - 1.0) < CLOSE]
            _odd_factor(result, sheet, words, move, own / reference, good)


def _mean_in_layer(result: Round, known: list[Any], scale: list[float]) -> bool:
    """Whether only the parameters' gradients are divided by the batch: then the loss should not be."""
    own = [s for (_, move, _), s in zip(known, scale, strict=True) if move.name not in ("x", "X")]
    inputs = [s for (_, move, _), s in zip(known, scale, strict=True) if move.name in ("x", "X")]
    if len(own) < 2 or not inputs or not _equal(own) or not _equal([1.0, *inputs]) or _equal([1.0, *own]):
        return False
    count = 1.0 / own[0]
    if abs(count - round(count)) > 1e-6 or round(count) not in {
        m.pieces[0].moved.shape[0] for _, m, _ in known if m.name in ("x", "X")
    }:
        return False
    result.notes.append(f"It takes the mean over the batch itself (1/{round(count)}); the loss must not do so as well.")
    return True


def _matters(sheet: Sheet, k: int) -> bool:
    return any(np.any(t) for t in sheet.true[k])


def _equal(numbers: list[float]) -> bool:
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


def _uphill(result: Round, sheet: Sheet, words: Words, up: list[Any], some: bool, update_seen: bool) -> None:
    """Steps that raise the loss."""
    values = [float(np.ravel(point.value(sheet.loss.vertex))[0]) for point in sheet.points]
    if not some and not sheet.loss.inferred and all(v < 0 for v in values):
        result.notes.append("The steps raise the number that it computes, a likelihood or a gain, as they should.")
        return
    for _, move, _ in up:
        judged = next(j for j in result.judged if j.name == move.name and j.line == move.line)
        judged.verdict, judged.note = "wrong", "steps uphill"
    turned = _turned_error(sheet) if not some and all(move.pieces[0].factor > 0 for _, move, _ in up) else None
    if turned is not None and turned.stack:
        file, line = words.place(turned.stack)
        text = words.operands(turned)
        right = words.replaced(turned.stack, f"{text[1]} - {text[0]}") if len(text) == 2 and turned.fn is np.subtract else ""
        right = words.replaced(turned.stack, text[0]) if turned.fn is np.negative and text else right
        names = list(dict.fromkeys(move.name for _, move, _ in up))
        result.mistakes.append(
            Mistake(
                file,
                line,
                words.line(file, line),
                "the sign is wrong here: the difference is the other way round, and every step goes uphill",
                right,
                "Look at the order of the difference.",
                "sign",
                names,
            )
        )
        return
    groups: dict[tuple[str, int], list[str]] = {}
    for _, move, _ in up:
        groups.setdefault(_sign_place(sheet, words, move, some), []).append(move.name)
    for (file, line), names in groups.items():
        source = words.line(file, line)
        right = _other_sign(source)
        who = ", ".join(dict.fromkeys(names))
        reason = (
            f"the step of {who} goes uphill: it raises the loss" if update_seen else f"the gradient of {who} has the wrong sign"
        )
        result.mistakes.append(
            Mistake(file, line, source, reason, right, "Look at the sign.", "sign", list(dict.fromkeys(names)))
        )


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
    place = _factor_jump(sheet, move, lambda ratio: ratio < 0, others)
    return words.place(place.stack) if place is not None and place.stack else (move.file, move.line)


def _other_sign(source: str) -> str:
    for old, new in (("-=", "+="), ("+=", "-="), (" - ", " + "), (" + ", " - ")):
        if source.count(old) == 1:
            return source.replace(old, new)
    return ""


def _odd_factor(result: Round, sheet: Sheet, words: Words, move: Move, ratio: float, good: list[Move]) -> None:
    """A gradient that is a constant times too large or too small, unlike the others."""
    judged = next(j for j in result.judged if j.name == move.name and j.line == move.line)
    judged.verdict = "wrong"
    place = _factor_jump(sheet, move, lambda r: abs(abs(r) / ratio - 1.0) < CLOSE, good)
    sure = place is not None
    vertex = place or sheet.graph.rep(move.pieces[0].gradient)
    file, line = words.place(vertex.stack) if vertex.stack else (move.file, move.line)
    said = _factor_in_words(ratio, sheet)
    judged.note = said
    for mistake in result.mistakes:
        if (mistake.file, mistake.line, mistake.slug) == (file, line, "factor"):
            mistake.names.append(move.name)
            return
    own = words.text(vertex.stack)
    right = words.replaced(vertex.stack, _without_factor(vertex, words, ratio) or scaled_text(own, 1.0 / ratio)) if own else ""
    result.mistakes.append(
        Mistake(
            file,
            line,
            words.line(file, line),
            f"{said}{', compared with the other gradients' if good else ''}",
            right,
            "Look at the constant factors.",
            "factor",
            [move.name],
            [],
            sure,
        )
    )


def _without_factor(vertex: Vertex, words: Words, ratio: float) -> str:
    """The expression without a factor that it has too much; "" if it has none."""
    text = words.operands(vertex)
    if vertex.fn is np.mean and ratio < 1.0:
        return words.text(vertex.stack).replace("mean", "sum", 1)
    if vertex.fn is np.sum and ratio > 1.0 and abs(vertex.inputs[0].size / max(vertex.size, 1) / ratio - 1.0) < CLOSE:
        return words.text(vertex.stack).replace("sum", "mean", 1)
    if vertex.fn not in (np.multiply, np.divide) or len(text) != 2:
        return ""
    for k, arg in enumerate(vertex.args):
        value = np.asarray(arg.value if isinstance(arg, Vertex) else arg)
        if value.size == 1 and float(value.ravel()[0]):
            number = float(value.ravel()[0])
            effect = number if vertex.fn is np.multiply else 1.0 / number
            if (vertex.fn is np.multiply or k == 1) and abs(effect / ratio - 1.0) < CLOSE:
                return text[1 - k]
    return ""


def _factor_in_words(ratio: float, sheet: Sheet) -> str:
    for n in sorted(sheet.graph.sizes | {2}):
        if abs(ratio / n - 1.0) < CLOSE:
            return f"it is {n} times too large"
        if abs(ratio * n - 1.0) < CLOSE:
            return f"it is {n} times too small"
    return f"it is {ratio:.4g} times what it should be"


def _factor_jump(sheet: Sheet, move: Move, wanted: Any, good: list[Move]) -> Vertex | None:
    """The value on the way back from a gradient, and not from good ones, at which its factor changed in a certain way."""
    graph, left = sheet.graph, [graph_rep(sheet, move)]
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
            if mine and theirs and any(wanted(m[1] / t[1]) for m in mine[:3] for t in theirs[:3]):
                best = vertex
            left.append(other)
    return best


def graph_rep(sheet: Sheet, move: Move) -> Vertex:
    """The gradient of the first piece of a move."""
    return sheet.graph.rep(move.pieces[0].gradient)


# ---------------------------------------------------------------- parameters that are not stepped


def _judge_unmoved(result: Round, sheet: Sheet, words: Words) -> None:
    """Parameters that are replaced by their gradient, or moved by something that is none."""
    graph = sheet.graph
    if result.number:
        return
    places = {piece.step.stack[:1] for move in sheet.moves for piece in move.pieces if piece.step is not None}
    touched = graph.descendants(sheet.cuts)
    for vertex in graph.trace.set_by_hand:
        parameter = vertex.args[0]
        placed = vertex.stack[:1] in places or set(parameter.names) & set(vertex.names)
        dead = not any(graph.rep(other) in touched for other in vertex.inputs)
        if (
            parameter in sheet.forward
            and parameter not in sheet.cuts
            and placed
            and dead
            and graph.rep(vertex) not in sheet.forward
        ):
            slope = graph.adjoints(sheet.loss.vertex, [parameter], {}).get(parameter)
            if slope is not None and np.any(slope):
                _by_hand(result, words, vertex, words.name(parameter))
    loose = [
        v for v in sheet.forward if v.fn is None and v.names and v not in sheet.cuts and v.kind in ("random", "made", "literal")
    ]
    slopes = graph.adjoints(sheet.loss.vertex, loose, {}) if loose else {}
    for parameter in loose:
        slope = slopes.get(parameter)
        if slope is None or not np.any(slope):
            continue
        names = set(parameter.names)
        for vertex in graph.vertices:
            if (
                vertex.number > parameter.number
                and vertex.step_of is None
                and names & set(vertex.names)
                and vertex.shape == parameter.shape
            ):
                factor = same_direction([np.asarray(vertex.value, dtype=np.float64)], [slope])
                if factor is not None and vertex.fn is not None and vertex.size > 1 and graph.rep(vertex) is not parameter:
                    file, line = words.place(vertex.stack)
                    source, name = words.line(file, line), words.name(parameter)
                    right = source.replace(" = ", " -= " if factor > 0 else " += ", 1)
                    result.mistakes.append(
                        Mistake(
                            file,
                            line,
                            source,
                            f"{name} is replaced by its gradient, not moved by it",
                            right,
                            "Look at how the parameter is updated.",
                            "replaced",
                            [name],
                        )
                    )
                    result.judged.append(Judged(name, line, parameter.shape, "wrong", "replaced by its gradient"))
                    break


def _by_hand(result: Round, words: Words, vertex: Vertex, name: str) -> None:
    """A parameter that is moved by something that does not depend on it."""
    file, line = words.place(vertex.stack)
    plain = re.sub(r"\W", "", name.split(".")[-1].split("[")[-1])
    for number, text in enumerate(words.lines.get(file, []), 1):
        if plain and re.match(rf"\s*(self\.)?(\w+\[.)?(d_?|grad_?|g_?|delta_?){re.escape(plain)}\b.*=", text):
            line = number
            break
    reason = f"what {name} is moved by depends neither on it nor on the error"
    result.mistakes.append(
        Mistake(
            file, line, words.line(file, line), reason, "", f"Look at the gradient of {name}.", "constant", [name], [], False
        )
    )
    result.judged.append(Judged(name, line, vertex.shape, "wrong", "moved by a constant"))


# ---------------------------------------------------------------- another loss


def _compare_losses(result: Round, graph: Graph, computed: Sought, inferred: Sought, moves: list[Move], words: Words) -> None:
    """The gradient is that of one loss, and the program computes another one."""
    line = words.place(computed.vertex.stack)[1]
    result.notes.append(
        f"This is the gradient of {inferred.kind}; {computed.name or 'the number'} of line {line}, which it computes, is another"  # noqa: E501
        " measure."
    )


assert Point is not None
