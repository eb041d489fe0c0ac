"""The judge of one program: it takes what was recorded of the program's run, keeps its verdicts, and sums them up.

It never runs the program. `Judge` works on a trace in its own process; `remote_judge.py` stands in its place where the program
runs, and sends the trace over.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from clearprop.gradcheck.tracing.claims import moves_of
from clearprop.gradcheck.tracing.directions import ZERO
from clearprop.gradcheck.tracing.file_outcome import UNCLEAR, FunctionOutcome
from clearprop.gradcheck.tracing.function_classes import Function, judge_function
from clearprop.gradcheck.tracing.graph import Graph
from clearprop.gradcheck.tracing.iterations import moves_by_iteration
from clearprop.gradcheck.tracing.loss_search import Sought
from clearprop.gradcheck.tracing.margins import guarded_moves
from clearprop.gradcheck.tracing.marks import marks_of
from clearprop.gradcheck.tracing.mistake import Mistake
from clearprop.gradcheck.tracing.person_program import STEP, deciding, judged_rounds, outcome_of, where_from
from clearprop.gradcheck.tracing.round_outcome import Judged, Outcome3, Round
from clearprop.gradcheck.tracing.second_opinion import judge_fairly
from clearprop.gradcheck.tracing.trace import Trace
from clearprop.gradcheck.tracing.wording import NO_SEARCH, Words

Triple = tuple[str, Any, Any]
"""Name of a parameter, the parameter, and what is claimed for its gradient."""


@dataclass
class Ruling:
    """A verdict, as far as the side that runs the program needs it.

    Attributes
    ----------
    number : int
        Its place among the verdicts of the judge.
    verdict : {"right", "wrong", "inconclusive"}
    notes : list of str
        Remarks besides.
    sure : bool
        Whether each mistake that it names is confirmed by a correction, and not all gradients are 0.
    """

    number: int
    verdict: Outcome3
    notes: list[str] = field(default_factory=list)
    sure: bool = True


@dataclass
class JudgedUnit:
    """A part of the program with the rulings on it; without any, `text` says why.

    Attributes
    ----------
    name, kind : str
    rulings : list of Ruling
    text : str
    """

    name: str
    kind: str
    rulings: list[Ruling] = field(default_factory=list)
    text: str = ""

    @property
    def verdict(self) -> str:
        """The verdict, as far as it is known on this side."""
        return self.rulings[0].verdict if self.rulings else UNCLEAR


class NothingClaimedError(Exception):
    """Nothing in a recording could be a gradient."""


class Bench(ABC):
    """Where verdicts come from."""

    @abstractmethod
    def steps(self, trace: Trace) -> JudgedUnit | None:
        """The verdict on the steps that a program took; None if it took none."""

    @abstractmethod
    def claims(
        self, trace: Trace, triples: Sequence[Triple] | None, loss: Any, layer: bool, exact: bool, signed: bool = False
    ) -> Ruling:
        """The verdict on claimed gradients, or, without any, on the steps in a trace."""

    @abstractmethod
    def function(self, function: Function) -> Ruling:
        """The verdict on a function that can only be called."""


class Judge(Bench):
    """Judges what was recorded, in this process.

    Parameters
    ----------
    sources : callable
        () -> the source text of each file of the program.
    seed : int
    searching : bool
        Whether mistakes are looked for; else it is only told whether all is right.
    """

    def __init__(self, sources: Callable[[], dict[str, str]], seed: int, searching: bool = True) -> None:
        self.sources, self.seed, self.searching = sources, seed, searching
        self.rounds: list[list[Round]] = []
        self.found_wrong: list[JudgedUnit] = []

    def steps(self, trace: Trace) -> JudgedUnit | None:
        graph = Graph(trace)
        moves = moves_by_iteration(graph)
        moves += guarded_moves(graph, moves)
        if not moves:
            return None
        words = self._words(graph)
        rounds = list(judged_rounds(graph, moves, words, self.seed))
        if not rounds:
            return None
        found = JudgedUnit(where_from(moves), STEP, [self._ruled(rounds)])
        if found.verdict == "wrong":
            self.found_wrong.append(found)
        return found

    def claims(
        self, trace: Trace, triples: Sequence[Triple] | None, loss: Any, layer: bool, exact: bool, signed: bool = False
    ) -> Ruling:
        graph = Graph(trace, merge=triples is None)
        found = moves_by_iteration(graph) if triples is None else moves_of(graph, list(triples))
        if not found:
            raise NothingClaimedError("it moved nothing, and returned nothing that could be a gradient")
        given = Sought(loss) if loss is not None else None
        first = [move for move in found if move.round == 0]
        words = self._words(graph)
        with np.errstate(all="ignore"):
            options = {"update_seen": triples is None, "layer": layer, "exact": exact, "signed": signed}
            round = judge_fairly(graph, first, words, 0, given, self.seed, **options)
        return self._ruled([round])

    def _words(self, graph: Graph) -> Words:
        words = Words(graph, self.sources())
        if not self.searching:
            words.spent = words.supposed = NO_SEARCH
        return words

    def function(self, function: Function) -> Ruling:
        report = judge_function(function, self.seed)
        found = Round(0, [Judged(t.name, 0, t.shape, t.verdict, t.note) for t in report.tensors], [], list(report.notes))
        sources = self.sources()
        for suspect in report.suspects:
            words = Words(Graph(Trace()), sources)
            reason = f"{suspect.sentence.rstrip('.')}; right: {suspect.remedy}"
            wrong = [t.name for t in report.tensors if t.verdict == "wrong"]
            source = words.line(function.file, function.line)
            found.mistakes.append(
                Mistake(function.file, function.line, source, reason, "", suspect.hint, suspect.fault, wrong, [], True)
            )
        return self._ruled([found])

    def _ruled(self, rounds: list[Round]) -> Ruling:
        self.rounds.append(rounds)
        sure = all(mistake.sure for each in rounds for mistake in each.mistakes)
        sure = sure and any(judged.note != ZERO for each in rounds for judged in each.judged)
        return Ruling(len(self.rounds) - 1, deciding(rounds).verdict, sure=sure)

    def outcomes(self, units: Sequence[JudgedUnit]) -> tuple[list[FunctionOutcome], list[dict[str, Any]]]:
        """The outcome for each part, with the verdicts that were kept here, and the marks beside the lines.

        A training step that was found wrong counts, whether it is among the parts or not.
        """
        found, marks = [], []
        said = {ruling.number for unit in units for ruling in unit.rulings}
        left_out = [unit for unit in self.found_wrong if unit.rulings[0].number not in said]
        for unit in (*left_out, *units):
            if not unit.rulings:
                found.append(FunctionOutcome(unit.name, unit.kind, UNCLEAR, unit.text))
                continue
            rounds = self.rounds[unit.rulings[0].number]
            first = replace(rounds[0], notes=[*rounds[0].notes, *unit.rulings[0].notes])
            rounds = [first, *rounds[1:]]
            shown = deciding(rounds)
            if shown.words is not None:
                marks += marks_of(shown, shown.words)
            found.append(outcome_of(unit.name, unit.kind, rounds))
        return found, marks
