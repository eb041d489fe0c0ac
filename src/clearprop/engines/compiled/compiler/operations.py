"""Operations: what an operator of Python becomes, and the choice between two values.

Whatever is known beforehand is computed by Python; the rest becomes an instruction.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir

from clearprop.engines.compiled.compiler.primitives import binary, compared
from clearprop.engines.compiled.compiler.values import (
    BOOL,
    FLOAT64,
    INT,
    Kind,
    Lanes,
    NotCompilableError,
    Pointer,
    Value,
    cast,
    common_kind,
    value_of,
)

FLOATS_AND_INTEGERS: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("fadd", "add"),
    ast.Sub: ("fsub", "sub"),
    ast.Mult: ("fmul", "mul"),
    ast.BitAnd: ("fmul", "and_"),  # of registers: comparisons, which are 0 or 1
    ast.BitOr: ("or_", "or_"),
    ast.BitXor: ("xor", "xor"),
    ast.LShift: ("shl", "shl"),
    ast.RShift: ("ashr", "ashr"),
}
SYMBOLS: dict[type[ast.cmpop], str] = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
PYTHON: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow, ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_, ast.BitXor: operator.xor, ast.LShift: operator.lshift, ast.RShift: operator.rshift,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.USub: operator.neg, ast.Not: operator.not_, ast.Invert: operator.invert,
    ast.UAdd: operator.pos, ast.Is: operator.is_, ast.IsNot: operator.is_not,
}  # fmt: skip


def is_known(*given: Any) -> bool:
    """Whether values are known beforehand, so that Python can compute with them."""
    return all(is_known(*part) if isinstance(part, tuple) else not isinstance(part, Value) for part in given)


def operate(builder: ir.IRBuilder, op: type[ast.operator], a: Any, b: Any) -> Any:
    """The value of a op b."""
    if is_known(a, b):
        return PYTHON[op](a, b)
    if op is ast.Div:
        return divide(builder, value_of(a), value_of(b))
    if op in (ast.FloorDiv, ast.Mod):
        return divide_integers(builder, op, value_of(a), value_of(b))
    if op is ast.Pow:
        return power(builder, value_of(a), b)
    if op is ast.BitOr and any(isinstance(value_of(part).kind, Lanes) for part in (a, b)):
        # Comparisons of registers are 0 or 1: one of them holds if their sum is not 0.
        return compared(builder, ">", binary(builder, "fadd", "or_", a, b), 0.0)
    if op not in FLOATS_AND_INTEGERS:
        raise NotCompilableError(f"the operator {op.__name__} is not something that can be compiled.")
    return binary(builder, *FLOATS_AND_INTEGERS[op], a, b)


def divide(builder: ir.IRBuilder, a: Value, b: Value) -> Value:
    """a / b."""
    kind = common_kind(a.kind, b.kind)
    kind = FLOAT64 if kind == INT else kind
    return Value(kind, builder.fdiv(cast(builder, a, kind).ir, cast(builder, b, kind).ir))


def divide_integers(builder: ir.IRBuilder, op: type[ast.operator], a: Value, b: Value) -> Value:
    """a // b or a % b as in Python, rounded down."""
    if common_kind(a.kind, b.kind) != INT:
        raise NotCompilableError("// and % are compiled for integers only.")
    zero = ir.Constant(INT.ir_type, 0)
    x, y = cast(builder, a, INT).ir, cast(builder, b, INT).ir
    rest = builder.srem(x, y)
    down = builder.and_(builder.icmp_signed("!=", rest, zero), builder.icmp_signed("<", builder.xor(rest, y), zero))
    if op is ast.Mod:
        return Value(INT, builder.add(rest, builder.select(down, y, zero)))
    return Value(INT, builder.sub(builder.sdiv(x, y), builder.zext(down, INT.ir_type)))


def power(builder: ir.IRBuilder, a: Value, b: Any) -> Any:
    """a ** n for a known n of 1 to 8, as products."""
    if not isinstance(b, (int, float)) or b != int(b) or not 1 <= b <= 8:
        raise NotCompilableError("** is compiled for exponents 1 to 8 only; write np.exp or np.sqrt instead.")
    found: Any = a
    for _ in range(int(b) - 1):
        found = binary(builder, "fmul", "mul", found, a)
    return found


def truth(builder: ir.IRBuilder, test: Any) -> Any:
    """Whether a value is not zero, as LLVM's truth value."""
    return condition(builder, test).ir


def condition(builder: ir.IRBuilder, test: Any) -> Value:
    """Whether a value is not zero."""
    value = value_of(test)
    if isinstance(value.kind, (Lanes, Pointer)):
        raise NotCompilableError(f"a value of kind {value.kind} is neither true nor false; np.where chooses lane by lane.")
    if value.kind.is_float:
        return compared(builder, "!=", value, 0.0)
    return cast(builder, value, BOOL)


def either(builder: ir.IRBuilder, test: Any, then: Callable[[], Any], other: Callable[[], Any]) -> Any:
    """One of two values, of which only that one is computed."""
    if is_known(test):
        return then() if test else other()
    blocks = [builder.append_basic_block(name) for name in ("then", "else", "after")]
    builder.cbranch(truth(builder, test), blocks[0], blocks[1])
    ends, values = [], []
    for block, compute in zip(blocks, (then, other), strict=False):
        builder.position_at_end(block)
        values.append(compute())
        ends.append(builder.block)
    parts = [_flat(value) for value in values]
    merged = []
    kinds = [_merged_kind(a, b) for a, b in zip(*parts, strict=True)]
    for end, given in zip(ends, parts, strict=True):
        builder.position_at_end(end)
        merged.append([cast(builder, part, kind).ir for part, kind in zip(given, kinds, strict=True)])
        builder.branch(blocks[2])
    builder.position_at_end(blocks[2])
    found = []
    for kind, pair in zip(kinds, zip(*merged, strict=True), strict=True):
        phi = builder.phi(kind.ir_type)
        for value, end in zip(pair, ends, strict=True):
            phi.add_incoming(value, end)
        found.append(Value(kind, phi))
    return tuple(found) if isinstance(values[0], tuple) else found[0]


def _flat(value: Any) -> list[Any]:
    return list(value) if isinstance(value, tuple) else [value]


def _merged_kind(a: Any, b: Any) -> Kind:
    """The kind of a value that is one of two."""
    first, second = value_of(a).kind, value_of(b).kind
    if first == second:
        return first
    if isinstance(first, Pointer) and isinstance(second, Pointer):
        return Pointer(first.of)
    return common_kind(first, second)
