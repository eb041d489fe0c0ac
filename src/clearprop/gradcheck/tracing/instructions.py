"""The instruction that made a value: whether it is one of `w -= step`, or of an expression that begins with a number."""

from __future__ import annotations

import dis
from typing import Final

from clearprop.gradcheck.tracing.trace import Vertex, position

IN_PLACE: Final = range(13, 26)
"""Arguments of BINARY_OP for +=, -= and their like."""


def in_place(vertex: Vertex) -> bool:
    """Whether a value was made by a statement such as `w -= step`."""
    if not vertex.stack:
        return False
    code, instruction = vertex.stack[0]
    operation, argument = code.co_code[instruction : instruction + 2]
    return operation == dis.opmap["BINARY_OP"] and argument in IN_PLACE


def starts_with_literal(vertex: Vertex) -> bool:
    """Whether an expression begins with a number, as 1 - a does."""
    if not vertex.stack:
        return False
    code, instruction = vertex.stack[0]
    line, _, start, end = position(code, instruction)
    for other in vertex.inputs:
        if other.fn is None and other.kind == "literal" and other.stack and other.stack[0][0] is code:
            at = position(*other.stack[0])
            if (at[0], at[2]) == (line, start):
                return True
    for place in range(0, len(code.co_code), 2):
        operation, argument = code.co_code[place : place + 2]
        small = operation == dis.opmap.get("LOAD_SMALL_INT")  # since Python 3.14
        if small or (operation == dis.opmap["LOAD_CONST"] and type(code.co_consts[argument]) in (int, float)):
            first, _, begins, ends = position(code, place)
            if (first, begins) == (line, start) and ends < end:
                return True
    return False
