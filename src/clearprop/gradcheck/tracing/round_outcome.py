"""The outcome of one round of steps: a verdict on each gradient, the mistakes, and what else there is to say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from clearprop.gradcheck.tracing.mistake import Mistake
from clearprop.gradcheck.tracing.sheet import Sheet
from clearprop.gradcheck.tracing.steps import Move
from clearprop.gradcheck.tracing.wording import Words

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
    first_wrong : (str, int) or None
        File and line of the first statement of the backward pass whose value is the derivative of nothing.
    """

    number: int
    judged: list[Judged] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    loss: str = ""
    sheet: Sheet | None = None
    words: Words | None = None
    first_wrong: tuple[str, int] | None = None

    @property
    def verdict(self) -> Outcome3:
        verdicts = {judged.verdict for judged in self.judged}
        if "wrong" in verdicts or self.mistakes:
            return "wrong"
        return "inconclusive" if "inconclusive" in verdicts or not verdicts else "right"

    def all(self, moves: list[Move], verdict: Outcome3, note: str) -> Round:
        """The round, with one verdict on all gradients."""
        self.judged = [Judged(move.name, move.line, move.shape, verdict, note) for move in moves]
        return self

    def judged_of(self, move: Move) -> Judged:
        """The verdict on the gradient of one move."""
        return next(j for j in self.judged if j.name == move.name and j.line == move.line)
