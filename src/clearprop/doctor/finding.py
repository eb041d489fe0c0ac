"""The finding: one thing that is wrong with a training run, with its evidence, its cause and its cure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from clearprop.training.history import Row


@dataclass(frozen=True)
class Remedy:
    """What to do about a finding, in words and as changes that `clearprop.doctor.changes.change` carries out.

    Attributes
    ----------
    words : str
        An instruction: "average the gradient over the batch".
    options : tuple of dict
        Changes of the configuration, name -> value; of several options, the one that works best is kept.
    """

    words: str
    options: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Trial:
    """What became of the run when a remedy was applied to a copy, and the copy trained from the same start.

    Attributes
    ----------
    changes : dict
        Those that were made.
    before, after : list of dict
        Scores of both runs, epoch by epoch: `train`, `val`, `accuracy`; a score is the mean cross-entropy of the probabilities,
        or the squared error as a share of the target's variance.
    helped : bool
    words : str
        "loss 0.695 -> 0.041 in 20 epochs".
    """

    changes: dict[str, Any]
    before: list[Row]
    after: list[Row]
    helped: bool
    words: str


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    slug : str
        Its name, and that of its page in docs/findings.
    sentence : str
        What is wrong, with numbers.
    where : str
        Layer, column or setting.
    since : str
        From which step on.
    evidence : dict
        The numbers behind the sentence.
    cause : str
        Why, in a line of mathematics.
    remedy : Remedy
    because : tuple of str
        Slugs of findings that would explain this one.
    tier : float
        0: the data are broken; 1: parts that do not fit; 2: a mechanism fails; 3: a setting is off; 4: an outcome.
    trial : Trial or None
        What the remedy did; None if it was not tried.
    follows : str or None
        The slug of the finding from which this one follows.
    """

    slug: str
    sentence: str
    where: str = ""
    since: str = "from the start"
    evidence: dict[str, Any] = field(default_factory=dict)
    cause: str = ""
    remedy: Remedy = field(default_factory=lambda: Remedy(""))
    because: tuple[str, ...] = ()
    tier: float = 4.0
    trial: Trial | None = None
    follows: str | None = None

    @property
    def page(self) -> str:
        """The page that explains it, within the documentation."""
        return f"docs/findings/{self.slug}.md"

    def __str__(self) -> str:
        lines = [f"{self.slug}: {self.sentence}"]
        lines += [f"  since   {self.since}"] if self.since else []
        lines += [f"  why     {self.cause}", f"  remedy  {self.remedy.words}"]
        if self.trial is not None:
            lines.append(f"  tried   {self.trial.words}")
        return "\n".join(lines)
