"""The finding: one thing that is wrong with a training run, with its evidence, its reason and its remedy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from clearprop.training.history import Row


@dataclass(frozen=True)
class Remedy:
    """The cure of a finding, in words and as changes that `clearprop.doctor.changes.change` carries out.

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
class Treatment:
    """Outcome of a remedy: a copy of the run was changed, trained from the same start, and compared.

    Attributes
    ----------
    changes : dict
        The changes that were made.
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
        Name of the finding, which `clearprop doctor --explain` takes.
    sentence : str
        Description of what is wrong, with numbers.
    where : str
        Layer, column or setting.
    since : str
        Step or epoch in which it began.
    evidence : dict
        The numbers behind the sentence.
    why : str
        The reason, in a line of mathematics.
    remedy : Remedy
    because : tuple of str
        Slugs of the findings that would explain this one, from the table of causes.
    tier : float
        Place in the order of causes: 0 the data, 1 parts that do not fit, 2 mechanisms, 3 settings, 4 outcomes.
    treatment : Treatment or None
        Outcome of the remedy; None if it was not tried.
    follows : str or None
        Slug of the finding from which this one follows.
    certain : bool
        Whether it is a fact, told whatever its remedy does; anything else is told only if a trial of the remedy helps.
    """

    slug: str
    sentence: str
    where: str = ""
    since: str = "from the start"
    evidence: dict[str, Any] = field(default_factory=dict)
    why: str = ""
    remedy: Remedy = field(default_factory=lambda: Remedy(""))
    because: tuple[str, ...] = ()
    tier: float = 4.0
    treatment: Treatment | None = None
    follows: str | None = None
    certain: bool = False

    @property
    def helped(self) -> bool:
        """Whether the remedy was tried, and helped."""
        return self.treatment is not None and self.treatment.helped

    @property
    def trial(self) -> Treatment | None:
        """The treatment, under the name of what it is."""
        return self.treatment

    @property
    def more(self) -> str:
        """The command that explains the finding."""
        return f"clearprop doctor --explain {self.slug}"

    def __str__(self) -> str:
        lines = [f"{self.slug}: {self.sentence}"]
        lines += [f"  since   {self.since}"] if self.since else []
        lines += [f"  why     {self.why}", f"  remedy  {self.remedy.words}"]
        if self.treatment is not None:
            lines.append(f"  tried   {self.treatment.words}")
        elif self.certain and self.remedy.options:
            lines.append("  tried   not tried: the remedy cannot be carried out here")
        return "\n".join(lines)


def counted(n: int, noun: str) -> str:
    """A number of things in words.

    Examples
    --------
    >>> counted(1, "epoch"), counted(20, "epoch")
    ('1 epoch', '20 epochs')
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
