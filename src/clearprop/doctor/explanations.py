"""Explanations: a page on each finding, from `explanations.md` beside this file."""

from __future__ import annotations

import functools
import re
import textwrap
from importlib.resources import files

from clearprop.arguments import checked
from clearprop.doctor.causes import causes_of, effects_of
from clearprop.errors import UnknownNameError
from clearprop.registry import unknown_name


@functools.cache
def sections() -> dict[str, str]:
    """The Markdown below each slug's heading: what the finding is, then its parts under headings of the second level."""
    text = files("clearprop.doctor").joinpath("explanations.md").read_text(encoding="utf-8")
    parts = re.split(r"^# (.+)\n", text, flags=re.MULTILINE)[1:]
    return {slug: section.strip() for slug, section in zip(parts[::2], parts[1::2], strict=True)}


@checked
def explanation(slug: str) -> str:
    """The page on a finding, in Markdown: what it is, why it happens, how it is recognised, what to do, and related findings.

    Raises
    ------
    UnknownNameError
        If there is no such finding; the message has the nearest one.

    Examples
    --------
    >>> print(explanation("dead-relus")[:52])
    # dead-relus
    <BLANKLINE>
    ReLUs that output 0 for every training
    """
    known = sections()
    if slug not in known:
        raise UnknownNameError(unknown_name("finding", slug, list(known)))
    return f"# {slug}\n\n{known[slug]}\n\n## Related findings\n\n{related(slug)}\n"


def related(slug: str) -> str:
    """The finding's causes and effects, from the table of causes."""
    causes, effects = causes_of(slug), effects_of(slug)
    text = f"It may follow from {', '.join(causes)}." if causes else "No other finding explains it."
    if effects:
        text += f" It may explain {', '.join(effects)}."
    return textwrap.fill(text, 128, break_on_hyphens=False)
