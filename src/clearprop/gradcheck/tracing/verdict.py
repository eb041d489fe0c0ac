"""The verdict on one round of steps: which gradients are right, which are wrong, where, and why.

A gradient is right if it is proportional to the true one at all points. The factor must be the same for all parameters
(apart from learning rates of their own): a factor that all share is the choice of a mean or a sum, one that differs is a
mistake. Nothing is called wrong unless the loss is known: because it explains some other gradient exactly, or because one
edit of one line makes wrong gradients right.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final

import numpy as np

from clearprop.gradcheck.tracing.common_factors import judge_constants, known_factors
from clearprop.gradcheck.tracing.directions import judge_directions
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.inferred_losses import inferred_losses
from clearprop.gradcheck.tracing.judged_case import JudgedCase
from clearprop.gradcheck.tracing.loss_search import (
    HINGE,
    LINKED,
    Sought,
    best_loss,
    computed_losses,
    is_gain,
    later_losses,
    named_like_a_loss,
    truth,
    turned,
)
from clearprop.gradcheck.tracing.margins import hinge_losses, is_margin_only
from clearprop.gradcheck.tracing.mistake import Mistake
from clearprop.gradcheck.tracing.never_reset import judge_never_reset, never_reset
from clearprop.gradcheck.tracing.output_mistakes import judge_forgotten_at_output, loss_in_words, unused_targets
from clearprop.gradcheck.tracing.round_outcome import Round
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.softmax_axis import judge_softmax_axis
from clearprop.gradcheck.tracing.stale_values import judge_left_over, judge_stale, not_finite
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.trial_points import Point, find_points, same_direction
from clearprop.gradcheck.tracing.unmoved import clipped_steps, judge_unmoved
from clearprop.gradcheck.tracing.uphill import judge_uphill
from clearprop.gradcheck.tracing.weighted_losses import losses_with_held_targets, weighted_losses
from clearprop.gradcheck.tracing.wording import NO_SEARCH, Words


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
    signed: bool = False,
    others: tuple[tuple[Move, ...], ...] = (),
) -> Round:
    """The verdict on the moves of one round; `JudgedCase` says what the arguments mean.

    Parameters
    ----------
    given : Sought, optional
        The loss, where the caller knows it.
    """
    case = JudgedCase(graph, moves, words, number, seed, update_seen, layer, exact, signed, others)
    return judge_given(case, given) if given is not None else judge_sought(case)


def judge_given(case: JudgedCase, loss: Sought) -> Round:
    """The verdict where the loss is known."""
    points = find_points(case.graph, case.cuts(), [*case.gradients(), loss.vertex], case.seed)
    if not points:
        return _no_points(case)
    sheet = Sheet(case.graph, case.moves, loss, points)
    sheet.certain = True
    return judge_sheet(case, sheet)


def judge_sought(case: JudgedCase) -> Round:
    """The verdict where the loss has to be found first."""
    graph, moves, cuts = case.graph, case.moves, case.cuts()
    before, after = graph.descendants(cuts), graph.descendants(case.steps())
    candidates = computed_losses(graph, moves, before, after) or later_losses(graph, moves)
    points = find_points(graph, cuts, case.gradients() + [c.vertex for c in candidates], case.seed)
    if not points:
        return _no_points(case)
    computed = best_loss(graph, candidates, moves, points)
    inferred, guesses = None, []
    if computed is None or computed.explained < len(moves):
        guesses = inferred_losses(graph, moves, before)
        inferred = best_loss(graph, guesses, moves, points)
    loss = _chosen(computed, inferred)
    if loss is None or not loss.explained:
        more = weighted_losses(graph, moves, before, points) or losses_with_held_targets(graph, moves, before)
        guesses += more
        loss = best_loss(graph, more, moves, points) or loss
    if is_margin_only(graph, moves, before):
        margin = best_loss(graph, hinge_losses(graph, moves, before), moves, points)
        if margin is not None and margin.explained:
            loss = inferred = margin
    if loss is None:
        result = Round(case.number, words=case.words)
        reason = "no number in the program depends on it as a loss would, and no error term was found"
        return result.all(moves, "inconclusive", reason)
    if computed is loss and 0 < computed.explained < len(moves):
        two = _two_losses(case, computed, points)
        if two is not None:
            return two
    if not loss.explained:
        return judge_softmax_axis(case, points) or _nothing_explained(
            case, points, [each for each in (computed, *guesses) if each is not None]
        )
    gain = is_gain(graph, loss, moves, points)
    result = judge_sheet(case, Sheet(graph, moves, turned(graph, loss) if gain else loss, points))
    result.notes += [GAIN] if gain else []
    if (
        inferred is loss
        and loss.kind != HINGE
        and computed is not None
        and inferred.explained == len(moves)
        and not result.mistakes
    ):
        line = case.words.place(computed.vertex.stack)[1]
        where = f"{computed.name or 'the number'} of line {line}" if line else "the value of its forward pass"
        result.notes.append(f"This is the gradient of {loss.kind}; {where}, which it computes, is another measure.")
    return result


GAIN: Final = "The steps raise the number that it computes, a likelihood or a gain, as they should."


def judge_sheet(case: JudgedCase, sheet: Sheet) -> Round:
    """The verdict by one loss."""
    result = Round(case.number, words=case.words, sheet=sheet, loss=loss_in_words(sheet.loss, case.words))
    left = never_reset(sheet, case)
    judge_factors(result, sheet, case, judge_directions(result, sheet, case))
    if left:
        judge_never_reset(result, sheet, case, left)
        return result
    if case.words.spent >= NO_SEARCH and result.verdict != "right":
        return result  # a second opinion that has failed: what else is wrong is of no use
    if sheet.loss.kind == LINKED:
        judge_forgotten_at_output(result, sheet, case.words)
    judge_unmoved(result, sheet, case.words)
    if case.update_seen and not result.mistakes:
        judge_stale(result, case)
    judge_left_over(result, case)
    result.notes += clipped_steps(sheet)
    return result


def judge_factors(result: Round, sheet: Sheet, case: JudgedCase, explained: set[int]) -> None:
    """Signs and constant factors of the gradients that have the right direction, but for those that are explained."""
    known = [entry for entry in known_factors(sheet) if entry[0] not in explained]
    if not known:
        return
    down, up = [entry for entry in known if entry[2] > 0], [entry for entry in known if entry[2] < 0]
    if up and (down or case.update_seen or case.signed):
        judge_uphill(result, sheet, case.words, up, bool(down), case.update_seen)
    elif up:
        result.notes.append("It returns the negative gradient; the update must add it.")
    judge_constants(result, sheet, case.words, known, case.layer, case.exact)


def _no_points(case: JudgedCase) -> Round:
    reason = not_finite(case) or "no other parameters were found at which the program takes the same branches"
    return Round(case.number, words=case.words).all(case.moves, "inconclusive", reason)


def _chosen(computed: Sought | None, inferred: Sought | None) -> Sought | None:
    """The computed loss, unless an inferred one explains more."""
    if computed is None or (inferred is not None and inferred.explained > computed.explained):
        return inferred
    return computed


# ---------------------------------------------------------------- two losses, or none


def _two_losses(case: JudgedCase, loss: Sought, points: list[Point]) -> Round | None:
    """The verdict where some parameters follow one loss and all others another, as in a pair of networks; None elsewhere."""
    graph, moves = case.graph, case.moves
    slopes = [truth(graph, loss.vertex, moves, point.values) for point in points]
    claims = [[point.claimed(move) for point in points] for move in moves]
    right = [same_direction(claim, [s[k] for s in slopes]) is not None for k, claim in enumerate(claims)]
    rest = case.only([move for move, fits in zip(moves, right, strict=True) if not fits])
    if sum(piece.moved.size for move in rest.moves for piece in move.pieces) < 2:
        return None  # a single number is proportional to anything
    cuts = rest.cuts()
    candidates = computed_losses(graph, rest.moves, graph.descendants(cuts), graph.descendants(rest.steps()))
    near = find_points(graph, cuts, rest.gradients() + [c.vertex for c in candidates], case.seed)
    other = best_loss(graph, candidates, rest.moves, near) if near else None
    if other is None or other.explained < len(rest.moves) or other.vertex in graph.ancestors([loss.vertex]):
        return None  # a term of the first loss is no second one: the gradient lacks the other terms
    first = judge_sought(case.only([move for move, fits in zip(moves, right, strict=True) if fits]))
    second = judge_sought(rest)
    first.judged += second.judged
    first.mistakes += second.mistakes
    names = ", ".join(move.name for move in rest.moves)
    first.notes += [second.loss[:1].upper() + second.loss[1:] + f" for {names}.", *second.notes]
    return first


def _nothing_explained(case: JudgedCase, points: list[Point], losses: list[Sought]) -> Round:
    """No gradient is that of any loss: each loss is supposed in turn, and kept if edits then explain all that is wrong."""
    for loss in losses[:4] if case.number else ():
        sheet = Sheet(case.graph, case.moves, loss, points)
        left = never_reset(sheet, case)
        if left:
            result = Round(case.number, words=case.words, sheet=sheet, loss=loss_in_words(loss, case.words))
            judge_never_reset(result.all(case.moves, "right", ""), sheet, case, left)
            return result
    for loss in losses[:4]:
        started = time.process_time()
        trial = _supposed(case, loss, points) if case.words.supposed < SUPPOSING else None
        case.words.supposed += time.process_time() - started
        if trial is not None:
            return trial
    result = Round(case.number, words=case.words)
    if losses and not losses[0].inferred:
        unused = unused_targets(case, losses[0])
        if unused is not None:
            result.mistakes.append(unused)
            return result.all(case.moves, "wrong", "it does not depend on the target")
        if named_like_a_loss(case.graph, losses[0].vertex) and not _is_distance(case, losses[0]):
            sheet = Sheet(case.graph, case.moves, losses[0], points)
            if all(sheet.matters(k) for k in range(len(case.moves))):
                result.loss, result.sheet, sheet.certain = loss_in_words(losses[0], case.words), sheet, True
                judge_directions(result, sheet, case)
                return result
    return result.all(case.moves, "inconclusive", "its gradient is not that of any loss that was found or inferred")


def _is_distance(case: JudgedCase, loss: Sought) -> bool:
    """Whether a number is a sum of absolute errors, which programs print beside the loss that they descend."""
    made_of = case.graph.ancestors([loss.vertex], case.cuts()) & case.graph.descendants(case.cuts())
    return any(vertex.fn is np.abs and vertex.inputs and vertex.inputs[0].fn is np.subtract for vertex in made_of)


SUPPOSING: Final = 5.0  # seconds after which no further loss is supposed, in all rounds together
SUPPOSITION: Final = "It was supposed that the loss is"
OTHERS: Final = 2  # derivatives that may explain a mistake, so that the loss counts as found
SUPPOSED: Final = 1.5  # what an edit may be like, at most, for a loss that is only supposed


def _supposed(case: JudgedCase, loss: Sought, points: list[Point]) -> Round | None:
    """The verdict by a loss that explains nothing, if edits then explain all that is wrong."""
    sheet = Sheet(case.graph, case.moves, loss, points)
    trial = Round(case.number, words=case.words, sheet=sheet, loss=loss_in_words(loss, case.words))
    if not any(sheet.matters(k) for k in range(len(case.moves))):
        return None
    explained = judge_directions(trial, sheet, case)
    limit = SUPPOSED if loss.inferred else SUPPOSED + 0.5
    clear = [mistake for mistake in trial.mistakes if mistake.sure and mistake.prior < limit and not _is_chance(mistake)]
    likely = {name for mistake in clear for name in mistake.names}
    if not all(judged.verdict == "right" or judged.name in likely for judged in trial.judged):
        return None
    trial.notes.append(f"{SUPPOSITION} {loss.kind if loss.inferred else loss.name or 'what it computes'}.")
    judge_factors(trial, sheet, replace(case, layer=False, exact=False), explained)
    return trial


def _is_chance(mistake: Mistake) -> bool:
    """Whether any of several derivatives would do, which is so where one large number of the data counts alone."""
    return sum("the derivative of" in text for text in (mistake.reason, *mistake.also)) > OTHERS
