"""Directions: which gradients are proportional to the true ones; where those went wrong that are not, and why."""

from __future__ import annotations

import re
import time
from typing import Final

import numpy as np

from clearprop.gradcheck.tracing.consistency import Consistency
from clearprop.gradcheck.tracing.derivative_rules import is_elementwise
from clearprop.gradcheck.tracing.edit_maker import Edit
from clearprop.gradcheck.tracing.edits import Editor
from clearprop.gradcheck.tracing.judged_case import JudgedCase
from clearprop.gradcheck.tracing.loss_search import whole
from clearprop.gradcheck.tracing.mistake import Mistake, mistake_at
from clearprop.gradcheck.tracing.moved_lines import Changes, moved_below
from clearprop.gradcheck.tracing.place import Blame, find_places
from clearprop.gradcheck.tracing.round_outcome import Judged, Round
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.source_mistakes import judge_by_source
from clearprop.gradcheck.tracing.steps import Move, Piece
from clearprop.gradcheck.tracing.trace import Vertex
from clearprop.gradcheck.tracing.trial_points import same_direction
from clearprop.gradcheck.tracing.updated_too_early import updated_too_early
from clearprop.gradcheck.tracing.wording import NO_SEARCH, Words

_IS_WRONG: Final = "the gradient of {} is wrong"
ZERO: Final = "0 in this step"
SAME_NAME: Final = re.compile(r": (.+) belongs here, not \1$")
LONGEST: Final = 2.5  # seconds for the search of places and edits, all together


def judge_directions(result: Round, sheet: Sheet, case: JudgedCase) -> set[int]:
    """Judge which gradients are proportional to the true ones, and why others are not.

    Returns
    -------
    set of int
        The numbers of those whose mistake is an expression that was found; sign and factor are explained by it, too.
    """
    factors, words = sheet.factors(), case.words
    inside = {k for k, move in enumerate(sheet.moves) if factors[k] is None and _right_inside(sheet, move)}
    by_source = judge_by_source(result, sheet, case, inside)
    place = PlaceSearch(result, sheet, words, factors)
    for k, (move, factor) in enumerate(zip(sheet.moves, factors, strict=True)):
        if k in by_source:
            result.judged.append(Judged(move.name, move.line, move.shape, "wrong"))
        elif factor is not None:
            result.judged.append(_shape_judged(sheet, move, words, result))
            result.judged[-1].note = result.judged[-1].note or ("" if sheet.matters(k) else ZERO)
        elif not sheet.matters(k):
            result.judged.append(_unused(result, sheet, move, words, factors))
        elif k in inside:
            note = "the gradient is right; what the optimizer makes of it is not one of the usual steps"
            result.judged.append(Judged(move.name, move.line, move.shape, "right", note))
        else:
            result.judged.append(place.judged(move))
    result.mistakes = [*place.fixed.values(), *result.mistakes]
    if result.mistakes and not any(mistake.sure and not _is_in_a_helper(mistake) for mistake in result.mistakes):
        consistency = Consistency(sheet, case.update_seen, case.exact, case.layer)
        early = updated_too_early(sheet, words, consistency) if words.spent < NO_SEARCH else None
        result.mistakes = [early] if early is not None else result.mistakes
    _first_of_several(result, words)
    _together(result)
    _of_another(result, sheet, factors)
    return by_source


def _is_in_a_helper(mistake: Mistake) -> bool:
    """Whether the use of an updated value was placed where no update can be moved below it: in a function that serves many."""
    return mistake.slug == "operand-earlier" and not mistake.right.startswith("move ")


def _first_of_several(result: Round, words: Words) -> None:
    """Blame the first wrong statement where several places are blamed and none of them explained."""
    open_ones = [mistake for mistake in result.mistakes if mistake.slug == "unexplained"]
    if len({mistake.line for mistake in open_ones}) > 1 and result.first_wrong is not None and result.first_wrong[1]:
        names = list(dict.fromkeys(name for mistake in open_ones for name in mistake.names))
        reason = "this is the first value on the way back that is the derivative of nothing"
        first = mistake_at(words, result.first_wrong, reason, "Look at this line.", "unexplained", names, sure=False)
        rest = [mistake for mistake in result.mistakes if mistake.slug != "unexplained"]
        result.mistakes = [*rest, first]


