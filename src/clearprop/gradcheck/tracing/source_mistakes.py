"""Mistakes that another expression in the source explains: the best explanation as a mistake, its rivals behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from clearprop.gradcheck.tracing.common_factors import CLOSE, factor_in_words
from clearprop.gradcheck.tracing.consistency import Consistency
from clearprop.gradcheck.tracing.corrected_line import cancelled, corrected_line, inserted_line
from clearprop.gradcheck.tracing.judged_case import JudgedCase
from clearprop.gradcheck.tracing.loss_search import computed_losses
from clearprop.gradcheck.tracing.mistake import Mistake
from clearprop.gradcheck.tracing.moved_lines import Changes
from clearprop.gradcheck.tracing.replay import Replay
from clearprop.gradcheck.tracing.round_outcome import Round
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.sites import find_sites, span_of
from clearprop.gradcheck.tracing.source_edits import replaced
from clearprop.gradcheck.tracing.source_search import SourceExplanation, SourceSearch
from clearprop.gradcheck.tracing.statement_order import misplaced
from clearprop.gradcheck.tracing.step_lines import step_lines
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.trace import Vertex
from clearprop.gradcheck.tracing.trial_points import find_points
from clearprop.gradcheck.tracing.wording import NO_SEARCH

MOST_RIVALS: Final = 8


def judge_by_source(result: Round, sheet: Sheet, case: JudgedCase, skipped: set[int]) -> set[int]:
    """Name the expression that makes wrong gradients right, if there is one.

    Returns
    -------
    set of int
        The numbers of the moves that are wrong, and right with the other expression.
    """
    if case.words.spent >= NO_SEARCH:
        return set()
    skipped = skipped | turned_steps(sheet)
    consistency = Consistency(sheet, case.update_seen or case.signed, case.exact, case.layer)
    search = SourceSearch(sheet, case.words, consistency, skipped)
    order = misplaced(sheet, case.words, consistency) if search.wrong else None
    if order is not None:
        result.mistakes.append(order)
        return set(search.wrong)
    found = search.found()
    result.first_wrong = search.first_wrong()
    if not found:
        search, found = _in_the_steps(case, search, skipped)
    explained: set[int] = set()
    while found:  # each mistake explains gradients of its own
        found = in_other_rounds(case, search.sheet, found)
        new = found[0].right - search.before
        rivals = [each for each in found[1:] if (each.right - search.before) & new]
        result.mistakes.append(_mistake(case, sheet, search.sheet, [found[0], *rivals], new))
        explained |= new
        found = search.further(explained)
    return explained


def _in_the_steps(case: JudgedCase, before: SourceSearch, skipped: set[int]) -> tuple[SourceSearch, list[SourceExplanation]]:
    """The search in the lines of the steps, and in those between the gradient and the step, which only scale it."""
    wrong = before.wrong
    sheet, sites = step_lines(before.sheet, case.words, wrong)
    search = SourceSearch(
        sheet, case.words, Consistency(sheet, case.update_seen or case.signed, case.exact, case.layer), skipped
    )
    if sites or sheet.moves != before.sheet.moves:
        tried = {(site.file, span_of(site.node)) for site in before.sites}
        gradients = [sheet.graph.rep(g) for k in wrong for g in sheet.moves[k].gradients]
        own = {site.node.lineno for site in sites}
        between = [s for s in find_sites(sheet, case.words, gradients) if (s.file, span_of(s.node)) not in tried]
        sites += [site for site in between if site.node.lineno not in own]
    return search, search.found(sites) if sites else []


def turned_steps(sheet: Sheet) -> set[int]:
    """Numbers of the moves that go uphill because the step itself has another sign than those of the others."""
    factors = sheet.factors()
    if not any(f is not None and f > 0 for f in factors):
        return {k for k, move in enumerate(sheet.moves) if (factors[k] or 0.0) < 0 and _adds_its_gradient(sheet, move)}
    usual = {np.sign(m.pieces[0].factor) for m, f in zip(sheet.moves, factors, strict=True) if f is not None and f > 0}
    return {
        k
        for k, (move, factor) in enumerate(zip(sheet.moves, factors, strict=True))
        if factor is not None and factor < 0 and usual and np.sign(move.pieces[0].factor) not in usual
    }


def _adds_its_gradient(sheet: Sheet, move: Move) -> bool:
    """Whether the line of a step says p += rate * gradient."""
    piece = move.pieces[0]
    if piece.step is None or piece.factor > 0 or len(piece.step.args) < 2 or not isinstance(piece.step.args[1], Vertex):
        return False
    term = sheet.graph.rep(piece.step.args[1])
    return sheet.graph.rep(piece.gradient) in {term, *sheet.graph.inputs(term)}


def in_other_rounds(case: JudgedCase, sheet: Sheet, found: list[SourceExplanation]) -> list[SourceExplanation]:
    """The explanations, those first that hold in other rounds, too: with a label of 0 many slips look alike."""
    near = [each for each in found if each.named == found[0].named and each.prior <= found[0].prior + 0.5][:MOST_RIVALS]
    if len(near) < 2 or sheet.loss.inferred:
        return found
    held = dict.fromkeys(near, 0)
    shapes = sorted(move.shape for move in case.moves)
    for moves in case.others:
        spoilt = sorted(move.shape for move in moves) != shapes  # a parameter was broadcast to another shape
        other = _other_sheet(case, sheet, list(moves)) if not spoilt else None
        if other is not None:
            counts = {each: _holds(case, other, each) for each in near}
            most = max((count for count in counts.values() if count is not None), default=0)
            for each, count in counts.items():
                held[each] += most if count is None else count
    return [*sorted(near, key=lambda each: (-held[each], each.prior)), *(each for each in found if each not in held)]


def _other_sheet(case: JudgedCase, sheet: Sheet, moves: list[Move]) -> Sheet | None:
    """The sheet of another round, by the loss of the same line."""
    graph, place = case.graph, sheet.loss.vertex.stack[:1]
    if not moves:
        return None
    other = replace(case, moves=moves)
    before, after = graph.descendants(other.cuts()), graph.descendants(other.steps())
    losses = [s for s in computed_losses(graph, moves, before, after) if s.vertex.stack[:1] == place]
    if not losses:
        return None
    points = find_points(graph, other.cuts(), [*other.gradients(), losses[0].vertex], case.seed)
    return Sheet(graph, moves, losses[0], points) if points else None


def _holds(case: JudgedCase, other: Sheet, found: SourceExplanation) -> int | None:
    """The number of gradients of another round that are right with an explanation; None if its line is not seen there."""
    gradients = [other.graph.rep(g) for move in other.moves for g in move.gradients]
    site = next((s for s in find_sites(other, case.words, gradients) if s.node.lineno == found.site.node.lineno), None)
    if site is None:
        return None
    old = site.tree.spans.get(span_of(found.edit.node))
    if old is None:
        return 0
    new = replaced(site.node, old, found.edit.new) if found.edit.node is not found.site.node else found.edit.new
    answer = Replay(other).factors(site, new)
    return len(Consistency(other, case.update_seen or case.signed, case.exact, case.layer).right(answer[0])) if answer else None


def _mistake(case: JudgedCase, sheet: Sheet, searched: Sheet, found: list[SourceExplanation], explained: set[int]) -> Mistake:
    """The best explanation as a mistake; in the sheet that was searched, whole steps may stand for gradients."""
    best = replace(found[0], edit=cancelled(found[0].site, found[0].edit))
    file, (line, right) = best.site.file, corrected_line(best.site, best.edit)
    rivals: list[str] = []
    for each in found[1:]:
        text = f"line {each.edit.node.lineno}: {each.edit.reason}"
        same = each.edit.reason == best.edit.reason or corrected_line(each.site, each.edit) == (line, right)
        if each.prior <= best.prior + 1.0 and text not in rivals and not same:
            rivals.append(text)
    names = list(dict.fromkeys(sheet.moves[k].name for k in sorted(explained)))
    edit = best.edit
    before, after = _scales(sheet, sheet.factors()), _scales(searched, searched.factors(best.after))
    reason, source = (
        f"{_what_it_does(sheet, [(before[k], after[k]) for k in explained])}{edit.reason}",
        case.words.line(file, line),
    )
    changes: Changes = ()
    if edit.inserted:
        line, right, changes = inserted_line(best.site, edit)
        source = case.words.line(file, line)
    return Mistake(file, line, source, reason, right, edit.hint, edit.slug, names, rivals[:3], True, best.prior, changes)


def _scales(sheet: Sheet, factors: list[float | None]) -> list[float]:
    """The length of each step, in gradients; 0 if it has another direction."""
    return [(f or 0.0) * abs(move.pieces[0].factor) for move, f in zip(sheet.moves, factors, strict=True)]


def _what_it_does(sheet: Sheet, pairs: list[tuple[float, float]]) -> str:
    """The effect of a mistake on gradients that keep their direction: uphill, or so many times too large."""
    ratios = [before / after for before, after in pairs if before and after]
    if len(ratios) < len(pairs) or not ratios or max(ratios) - min(ratios) > CLOSE * abs(ratios[0]):
        return ""
    return f"{factor_in_words(ratios[0], sheet)}: " if ratios[0] > 0 else "every step goes uphill: "
