"""Tables in Markdown."""

from __future__ import annotations

from benchmarks.figures import BOUND, MARK

MEANING = (
    f"{MARK.strip()} Disturbed: the middle half of the repeats spreads over more than {100 * BOUND:.0f} % of their median, so"
    " that the figure is not to be relied on"
)


def table(head: list[str], rows: list[list[str]], texts: tuple[int, ...] = (0,)) -> str:
    """A table, and a sentence below it if timings in it were disturbed; the columns `texts` are words, the others figures."""
    rule = ["---" if at in texts else "---:" for at in range(len(head))]
    lines = "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *rows))
    note = disturbance(head, rows)
    return f"{lines}\n\n{note}" if note else lines


def disturbance(head: list[str], rows: list[list[str]]) -> str:
    """What the mark means, and the figures that bear it; nothing if there are none."""
    places = [f"{row[0]}: {name}" for row in rows for name, cell in zip(head, row, strict=True) if cell.endswith(MARK)]
    return f"{MEANING} ({'; '.join(places)})." if places else ""


def noted(text: str) -> str:
    """A paragraph, and what the mark means if a figure in it bears one."""
    return f"{text} {MEANING}." if MARK in text else text