def _together(result: Round) -> None:
    """Say once of all gradients that go wrong in one line, and of which no more is known, that they are wrong."""
    found: dict[tuple[str, int], list[Mistake]] = {}
    for mistake in result.mistakes:
        if mistake.slug == "unexplained" and mistake.reason == _IS_WRONG.format(*mistake.names):
            found.setdefault((mistake.file, mistake.line), []).append(mistake)
    for first, *rest in found.values():
        if rest:
            first.names = list(dict.fromkeys(name for mistake in (first, *rest) for name in mistake.names))
            first.reason = f"the gradients of {', '.join(first.names)} are wrong"
            result.mistakes = [mistake for mistake in result.mistakes if mistake not in rest]


def _of_another(result: Round, sheet: Sheet, factors: list[float | None]) -> None:
    """Say of wrong gradients that they are those of another parameter."""
    for k, move in enumerate(sheet.moves):
        if factors[k] is None and sheet.matters(k):
            claimed = [point.claimed(move) for point in sheet.points]
            for j, other in enumerate(sheet.moves):
                if j != k and sheet.matters(j) and same_direction(claimed, sheet.true[j]) is not None:
                    result.judged_of(move).note = f"it is the gradient of {other.name}"
                    for mistake in result.mistakes:
                        if mistake.slug == "unexplained" and mistake.names == [move.name]:
                            mistake.reason = f"this is the gradient of {other.name}, not of {move.name}"


class PlaceSearch:
    """Finds the places of the mistakes in one round by edits of its operations.

    Parameters
    ----------
    result : Round
    sheet : Sheet
    words : Words
    factors : list of float or None

    Attributes
    ----------
    fixed : dict of str to Mistake
        Mistakes that an edit explains.
    """

    def __init__(self, result: Round, sheet: Sheet, words: Words, factors: list[float | None]) -> None:
        self.result, self.sheet, self.words, self.factors = result, sheet, words, factors
        self.fixed: dict[str, Mistake] = {}
        self.done: set[int] = set()
        self.editor: Editor | None = None

    def judged(self, move: Move) -> Judged:
        """The verdict on a gradient of the wrong direction; its mistake is noted."""
        judged = Judged(move.name, move.line, move.shape, "wrong")
        if id(move) in self.done:
            return judged
        blames, edits = self._explained(move) if self.words.spent < NO_SEARCH else ([], [])
        if edits and self.editor is not None:
            mistake, fixed = _mistake(edits, self.words, self.sheet), self.editor.moves_fixed(edits[0])
            self.done |= {id(each) for each in fixed}
            mistake.names = [each.name for each in fixed] or [move.name]
            self.fixed[f"{mistake.line} {mistake.reason}"] = mistake
        elif any(f is not None for f in self.factors) or self.sheet.certain or _none_missing(self.sheet, move):
            self.result.mistakes.append(_unexplained(self.sheet, move, blames, self.words))
        else:
            judged.verdict, judged.note = "inconclusive", "its gradient is not that of any loss that was found or inferred"
        return judged

    def _explained(self, move: Move) -> tuple[list[Blame], list[Edit]]:
        """The places at which a gradient may have gone wrong, and the edits that make it right."""
        self.editor = self.editor or Editor(self.sheet, self.words)
        started = time.process_time()
        self.sheet.until = started + LONGEST
        blames = find_places(self.sheet, move) if self.words.spent < LONGEST else []
        self.words.spent += time.process_time() - started
        return blames, self.editor.explain(blames)


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
        whole_ones = [t for t, _ in sheet.matches(each) if t.by is source and t.use is None] if each.shape == step.shape else []
        if any(same_direction(sheet.arrays(each), target.arrays) is not None for target in whole_ones):  # not transposed
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
            place, right = _misshapen(piece, words)
            reason = (
                f"the gradient has the shape {piece.gradient.shape}, {move.name} {piece.moved.shape}:"
                f" the difference is broadcast to {piece.step.shape}"
            )
            hint = "Compare the shapes of the parameter and of its gradient."
            result.mistakes.append(mistake_at(words, place, reason, hint, "broadcast", [move.name], right))
            break
    return judged


def _misshapen(piece: Piece, words: Words) -> tuple[tuple[str, int], str]:
    """The place of a gradient of another shape, and the corrected line: that of the gradient, if it only has to be turned."""
    assert piece.step is not None
    made = piece.made or piece.gradient
    text = words.text(made.stack)
    if not text or piece.gradient.shape[::-1] != piece.moved.shape:
        return words.place(piece.step.stack), ""
    return words.place(made.stack), words.replaced(made.stack, f"({text}).T")


