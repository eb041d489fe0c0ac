"""Second opinions: what is tried before a gradient is called wrong.

A gradient may be right for a reason that the first reading did not think of: it holds a weight decay that is no part of the
loss; the function that was taken for the loss is another measure, or none; a program trains several networks one after the
other. Each is tried only where the first verdict is not "right", and counts only if it makes everything right.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from clearprop.gradcheck.tracing.conditioning import lost_in_rounding, shrunk
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.loss_search import Sought, whole
from clearprop.gradcheck.tracing.nonlinear import LOGARITHMS
from clearprop.gradcheck.tracing.round_outcome import Round
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.tiny_numbers import has_tiny_numbers, made_smaller
from clearprop.gradcheck.tracing.trace import Vertex
from clearprop.gradcheck.tracing.trial_points import same_direction
from clearprop.gradcheck.tracing.verdict import judge
from clearprop.gradcheck.tracing.weight_decay import penalised, without_decay
from clearprop.gradcheck.tracing.wording import NO_SEARCH, Words

SATURATED = "its units are saturated: what is left of the gradient is rounding"
MOST_OUTPUTS = 64
MOST_SUMS = 6


def judge_fairly(
    graph: Graph,
    moves: list[Move],
    words: Words,
    number: int,
    given: Sought | None = None,
    seed: int = 0,
    **options: Any,
) -> Round:
    """The verdict on the moves of one round, after all that may make them right was tried.

    Parameters
    ----------
    options
        As for `judge`.
    """
    first = judge(graph, moves, words, number, given, seed, **options)
    if lost_in_rounding(first):
        with shrunk(graph):
            again = judge(graph, moves, words, number, given, seed, **options)
        first = _doubted(first, SATURATED) if again.verdict == "inconclusive" or lost_in_rounding(again) else again
    if first.verdict == "right":
        return first
    bare = moves if options.get("signed") else [without_decay(graph, move) for move in moves]
    decayed = [move.name for move, other in zip(moves, bare, strict=True) if other is not move]
    decayed = [] if decayed and penalised(graph, moves) else decayed
    spent, words.spent = words.spent, NO_SEARCH
    try:
        if decayed:
            other = judge(graph, bare, words, number, given, seed, **options)
            if other.verdict == "right":
                return _with_decay(other, decayed)
            if _rights(other) > _rights(first):
                words.spent = spent
                return _with_decay(judge(graph, bare, words, number, given, seed, **options), decayed)
        if given is not None and not options.get("exact"):
            other = judge_fairly(graph, moves, words, number, None, seed, **options)
            if other.verdict == "right" and not (options.get("signed") and _contradicts(first)):
                return other
        if has_tiny_numbers(graph):
            with made_smaller(graph):
                other = judge(graph, moves, words, number, given, seed, **options)
                if other.verdict != "right" and _rights(other) > _rights(first):
                    words.spent = spent
                    other = judge(graph, moves, words, number, given, seed, **options)
            if other.verdict == "right" or words.spent == spent:
                other.notes.append("Tiny numbers that it adds against a division by zero were left out of account.")
                return other
        for total in sums_of_losses(graph, moves) if given is None else ():
            other = judge(graph, moves, words, number, Sought(total), seed, **options)
            if other.verdict == "right":
                other.loss = "the loss is the sum of the errors of all outputs"
                return other
    finally:
        words.spent = spent
    return first if given is not None or _well_founded(first) else _doubted(first)


def _contradicts(found: Round) -> bool:
    """Whether a gradient is of another direction than that of the loss that is given, and the loss leaves no doubt.

    A loss with a logarithm does: with a softmax or a sigmoid before it, its derivative is the difference itself.
    """
    sheet = found.sheet
    if sheet is None or any(vertex.fn in LOGARITHMS for vertex in sheet.forward | {sheet.loss.vertex}):
        return False
    claims = [[point.claimed(move) for point in sheet.points] for move in sheet.moves]
    pairs = zip(claims, sheet.true, strict=True)
    return any(same_direction([c], [t]) is None for claim, true in pairs for c, t in zip(claim, true, strict=True))


def _rights(found: Round) -> int:
    return sum(each.verdict == "right" for each in found.judged)


def _with_decay(found: Round, names: list[str]) -> Round:
    """The verdict, with a word on the decay."""
    found.notes.append(f"The gradient of {', '.join(names)} holds a weight decay or a momentum that is no part of the loss.")
    return found


def _well_founded(found: Round) -> bool:
    """Whether a verdict rests on more than a loss that was only inferred and explains less than half."""
    if found.sheet is None or not found.sheet.loss.inferred:
        return True
    sure = {name for mistake in found.mistakes if mistake.sure and mistake.slug != "unused" for name in mistake.names}
    known = [each.verdict == "right" or each.name in sure for each in found.judged]
    return 2 * sum(known) >= len(known)


def _doubted(found: Round, note: str = "no loss was found that explains most of the gradients") -> Round:
    """The verdict without accusations."""
    for each in found.judged:
        if each.verdict == "wrong":
            each.verdict, each.note = "inconclusive", note
    return replace(found, mistakes=[])


def sums_of_losses(graph: Graph, moves: list[Move]) -> list[Vertex]:
    """Sums of the numbers that one line computes for one output after the other, and that go into no gradient."""
    cuts = [graph.rep(whole(piece.moved)) for move in moves for piece in move.pieces]
    steps = [graph.rep(piece.step) for move in moves for piece in move.pieces if piece.step is not None]
    gradients = graph.ancestors([g for move in moves for g in move.gradients], cuts)
    places: dict[Any, list[Vertex]] = {}
    for vertex in graph.descendants(cuts) - graph.descendants(steps) - gradients:
        if vertex.size == 1 and vertex.floating and vertex.stack and vertex.fn is not None:
            places.setdefault(vertex.stack, []).append(vertex)
    return [graph.total(each) for each in places.values() if 1 < len(each) <= MOST_OUTPUTS][:MOST_SUMS]


# ---------------------------------------------------------------- several trainings


def trainings(graph: Graph, moves: list[Move]) -> list[list[Move]]:
    """The moves of one round, those together whose gradients have something to do with each other.

    Two gradients have, if one depends on the parameter of the other, or both on one value that depends on parameters. A
    program that trains one network after another has several such groups, each with a loss of its own.
    """
    cuts = [[graph.rep(whole(piece.moved)) for piece in move.pieces] for move in moves]
    every = {v for own in cuts for v in own}
    moving = graph.descendants(every)
    reached = [graph.ancestors(move.gradients, every) & moving for move in moves]
    guards = [test for test in graph.guards if test in moving] if not all(reached) else []
    tests = [graph.ancestors([test], every) & every for test in guards]
    for own, values in zip(cuts, reached, strict=True):  # what was moved because of a test belongs to all that was tested
        if not values:
            values.update(*(tested for tested in tests if tested & set(own)))
    owners: dict[Vertex, int] = {}
    groups = list(range(len(moves)))

    def root(k: int) -> int:
        while groups[k] != k:
            k = groups[k]
        return k

    for k, (own, values) in enumerate(zip(cuts, reached, strict=True)):
        for value in (*own, *values):
            groups[root(owners.setdefault(value, k))] = root(k)
    for k, values in enumerate(reached):
        if not values:  # made of data alone, behind a branch: of the training whose steps stand beside it
            groups[root(k)] = root(k - 1 if k else min(1, len(moves) - 1))
    found: dict[int, list[Move]] = {}
    for k, move in enumerate(moves):
        found.setdefault(root(k), []).append(move)
    return list(found.values())


def together(rounds: list[Round]) -> Round:
    """The verdicts on several trainings as one."""
    if len(rounds) == 1:
        return rounds[0]
    first = replace(rounds[0], judged=[], mistakes=[], notes=[f"It trains {len(rounds)} networks or models."], loss="")
    for each in rounds:
        first.judged += each.judged
        first.mistakes += each.mistakes
        said = [f"{each.loss[0].upper()}{each.loss[1:]}." if each.loss else "", *each.notes]
        first.notes += [note for note in said if note and note not in first.notes]
    return first
