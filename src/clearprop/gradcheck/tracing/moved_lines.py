"""Lines in the wrong order: which lines change if one statement is moved below or above another.

Changes are pairs of a line number and the text that takes the place of that line: "" for a line that goes, several lines
where others come after it or before it.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

Changes = tuple[tuple[int, str], ...]
BLOCKS: Final = ("body", "orelse", "finalbody")


def with_changes(text: str, changes: Sequence[tuple[int, str]]) -> str:
    r"""A text with others in the place of some lines.

    Examples
    --------
    >>> with_changes("a = 1\nb = 2\n", [(2, "b = 3")])
    'a = 1\nb = 3\n'
    """
    if not changes:
        return text
    lines = text.splitlines()
    for line, new in changes:
        lines[line - 1] = new
    return "\n".join(lines) + "\n"


def line_beside(lines: Sequence[str], line: int, new: str, after: bool, like: int = 0) -> tuple[str, Changes]:
    r"""A statement that comes in beside a line, in words, and the changes that bring it in, indented as another line is.

    Examples
    --------
    >>> line_beside(["if x:", "    a = 1"], 2, "b = 2", after=True)
    ('b = 2, in a new line after line 2', ((2, '    a = 1\n    b = 2'),))
    """
    old, model = lines[line - 1], lines[(like or line) - 1]
    new_line = model[: len(model) - len(model.lstrip())] + new
    changed = f"{old}\n{new_line}" if after else f"{new_line}\n{old}"
    return f"{new}, in a new line {'after' if after else 'before'} line {line}", ((line, changed),)


def moved_below(text: str, line: int, column: int, last: int) -> tuple[str, int, Changes] | None:
    r"""The statement at a line and column, moved below the one that holds another line.

    Returns
    -------
    (str, int, Changes) or None
        The statement, the line below which it goes, and the changes; None if no block holds both.

    Examples
    --------
    >>> moved_below("g = x\nW -= g\nh = W\n", 2, 0, 3)
    ('W -= g', 3, ((2, ''), (3, 'h = W\nW -= g')))
    """
    pair = _in_one_block(text, line, column, last)
    if pair is None:
        return None
    moved, other = pair
    lines = text.splitlines()
    source, gone = _taken_out(lines, moved)
    end = other.end_lineno or other.lineno
    return "\n".join(source).strip(), end, (*gone, (end, "\n".join([lines[end - 1], *source])))


def moved_above(text: str, line: int, column: int, first: int) -> tuple[str, int, Changes] | None:
    r"""The statement at a line and column, moved above the one that holds another line.

    Examples
    --------
    >>> moved_above("g = x\ndW = g\ng = 2 * g\n", 3, 0, 2)
    ('g = 2 * g', 2, ((2, 'g = 2 * g\ndW = g'), (3, '')))
    """
    pair = _in_one_block(text, line, column, first)
    if pair is None:
        return None
    moved, other = pair
    lines = text.splitlines()
    source, gone = _taken_out(lines, moved)
    begin = other.lineno
    return "\n".join(source).strip(), begin, ((begin, "\n".join([*source, lines[begin - 1]])), *gone)


def _in_one_block(text: str, line: int, column: int, other: int) -> tuple[ast.stmt, ast.stmt] | None:
    """The statement at a place, or one around it, and the one of the same block that holds another line."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return None
    found = None
    for node in ast.walk(tree):
        for name in BLOCKS:
            inside = getattr(node, name, [])  # of a lambda: one expression
            block = [each for each in inside if isinstance(each, ast.stmt)] if isinstance(inside, list) else []
            mine = [each for each in block if _holds(each, line) and (each.lineno < line or each.col_offset <= column)]
            theirs = [each for each in block if _holds(each, other)]
            if mine and theirs and mine[-1] is not theirs[-1]:
                found = mine[-1], theirs[-1]  # the innermost block comes last
    return found


def _holds(statement: ast.stmt, line: int) -> bool:
    return statement.lineno <= line <= (statement.end_lineno or statement.lineno)


def _taken_out(lines: list[str], statement: ast.stmt) -> tuple[list[str], Changes]:
    """The lines of a statement by itself, and the changes that take it out; others may stand in its line."""
    first, last = statement.lineno, statement.end_lineno or statement.lineno
    raw = lines[first - 1]
    indent = raw[: len(raw) - len(raw.lstrip())]
    if first < last:
        return lines[first - 1 : last], tuple((number, "") for number in range(first, last + 1))
    start, end = (len(raw.encode()[:k].decode()) for k in (statement.col_offset, statement.end_col_offset or 0))
    before, after = raw[:start].rstrip().rstrip(";").rstrip(), raw[end:].strip().lstrip(";").strip()
    kept = "; ".join(part for part in (before.strip(), after) if part and not part.startswith("#"))
    return [indent + raw[start:end]], ((first, indent + kept if kept else ""),)
