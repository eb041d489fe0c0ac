"""Whether what was recorded is what the source says: at a product in the source stands a product, of the numbers there.

A program that meddles with the recording could let its wrong line stand, and record the right one. So each operation that
stands at an arithmetic expression of the source, as it was read before the program ran, must be that of the expression.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from itertools import pairwise
from types import CodeType
from typing import Any, Final

import numpy as np

from clearprop.gradcheck.tracing.channel import ChannelError
from clearprop.gradcheck.tracing.trace import Trace, Vertex, position

OPERATIONS: Final[dict[type[ast.operator], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.MatMult: np.matmul,
    ast.Pow: np.power,
}
ARITHMETIC: Final = frozenset(OPERATIONS.values())
OWN_OPERATOR: Final = re.compile(r"__[ri]?(add|sub|mul|truediv|matmul|pow|mod|floordiv|and|or|xor|lshift|rshift)__")
MATRIX: Final = re.compile(rb"\b(?:as)?mat(?:rix)?\(")


class Agreement:
    """Compares recordings with the source of a program.

    Parameters
    ----------
    lines : callable
        path -> lines of the source, in bytes.
    """

    def __init__(self, lines: Any) -> None:
        self.lines = lines
        self.nodes: dict[tuple[CodeType, int], ast.AST | None] = {}

    def demand(self, trace: Trace, claims: Iterable[Vertex]) -> None:
        """Refuse a recording that does not agree.

        Raises
        ------
        ChannelError
            In a sentence with the line.
        """
        for vertex in trace.vertices:
            if vertex.stack and vertex.fn in ARITHMETIC and not self._agrees(vertex):
                line = position(*vertex.stack[0])[0]
                raise ChannelError(f"what it recorded for line {line} is not what stands there")
        left, seen = list(claims), set()
        while left:
            vertex = left.pop()
            if vertex in seen:
                continue
            seen.add(vertex)
            left += vertex.inputs
            if not vertex.stack and vertex.fn in ARITHMETIC:
                raise ChannelError("it recorded arithmetic for a gradient that stands in no line of its source")

    def _agrees(self, vertex: Vertex) -> bool:
        for (inner, _), (code, instruction) in pairwise(
            vertex.stack
        ):  # nothing but an operator of a class stands below another
            outer = self._node(code, instruction)
            if isinstance(outer, (ast.BinOp, ast.AugAssign)) and not OWN_OPERATOR.fullmatch(inner.co_name):
                return False
        node = self._node(*vertex.stack[0])
        if not isinstance(node, (ast.BinOp, ast.AugAssign)):
            return True
        wanted = OPERATIONS.get(type(node.op))
        if wanted is None:
            return True
        if vertex.fn is not wanted and not self._is_product_of_matrices(vertex, node.op):
            return False
        if isinstance(node, ast.AugAssign):
            return same_number(node.value, vertex.args[1:2])
        return same_number(node.left, vertex.args[:1]) and same_number(node.right, vertex.args[1:2])

    def _is_product_of_matrices(self, vertex: Vertex, op: ast.operator) -> bool:
        """Whether `*` may stand for a product of matrices: in a file that makes an np.matrix, between arrays of two axes."""
        if vertex.fn is not np.matmul or not isinstance(op, ast.Mult):
            return False
        sides = [np.ndim(arg.value) if isinstance(arg, Vertex) else np.ndim(arg) for arg in vertex.args]
        return sides == [2, 2] and any(MATRIX.search(line) for line in self.lines(vertex.stack[0][0].co_filename))

    def _node(self, code: CodeType, instruction: int) -> ast.AST | None:
        """The expression or statement at an instruction; None if it stands in several lines."""
        key = (code, instruction)
        if key not in self.nodes:
            first, last, start, end = position(code, instruction)
            lines = self.lines(code.co_filename)
            text = lines[first - 1][start:end].decode("utf-8", "replace").strip() if first == last <= len(lines) else ""
            try:
                body = ast.parse(text).body
            except (SyntaxError, ValueError, RecursionError):
                body = []
            only = body[0] if len(body) == 1 else None
            self.nodes[key] = only.value if isinstance(only, ast.Expr) else only
        return self.nodes[key]


def same_number(node: ast.expr, given: tuple[Any, ...]) -> bool:
    """Whether what was recorded for a number in the source is that number; true for all that is no number."""
    if not isinstance(node, ast.Constant) or type(node.value) not in (int, float) or not given:
        return True
    value = given[0].value if isinstance(given[0], Vertex) else given[0]
    return bool(np.all(np.asarray(value) == node.value))
