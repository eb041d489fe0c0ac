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
    note = disturbance(head, rows, texts)
    return f"{lines}\n\n{note}" if note else lines


def disturbance(head: list[str], rows: list[list[str]], texts: tuple[int, ...]) -> str:
    """What the mark means, and the figures that bear it; nothing if there are none."""
    places = []
    for row in rows:
        columns = [at for at, cell in enumerate(row) if cell.endswith(MARK)]
        if columns:
            name = ", ".join(row[at] for at in texts if at < columns[0])
            places.append(f"{name}: {', '.join(head[at] for at in columns)}")
    return f"{MEANING} ({'; '.join(places)})." if places else ""


def noted(text: str) -> str:
    """A paragraph, and what the mark means if a figure in it bears one."""
    return f"{text} {MEANING}." if MARK in text else text
