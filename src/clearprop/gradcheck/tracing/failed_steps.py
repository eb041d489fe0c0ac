"""Steps that fail when they are taken: a gradient that does not fit its parameter, a name that is spelt in two ways."""

from __future__ import annotations

import ast
import difflib
import re
from typing import Final

from clearprop.gradcheck.tracing.trace import Trace

UNDEFINED: Final = re.compile(r"NameError: name '(\w+)' is not defined \(line (\d+)\)")


def failed_step(text: str, skips: list[tuple[int, str]], trace: Trace) -> str:
    """The sentence about a program without steps, of which the statement that takes them failed; "" if none did.

    Parameters
    ----------
    text : str
        The program.
    skips : list of (int, str)
        Line and reason of each statement that failed.
    trace : Trace
    """
    return _misfit(text, trace) or _misspelt(text, skips)


def _misfit(text: str, trace: Trace) -> str:
    """The last sum of a parameter and something of another shape that depends on it; invented data prove nothing."""
    if trace.unfit is None or trace.invented:
        return ""
    moved, change, place = trace.unfit
    name = next(iter(moved.names), "the parameter")
    made = f"{change.names[0]}, its gradient," if change.names else "its gradient"
    said = f"{name} has the shape {moved.shape}, and {made} {change.shape}: it is the product of other arrays"
    return _at(text, place, said)


def _misspelt(text: str, skips: list[tuple[int, str]]) -> str:
    """A name that is defined nowhere, and another that differs from it by little."""
    known = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for _, reason in skips:
        found = UNDEFINED.search(reason)
        near = difflib.get_close_matches(found.group(1), known - {found.group(1)}, 1, 0.8) if found else []
        if found and near and found.group(1) not in known:
            return _at(text, int(found.group(2)), f"{found.group(1)} is defined nowhere; {near[0]} is")
    return ""


def _at(text: str, line: int, said: str) -> str:
    lines = text.splitlines()
    source = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return f"line {line}: {source}: {said}"
