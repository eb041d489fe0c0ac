"""A forgotten return: a function of the program that computes, returns nothing, and whose value is used."""

from __future__ import annotations

import ast


def forgotten_return(text: str, skips: list[tuple[int, str]]) -> str:
    """The sentence about a program of which a statement failed because a function returned None; "" if none did.

    Parameters
    ----------
    text : str
        The program.
    skips : list of (int, str)
        Line and reason of each statement that failed.
    """
    tree = ast.parse(text)
    silent = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and _returns_nothing(node)}
    for line, why in skips:
        if "NoneType" not in why:
            continue
        for statement in ast.walk(tree):
            if isinstance(statement, ast.stmt) and statement.lineno <= line <= (statement.end_lineno or 0):
                for call in (node for node in ast.walk(statement) if isinstance(node, ast.Call)):
                    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
                    if name in silent and _is_used(call, statement):
                        return _said(silent[name], call.lineno, text)
    return ""


def _returns_nothing(node: ast.FunctionDef) -> bool:
    """Whether a function computes something, and has no return with a value."""
    returns = any(isinstance(n, (ast.Return, ast.Yield)) and n.value is not None for n in ast.walk(node))
    return not returns and any(isinstance(n, ast.Assign) for n in ast.walk(node))


def _is_used(call: ast.Call, statement: ast.stmt) -> bool:
    """Whether what a call returns is used."""
    return not any(isinstance(n, ast.Expr) and n.value is call for n in ast.walk(statement))


def _said(function: ast.FunctionDef, used: int, text: str) -> str:
    """The mistake at the last line of a function."""
    last = function.body[-1]
    source = text.splitlines()[last.lineno - 1].strip()
    reason = f"{function.name} returns nothing, and line {used} uses what it returns: the return is forgotten"
    return f"line {last.lineno}: {source}: {reason}"
