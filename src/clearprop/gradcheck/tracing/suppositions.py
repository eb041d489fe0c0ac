"""Suppositions: mistakes that no expression of the program shows, told by checking the program without them.

The margin of a class is its score less that of the right class, so that its gradient goes into two columns: `dW[:, j] += X[i]`
and `dW[:, y[i]] -= X[i]`. Where the second line is missing, no expression of the program is wrong. So the program is checked
again with the line and each index that it uses beside it; if all gradients are right with one, that line is missing.

In an engine of nodes a value that is used twice gets its gradient from both users: `self.grad = out.grad` keeps the last one
alone. The program is checked again with `+=` there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from clearprop.gradcheck.tracing.conventions.names import LOOKS_BACKWARD
from clearprop.gradcheck.tracing.file_outcome import FileOutcome, LineFinding
from clearprop.gradcheck.tracing.moved_lines import Changes, line_beside
from clearprop.gradcheck.tracing.shape_repair import Check
from clearprop.gradcheck.tracing.sites import SourceTree

MOST_TRIES: Final = 6
MOST_LINES: Final = 12  # that may overwrite a gradient
GRADIENT: Final = r"(?i)(^|[._\[\"'])(d|d_\w+|grad\w*|\w*_grad\w*|delta\w*|derivative)([\"'\]]|$)"


@dataclass(frozen=True)
class Supposition:
    """Something that may be wrong with a program, which only checking it without tells.

    Attributes
    ----------
    line : int
    changes : Changes
        The text of lines with which the program is right, if it is so.
    reason, right, hint, slug : str
        The mistake.
    """

    line: int
    changes: Changes
    reason: str
    right: str
    hint: str
    slug: str

    def finding(self, path: str, tree: SourceTree, names: tuple[str, ...]) -> LineFinding:
        """The mistake, once it is known to be one."""
        source = tree.lines[self.line - 1].strip()
        message = f"line {self.line}: {source}: {self.reason}"
        return LineFinding(
            self.line, message, self.right, self.hint, path, source, self.reason, names, slug=self.slug, changes=self.changes
        )


def confirmed(found: FileOutcome, text: str, check: Check) -> FileOutcome:
    """The outcome with a mistake that was supposed, where the program is right without it.

    Parameters
    ----------
    found : FileOutcome
        Of the program as it is.
    text : str
        Its source.
    check : callable
    """
    first = found.functions[0] if found.functions else None
    open_ones = first is not None and not any(each.sure for each in first.findings)
    if first is None or not open_ones or found.status == "right":
        return found
    tree = SourceTree(text)
    missing = twins(tree) if found.status == "wrong" else iter(())
    names = tuple(dict.fromkeys(tensor["name"] for tensor in first.report.get("tensors", []) if tensor["verdict"] != "right"))
    for each in [*list(missing)[:MOST_TRIES], *list(overwritten(tree))[:MOST_TRIES]]:
        again = check(each.changes)
        if again.status == "right":
            source = tree.lines[each.line - 1].strip()
            message = f"line {each.line}: {source}: {each.reason}"
            mistake = LineFinding(
                each.line,
                message,
                each.right,
                each.hint,
                found.path,
                source,
                each.reason,
                names,
                (),
                each.slug,
                True,
                each.changes,
            )
            said = "\n".join(["wrong", message, f"    right: {each.right}"])
            first = replace(first, verdict="wrong", text=said, findings=[mistake])
            return replace(found, functions=[first, *found.functions[1:]], problem="")
    return found


def overwritten(tree: SourceTree) -> Iterator[Supposition]:
    r"""Lines of a backward pass that set a gradient, with += in each of them: all of one function, then all together.

    Examples
    --------
    >>> source = "def backward():\n    a.grad = out.grad\n    b.grad = out.grad * 2\n"
    >>> [each.changes for each in overwritten(SourceTree(source))]
    [((2, '    a.grad += out.grad'), (3, '    b.grad += out.grad * 2'))]
    """
    groups: dict[ast.FunctionDef, list[ast.Assign]] = {}
    for node in tree.parents:
        if isinstance(node, ast.Assign) and node.lineno == node.end_lineno and _sets_a_gradient(node):
            function = _function(tree, node)
            if function is not None and re.search(LOOKS_BACKWARD, function.name, re.IGNORECASE):
                groups.setdefault(function, []).append(node)
    lists = sorted(groups.values(), key=lambda each: each[0].lineno)
    together = [node for each in lists for node in each]
    for nodes in [*lists, *([together] if len(lists) > 1 else [])]:
        changes = tuple((node.lineno, _added(tree, node)) for node in nodes[:MOST_LINES])
        where = f"; so it is in line {', '.join(str(n) for n, _ in changes[1:])}" if len(changes) > 1 else ""
        reason = f"it replaces what was added there before, where a value is used more than once; it must be +={where}"
        hint = "What if a value is used twice?"
        yield Supposition(changes[0][0], changes, reason, changes[0][1].strip(), hint, "overwritten")


def _sets_a_gradient(node: ast.Assign) -> bool:
    """Whether an attribute or an entry that is called like a gradient gets something computed."""
    target = node.targets[0]
    named = isinstance(target, (ast.Attribute, ast.Subscript)) and re.search(GRADIENT, ast.unparse(target))
    return bool(named) and not isinstance(node.value, ast.Constant)


def _added(tree: SourceTree, node: ast.Assign) -> str:
    """The line of an assignment with += in it."""
    raw, target = tree.lines[node.lineno - 1].encode(), node.targets[0]
    return f"{raw[: target.end_col_offset].decode()} += {raw[node.value.col_offset :].decode()}"


def _function(tree: SourceTree, node: ast.AST) -> ast.FunctionDef | None:
    while node in tree.parents:
        node = tree.parents[node]
        if isinstance(node, ast.FunctionDef):
            return node
    return None


def twins(tree: SourceTree) -> Iterator[Supposition]:
    r"""Statements that add to a part of an array, each with one that adds to another part, or takes away from it.

    Examples
    --------
    >>> source = "for i in range(9):\n    m = s[j] - s[y[i]]\n    g[j] += x[i]\n"
    >>> [twin.right for twin in twins(SourceTree(source))]
    ['g[y[i]] -= x[i], in a new line after line 3', 'g[y[i]] += x[i], in a new line after line 3']
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
                        twin = f"{tree.text(target.value)}[{index}] {sign} {tree.text(statement.value)}"
                        right, changes = line_beside(tree.lines, statement.lineno, twin, after=True)
                        reason, hint = f"a line like it is missing: {twin}", "What else does the loss depend on here?"
                        yield Supposition(statement.lineno, changes, reason, right, hint, "missing-line")


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
