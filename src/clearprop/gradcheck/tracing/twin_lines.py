"""Twin lines: a gradient that is added to at one index, and ought to be added to at another as well.

The margin of a class is its score less that of the right class, so that its gradient goes into two columns: `dW[:, j] += X[i]`
and `dW[:, y[i]] -= X[i]`. Where the second line is missing, no expression of the program is wrong. So the program is checked
again with the line and each index that it uses beside it; if all gradients are right with one, that line is missing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from clearprop.gradcheck.tracing.file_outcome import FileOutcome, LineFinding
from clearprop.gradcheck.tracing.moved_lines import line_beside
from clearprop.gradcheck.tracing.shape_repair import Check
from clearprop.gradcheck.tracing.sites import SourceTree

MOST_TRIES: Final = 6
HINT: Final = "What else does the loss depend on in this round of the loop?"


def with_twin(found: FileOutcome, text: str, check: Check) -> FileOutcome:
    """The outcome that names a missing twin, where the program is right with it.

    Parameters
    ----------
    found : FileOutcome
        Of the program as it is.
    text : str
        Its source.
    check : callable
    """
    first = found.functions[0] if found.functions else None
    if found.status != "wrong" or first is None or not first.findings or any(each.sure for each in first.findings):
        return found
    tree = SourceTree(text)
    names = tuple(dict.fromkeys(name for each in first.findings for name in each.names))
    for statement, twin in list(twins(tree))[:MOST_TRIES]:
        line = statement.lineno
        right, changes = line_beside(tree.lines, line, twin, after=True)
        if check(changes).status == "right":
            reason = f"a line like it is missing: {twin}"
            source = tree.lines[line - 1].strip()
            message = f"line {line}: {source}: {reason}"
            mistake = LineFinding(
                line, message, right, HINT, found.path, source, reason, names, slug="missing-line", changes=changes
            )
            first = replace(first, text="\n".join(["wrong", message, f"    right: {right}"]), findings=[mistake])
            return replace(found, functions=[first, *found.functions[1:]])
    return found


def twins(tree: SourceTree) -> Iterator[tuple[ast.AugAssign, str]]:
    r"""Statements that add to a part of an array, each with one that adds to another part, or takes away from it.

    Examples
    --------
    >>> source = "for i in range(9):\n    m = s[j] - s[y[i]]\n    g[j] += x[i]\n"
    >>> [twin for _, twin in twins(SourceTree(source))]
    ['g[y[i]] -= x[i]', 'g[y[i]] += x[i]']
    """
    for statement in sorted(tree.steps.values(), key=lambda each: each.lineno):
        target, loop = statement.target, _loop(tree, statement)
        whole = statement.lineno == statement.end_lineno and isinstance(statement.op, (ast.Add, ast.Sub))
        if not isinstance(target, ast.Subscript) or loop is None or not whole:
            continue
        parts = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
        signs = ("-=", "+=") if isinstance(statement.op, ast.Add) else ("+=", "-=")
        for k, part in enumerate(parts):
            for other in _looked_up(loop) if isinstance(part, ast.Name) else ():
                if other != ast.unparse(part):
                    index = ", ".join(other if i == k else tree.text(each) for i, each in enumerate(parts))
                    for sign in signs:
                        yield statement, f"{tree.text(target.value)}[{index}] {sign} {tree.text(statement.value)}"


def _loop(tree: SourceTree, node: ast.AST) -> ast.For | None:
    """The outermost loop around a statement, in its function."""
    found = None
    while node in tree.parents and not isinstance(node, ast.FunctionDef):
        node = tree.parents[node]
        found = node if isinstance(node, ast.For) else found
    return found


def _looked_up(loop: ast.For) -> list[str]:
    """The indices in a loop that are themselves looked up, such as y[i], and names that are given to such."""
    found = []
    for node in ast.walk(loop):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            found += [ast.unparse(part) for part in parts if isinstance(part, ast.Subscript)]
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript) and isinstance(node.targets[0], ast.Name):
            found.append(node.targets[0].id)
    used = {ast.unparse(n.slice) for n in ast.walk(loop) if isinstance(n, ast.Subscript)}
    return [each for each in dict.fromkeys(found) if "[" in each or each in used]
