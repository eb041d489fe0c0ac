"""A program with fewer examples than it says, where it is too long for its steps to be reached with all of them.

A loop that fills an array of 20000 numbers one by one, or goes through 5000 examples before the first step, uses up memory or
time. The gradient of each example is as right or wrong with 60 of them.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from typing import Final

LARGE: Final = 1000
"""Least number that counts as one of examples."""
FEW: Final = 60
MAKERS: Final = {
    "zeros", "ones", "empty", "full", "rand", "randn", "random", "normal", "uniform", "randint", "linspace", "arange", "range",
    "xrange", "choice", "standard_normal", "random_sample", "integers",
}  # fmt: skip
"""Functions that are told how many numbers there are to be."""


def with_fewer_examples(text: str) -> str:
    r"""The program with a small number wherever it says one of those that it makes arrays or loops of; lines as they were.

    Examples
    --------
    >>> with_fewer_examples("n = 5000\nX = rand(n, 3)\nfor k in range(5000): pass")
    'n = 60  \nX = rand(n, 3)\nfor k in range(60  ): pass'
    """
    try:
        large = set(_sizes(ast.parse(text)))
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (SyntaxError, tokenize.TokenError, ValueError):
        return text
    lines = text.splitlines(keepends=True)
    for token in reversed(tokens):
        if token.type == tokenize.NUMBER and token.string.replace("_", "").isdigit() and int(token.string) in large:
            row, (start, end) = token.start[0] - 1, (token.start[1], token.end[1])
            lines[row] = f"{lines[row][:start]}{str(FEW).ljust(end - start)}{lines[row][end:]}"
    return "".join(lines)


def _sizes(tree: ast.AST) -> Iterator[int]:
    """The large numbers that arrays and ranges are made of."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            for each in ast.walk(node) if name in MAKERS else ():
                if isinstance(each, ast.Constant) and type(each.value) is int and each.value >= LARGE:
                    yield each.value
