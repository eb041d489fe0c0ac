"""A mistake: the line of the program where a gradient goes wrong, in words, and the line as it should be."""

from __future__ import annotations

from dataclasses import dataclass, field

from clearprop.gradcheck.tracing.moved_lines import Changes
from clearprop.gradcheck.tracing.wording import Words


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
    changes : Changes
        Each line that changes, with the new text, where the correction moves lines.
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
    changes: Changes = ()

    def __str__(self) -> str:
        where = f"line {self.line}: {self.source}: " if self.line else ""
        return f"{where}{self.reason}"


def mistake_at(
    words: Words,
    place: tuple[str, int],
    reason: str,
    hint: str,
    slug: str,
    names: list[str],
    right: str = "",
    sure: bool = True,
) -> Mistake:
    """The mistake at a file and line."""
    file, line = place
    return Mistake(file, line, words.line(file, line), reason, right, hint, slug, names, [], sure)