def _unused(result: Round, sheet: Sheet, move: Move, words: Words, factors: list[float | None]) -> Judged:
    """The verdict on a parameter that the loss does not depend on."""
    judged = Judged(move.name, move.line, move.shape, "wrong", "the forward pass does not use it")
    if all(factor is None for factor in factors) and not sheet.loss.inferred and not sheet.certain:
        judged.verdict, judged.note = "inconclusive", "the loss that was found does not depend on it"
        return judged
    reason = f"{move.name} gets a gradient, but the loss does not depend on it: the forward pass does not use it"
    hint = f"Where does the forward pass use {move.name}?"
    result.mistakes.append(mistake_at(words, (move.file, move.line), reason, hint, "unused", [move.name]))
    return judged


def _mistake(edits: list[Edit], words: Words, sheet: Sheet) -> Mistake:
    """The best edit as a mistake, with its rivals."""
    best = edits[0]
    file, line = words.place(best.vertex.stack)
    right = words.replaced(best.vertex.stack, best.new) if best.new else ""
    if best.place is not None:
        file, line, right = best.place
    changes: Changes = ()
    if best.slug == "operand-earlier":
        right, changes = _update_moved(best.vertex, words, sheet) or (right, ())
    rivals = []
    for edit in edits[1:]:
        if edit.fixed < best.fixed or edit.prior > best.prior + 1.0:
            continue
        place = words.place(edit.vertex.stack)
        text = f"line {place[1]}: {edit.reason}"
        if place[1] and text not in rivals and edit.reason != best.reason and not SAME_NAME.search(text):
            rivals.append(text)
    source = words.line(file, line)
    right = right if right.strip() != source.strip() else ""  # the value is another one, and its name the same
    return Mistake(file, line, source, best.reason, right, best.hint, best.slug, [], rivals[:3], True, best.prior, changes)


def _update_moved(vertex: Vertex, words: Words, sheet: Sheet) -> tuple[str, Changes] | None:
    """The correction that moves an update below the last use of the value before it; None if they stand apart."""
    graph = sheet.graph
    step = next((graph.rep(a) for a in vertex.args if isinstance(a, Vertex) and graph.rep(a).step_of is not None), None)
    span = words.span(step.stack) if step is not None else None
    if step is None or span is None:
        return None
    users = [user for user in graph.users.get(step, ()) if user in sheet.backward]
    uses = [words.place(user.stack)[1] for user in users if user.stack[:1] and user.stack[0][0] is step.stack[0][0]]
    found = moved_below("\n".join(words.lines[span[0]]), span[1], span[2], max(uses)) if uses else None
    if not found:
        return None
    head, *block = found[0].splitlines()
    return f"move {head}{' with its block' if block else ''} below line {found[1]}", found[2]


def _unexplained(sheet: Sheet, move: Move, blames: list[Blame], words: Words) -> Mistake:
    """A wrong gradient without an edit that explains it: the lines between which it went wrong."""
    if not blames:
        reason, hint = _IS_WRONG.format(move.name), f"Look at the lines that compute the gradient of {move.name}."
        return mistake_at(words, (move.file, move.line), reason, hint, "unexplained", [move.name], sure=False)
    blame = blames[0]
    by = blame.needs[0].by
    own = [piece.made for piece in move.pieces if piece.made is not None and sheet.graph.rep(piece.made) is blame.vertex]
    made = _unscaled(sheet, own[0] if own and own[0].stack else blame.vertex)  # an equal value may stand in another line
    stack = made.stack or blame.vertex.stack
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
    place = words.place(stack)
    renamed = _renamed(sheet, lasts[0], words.place(blame.vertex.stack)) if lasts else None
    if renamed is not None:  # delta = error: the derivative of the activation is forgotten where the name changes
        place, said = renamed, f"the gradient goes wrong here{last}"
    return mistake_at(words, place, said, "Look at this line.", "unexplained", [move.name], sure=False)


def _unscaled(sheet: Sheet, vertex: Vertex) -> Vertex:
    """A single number that has a name, without the learning rate that it is multiplied by."""
    while vertex.fn in (np.multiply, np.divide) and vertex.size == 1:
        live = [v for v in sheet.graph.inputs(vertex) if v in sheet.live]
        if len(live) != 1 or not live[0].names or any(v.size > 1 for v in sheet.graph.inputs(vertex)):
            break
        vertex = live[0]
    return vertex


def _renamed(sheet: Sheet, vertex: Vertex, place: tuple[str, int]) -> tuple[str, int] | None:
    """The line above a place that gives a right value another name, as it is; None if there is none."""
    aliases = sheet.graph.trace.aliases
    found = [each for member in sheet.graph.all_of(vertex) for each in aliases.get(member, ()) if each[0].isidentifier()]
    above = [line for name, file, line in found if name != "return" and file == place[0] and line < place[1]]
    return (place[0], max(above)) if above else None
