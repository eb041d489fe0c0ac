"""Lines that fail because shapes do not fit: the product that would fit, found by checking the program with it.

A program with X @ delta for X.T @ delta stops there, or in a later line that uses it, and nothing can be said of what it
never computed. So it is checked again with each other way to write a product in these lines; if all gradients are right with
one, that line is the mistake.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from clearprop.gradcheck.tracing.conventions.names import LOOKS_BACKWARD
from clearprop.gradcheck.tracing.corrected_line import corrected_line
from clearprop.gradcheck.tracing.file_outcome import FileOutcome, LineFinding
from clearprop.gradcheck.tracing.moved_lines import Changes
from clearprop.gradcheck.tracing.sites import Site, SourceTree
from clearprop.gradcheck.tracing.source_edits import SourceEdit, StructureEdits, operands, turned

MOST_TRIES: Final = 32
MOST_LINES: Final = 4  # from which a failing line gets its arrays
ALIGNED: Final = (ast.Add, ast.Sub, ast.Mult, ast.Div)
FORWARD: Final = ("forward", "predict", "loss", "cost", "activation", "accuracy")

Check = Callable[[Changes], FileOutcome]
"""Checks the program with other text in some lines."""


def repaired(found: FileOutcome, text: str, check: Check) -> FileOutcome:
    """The outcome that names a line in which shapes do not fit, where the program is right without that mistake.

    Parameters
    ----------
    found : FileOutcome
        Of the program as it is.
    text : str
        Its source.
    check : callable
    """
    if found.status != "inconclusive":
        return found
    tree = SourceTree(text)
    tries = [(failing, shapes, edit) for failing, shapes in found.mismatches for edit in edits_before(tree, failing)]
    for failing, shapes, edit in tries[:MOST_TRIES]:
        line, right = corrected_line(Site("", tree, edit.node), edit)
        if right:
            raw = tree.lines[line - 1]
            again = check(((line, raw[: len(raw) - len(raw.lstrip())] + right),))
            if again.status == "right":
                where = "do not fit" if line == failing else f"do not fit in line {failing}"
                return _named(again, found, tree, line, f"shapes {shapes} {where}: {edit.reason}", edit, right)
    return found


def edits_before(tree: SourceTree, line: int) -> list[SourceEdit]:
    """Other products in a line that fails, then in the lines above it that make what it uses; none in a forward pass."""
    node = next((n for n in tree.parents if isinstance(n, ast.expr) and n.lineno == line), None)
    while node is not None and not isinstance(node, (ast.FunctionDef, ast.Module)):
        node = tree.parents.get(node)  # type: ignore[assignment]
    name = node.name if isinstance(node, ast.FunctionDef) else ""
    forward = any(word in name.lower() for word in FORWARD) and not re.search(LOOKS_BACKWARD, name, re.IGNORECASE)
    if node is None or forward:
        return []
    used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.lineno == line}
    above = [
        each.lineno
        for each in ast.walk(node)
        if isinstance(each, ast.Assign) and each.lineno < line and any(ast.unparse(t) in used for t in each.targets)
    ]
    lines = [line, *sorted(above, reverse=True)[:MOST_LINES]]
    found = [edit for number in lines for edit in other_products(tree, number)]
    return sorted(found, key=_unlikely)


def _unlikely(edit: SourceEdit) -> int:
    """The order of the tries: products are turned more easily than what is aligned, and counters are off by one."""
    return 0 if operands(edit.node) is not None else 1 if edit.slug == "index" else 2


def other_products(tree: SourceTree, line: int) -> Iterator[SourceEdit]:
    """Other ways to write a line: products the other way round, with transposes; other indices; transposes elsewhere."""
    edits = StructureEdits(tree)
    inside = [node for node in tree.parents if isinstance(node, ast.expr) and node.lineno == line == node.end_lineno]
    found = [edit for node in inside for edit in edits.of(node) if edit.slug in ("transposed", "index")]
    for node in inside:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ALIGNED):
            for side in (node.right, node.left):
                if isinstance(side, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)):
                    said = f"{tree.text(side)} must be transposed"
                    found.append(SourceEdit(side, turned(side), said, 1.5, "transposed", "Look at the shapes."))
    yield from sorted(found, key=lambda edit: edit.prior)


def _named(
    right: FileOutcome, found: FileOutcome, tree: SourceTree, line: int, reason: str, edit: SourceEdit, text: str
) -> FileOutcome:
    """The outcome of the mended program as that of the program, with its mistake."""
    source = tree.lines[line - 1].strip()
    message = f"line {line}: {source}: {reason}"
    mistake = LineFinding(line, message, text, edit.hint, found.path, source, reason, slug="shapes")
    first, *rest = right.functions
    said = "\n".join(["wrong", message, f"    right: {text}", "All else is right, once this line is."])
    function = replace(first, verdict="wrong", text=said, findings=[mistake])
    return replace(right, path=found.path, functions=[function, *rest], notes=[])
