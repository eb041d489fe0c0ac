"""Primitives: functions with an instruction in the place of a source.

Each is first a plain Python function, which says what it means and runs when nothing is compiled; `instruction` then gives
what the compiler writes in its place.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from typing import Any

from llvmlite import ir

from clearprop.engines.compiled.compiler.values import BOOL, FLOAT64, INT, Lanes, Number, Value, cast, common_kind, value_of

Writer = Callable[..., Any]
INSTRUCTIONS: dict[Any, Writer] = {}
"""By function: what writes its instructions, given the builder and the arguments."""
SUBSTITUTES: dict[Any, Callable[..., Any]] = {}
"""By function of NumPy or `math`: the function for registers that is compiled in its place."""


def instruction(*functions: Any) -> Callable[[Writer], Writer]:
    """Let a function be the writer of the instructions for others."""

    def note(writer: Writer) -> Writer:
        INSTRUCTIONS.update(dict.fromkeys(functions, writer))
        return writer

    return note


def substitute(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a function, of registers, be compiled wherever one of the given ones is called."""

    def note(function: Callable[..., Any]) -> Callable[..., Any]:
        SUBSTITUTES.update(dict.fromkeys(functions, function))
        return function

    return note


def call_llvm(builder: Any, name: str, arguments: list[Any]) -> Any:
    """Call LLVM's own function `name` for the type of the arguments, such as llvm.sqrt."""
    kind = arguments[0].type
    element = kind.element if isinstance(kind, ir.VectorType) else kind
    bits = f"f{32 if isinstance(element, ir.FloatType) else 64}"
    suffix = f"v{kind.count}{bits}" if isinstance(kind, ir.VectorType) else bits
    return builder.call(declared(builder, f"llvm.{name}.{suffix}", kind, [a.type for a in arguments]), arguments)


def declared(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    """The declaration of a function from outside, in the module that is being written."""
    module = builder.module
    return module.globals.get(name) or ir.Function(module, ir.FunctionType(result, arguments), name)


def binary(builder: Any, floats: str, integers: str, a: Any, b: Any) -> Value:
    """One instruction on two numbers or registers, after both have been given one kind."""
    a, b = value_of(a), value_of(b)
    kind = common_kind(a.kind, b.kind)
    x, y = cast(builder, a, kind), cast(builder, b, kind)
    is_float = isinstance(kind, Lanes) or (isinstance(kind, Number) and kind.is_float)
    return Value(kind, getattr(builder, floats if is_float else integers)(x.ir, y.ir))


def compared(builder: Any, symbol: str, a: Any, b: Any) -> Value:
    """A comparison: of two numbers, a truth value; of registers, 1 in each lane where it holds, else 0."""
    a, b = value_of(a), value_of(b)
    kind = common_kind(a.kind, b.kind)
    x, y = cast(builder, a, kind).ir, cast(builder, b, kind).ir
    if isinstance(kind, Lanes):
        vector = kind.ir_type
        found = (builder.fcmp_unordered if symbol == "!=" else builder.fcmp_ordered)(symbol, x, y)
        return Value(kind, builder.select(found, ir.Constant(vector, [1.0] * kind.count), ir.Constant(vector, None)))
    if isinstance(kind, Number) and kind.is_float:
        compare = builder.fcmp_unordered if symbol == "!=" else builder.fcmp_ordered
        return Value(BOOL, compare(symbol, x, y))
    return Value(BOOL, builder.icmp_signed(symbol, x, y))


def _extreme(symbol: str) -> Writer:
    def write(builder: Any, a: Any, *others: Any) -> Value:
        a = value_of(a)
        for b in others:
            b = value_of(b)
            kind = common_kind(a.kind, b.kind)
            x, y = cast(builder, a, kind), cast(builder, b, kind)
            a = Value(kind, builder.select(compared(builder, symbol, y, x).ir, y.ir, x.ir))
        return a

    return write


instruction(builtins.min)(_extreme("<"))
instruction(builtins.max)(_extreme(">"))


@instruction(builtins.float)
def _float(builder: Any, x: Any) -> Value:
    return cast(builder, x, FLOAT64)


@instruction(builtins.int)
def _int(builder: Any, x: Any) -> Value:
    return cast(builder, x, INT)


@instruction(math.sqrt)
def _sqrt(builder: Any, x: Any) -> Value:
    x = cast(builder, x, FLOAT64)
    return Value(FLOAT64, call_llvm(builder, "sqrt", [x.ir]))
