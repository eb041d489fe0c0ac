"""The corrected line: the person's own text, with one expression in it written otherwise."""

from __future__ import annotations

import ast
from dataclasses import replace

from clearprop.gradcheck.tracing.moved_lines import Changes, line_beside
from clearprop.gradcheck.tracing.sites import PUT, Site
from clearprop.gradcheck.tracing.source_edits import SourceEdit
from clearprop.gradcheck.tracing.wording import parsed, without_remark


def corrected_line(site: Site, edit: SourceEdit) -> tuple[int, str]:
    """Number of the line of an edit, and the line as it should be; "" if the edit spans lines.

    Parentheses are put around the new text only where it would be read otherwise without them.
    """
    node, lines = edit.node, site.tree.lines
    if edit.assigned:
        return _assigned(site, edit)
    if node.lineno != node.end_lineno:
        return node.lineno, ""
    raw, new = lines[node.lineno - 1].encode(), site.tree.spoken(edit.new)
    before, after = raw[: node.col_offset].decode(), raw[node.end_col_offset :].decode()
    bare, wrapped = f"{before}{new}{after}", f"{before}({new}){after}"
    same = _same(bare, wrapped) if not isinstance(edit.new, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)) else True
    return node.lineno, without_remark(bare if same else wrapped)


def cancelled(site: Site, edit: SourceEdit) -> SourceEdit:
    """The same edit; where it brings in a factor that undoes one which stands there, the edit that takes that one out."""
    new, node = edit.new, edit.node
    around = site.tree.parents.get(node)
    brought = isinstance(new, ast.BinOp) and isinstance(new.op, ast.Mult) and new.right is node
    if not brought or not isinstance(new, ast.BinOp) or not isinstance(around, ast.BinOp):
        return edit
    there = around.right if around.left is node else around.left
    first, second = (each.value if isinstance(each, ast.Constant) else None for each in (new.left, there))
    if not isinstance(first, (int, float)) or not isinstance(second, (int, float)):
        return edit
    text = site.tree.text(there)
    if isinstance(around.op, ast.Mult) and first * second == 1:
        return replace(edit, node=around, new=node, reason=f"{text} does not belong here", hint="One factor too many.")
    if isinstance(around.op, ast.Div) and around.left is node and first == second:
        reason = f"it is not to be divided by {text}"
        return replace(edit, node=around, new=node, reason=reason, hint="One factor too many.")
    return edit


def inserted_line(site: Site, edit: SourceEdit) -> tuple[int, str, Changes]:
    """The line beside which a statement is missing, that statement in words, and the changes that bring it in.

    It comes after a statement of which the edit changes the whole value, and before others.
    """
    statement = site.tree.statement(edit.node)
    first = statement.lineno if statement is not None else edit.node.lineno
    after = isinstance(statement, ast.Assign) and statement.value is edit.node
    line = (statement.end_lineno or first) if after and statement is not None else first
    return line, *line_beside(site.tree.lines, line, edit.inserted, after)


def _same(one: str, other: str) -> bool:
    """Whether two lines are read alike; False for lines that cannot be read by themselves."""
    first, second = parsed(_complete(one)), parsed(_complete(other))
    return first is not None and second is not None and ast.dump(first) == ast.dump(second)


def _complete(line: str) -> str:
    """A line as a statement that stands alone."""
    text = without_remark(line)
    return f"lambda: {text.removeprefix('return ')}" if text.startswith("return ") else text


def _assigned(site: Site, edit: SourceEdit) -> tuple[int, str]:
    """The line with += or -= for what it has."""
    node = site.node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == PUT:
        node = node.args[0]
    elif isinstance(node, ast.BinOp) and node not in site.tree.parents:
        node = node.right
    statement = site.tree.statement(node)
    assert isinstance(statement, (ast.Assign, ast.AugAssign))
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    if target.lineno != statement.value.lineno:
        return target.lineno, ""
    raw = site.tree.lines[target.lineno - 1].encode()
    text = f"{raw[: target.end_col_offset].decode()} {edit.assigned} {raw[statement.value.col_offset :].decode()}"
    return target.lineno, without_remark(text)
