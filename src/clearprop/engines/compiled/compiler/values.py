"""Values of the compiler: LLVM's, each with its kind. Everything else that a translated function handles is a Python object
that is known beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from clearprop.errors import UnsupportedError


class NotCompilableError(UnsupportedError):
    """A function uses what the compiler does not know; the message says what, and where."""


@dataclass(frozen=True)
class Number:
    """The kind of a single number, named as NumPy's."""

    name: str
    ir_type: Any

    @property
    def is_float(self) -> bool:
        """Whether it has a fraction."""
        return self.name.startswith("float")


BOOL, INT32, INT = Number("bool", ir.IntType(1)), Number("int32", ir.IntType(32)), Number("int64", ir.IntType(64))
FLOAT32, FLOAT64 = Number("float32", ir.FloatType()), Number("float64", ir.DoubleType())
NUMBERS = {kind.name: kind for kind in (BOOL, INT32, INT, FLOAT32, FLOAT64)}


@dataclass(frozen=True)
class Lanes:
    """The kind of one register of floating-point numbers, or of two that are treated as one."""

    scalar: Number
    count: int

    @property
    def ir_type(self) -> ir.VectorType:
        """The type as LLVM sees it: a vector."""
        return ir.VectorType(self.scalar.ir_type, self.count)


@dataclass(frozen=True)
class Pointer:
    """The kind of an address of numbers, loaded `registers` at a time; `constant` if nothing changes them meanwhile."""

    of: Number
    registers: int = 1
    constant: bool = False

    @property
    def ir_type(self) -> Any:
        """The type as LLVM sees it."""
        return self.of.ir_type.as_pointer()


Kind = Number | Lanes | Pointer


class Value:
    """A number, a register or a pointer that is known only when the code runs."""

    __slots__ = ("ir", "kind")

    def __init__(self, kind: Kind, value: Any) -> None:
        self.kind, self.ir = kind, value

    def __bool__(self) -> bool:
        raise NotCompilableError(
            f"a {self.kind} is not known while compiling; it can only be tested in an if, while or ... if ... else."
        )

    def __repr__(self) -> str:
        return f"a value of kind {self.kind}"


def constant(value: Any) -> Value:
    """A number that is known beforehand, as a value."""
    if isinstance(value, (bool, np.bool_)):
        return Value(BOOL, ir.Constant(BOOL.ir_type, int(value)))
    if isinstance(value, (int, np.integer)):
        return Value(INT, ir.Constant(INT.ir_type, int(value)))
    if isinstance(value, (float, np.floating)):
        return Value(FLOAT64, ir.Constant(FLOAT64.ir_type, float(value)))
    raise NotCompilableError(f"{value!r} is no number.")


def value_of(given: Any) -> Value:
    """`given`, as a value."""
    return given if isinstance(given, Value) else constant(given)


def spread(builder: Any, vector: ir.VectorType, scalar: Any) -> Any:
    """One number in every lane."""
    if isinstance(scalar, ir.Constant):
        return ir.Constant(vector, [scalar.constant] * vector.count)
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, undefined, zeros)


def cast(builder: Any, given: Any, kind: Kind) -> Value:
    """`given` as a value of another kind; a number becomes a register that is full of it."""
    value = value_of(given)
    if value.kind == kind:
        return value
    if isinstance(kind, Lanes) and isinstance(value.kind, Number):
        return Value(kind, spread(builder, kind.ir_type, cast(builder, value, kind.scalar).ir))
    if isinstance(kind, Number) and isinstance(value.kind, Number):
        return _cast_number(builder, value, kind)
    if isinstance(kind, Pointer) and isinstance(value.kind, Pointer) and kind.of == value.kind.of:
        return Value(kind, value.ir)
    if isinstance(kind, Pointer) and value.kind == INT:
        return Value(kind, builder.inttoptr(value.ir, kind.ir_type))
    raise NotCompilableError(f"a value of kind {value.kind} cannot become one of kind {kind}.")


def _cast_number(builder: Any, value: Value, kind: Number) -> Value:
    assert isinstance(value.kind, Number)
    if isinstance(value.ir, ir.Constant) and kind.is_float and value.ir.constant is not ir.Undefined:
        return Value(kind, ir.Constant(kind.ir_type, float(value.ir.constant)))
    if value.kind.is_float and kind.is_float:
        wider = kind == FLOAT64
        return Value(kind, (builder.fpext if wider else builder.fptrunc)(value.ir, kind.ir_type))
    if kind.is_float:
        return Value(kind, (builder.uitofp if value.kind == BOOL else builder.sitofp)(value.ir, kind.ir_type))
    if value.kind.is_float:
        return Value(kind, builder.fptosi(value.ir, kind.ir_type))
    if kind == BOOL:
        return Value(kind, builder.icmp_signed("!=", value.ir, ir.Constant(value.kind.ir_type, 0)))
    widen = builder.zext if value.kind in (BOOL, INT32) else builder.trunc
    return Value(kind, widen(value.ir, kind.ir_type))


def common_kind(a: Kind, b: Kind) -> Kind:
    """The kind in which two values are combined: a register if one is; else as NumPy's arrays of no dimension would be."""
    if a == b:
        return a if a != BOOL else INT
    if isinstance(a, Lanes) or isinstance(b, Lanes):
        if isinstance(a, Lanes) and isinstance(b, Lanes):
            raise NotCompilableError(f"registers of {a.count} and of {b.count} lanes cannot be combined.")
        return a if isinstance(a, Lanes) else b
    if isinstance(a, Pointer) or isinstance(b, Pointer):
        raise NotCompilableError("pointers cannot be combined.")
    return FLOAT64 if a.is_float or b.is_float else INT
