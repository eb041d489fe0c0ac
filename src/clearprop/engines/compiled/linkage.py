"""Linkage: how one unit of the kernel calls another, and which of a unit's functions can be called.

A unit is compiled on its own, and knows of others only the address where they lie. Interpreted, the address is a number in a
list of Python functions.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite import ir

from clearprop.engines.compiled.compiler.primitives import instruction
from clearprop.engines.compiled.compiler.translator import call as expand
from clearprop.engines.compiled.compiler.translator import expand_body
from clearprop.engines.compiled.compiler.values import (
    FLOAT64,
    INT,
    NUMBERS,
    Kind,
    NotCompilableError,
    Number,
    Pointer,
    Value,
    cast,
    value_of,
)
from clearprop.engines.compiled.memory import Memory, memory_at

INTERPRETED_UNITS: list[Callable[..., Any]] = [lambda *given: None]
"""What `call` calls when nothing is compiled; the first stands for "none"."""


def call(unit: int, *given: Any) -> Any:
    """Call the function whose address is `unit`."""
    return INTERPRETED_UNITS[unit](*given)


@instruction(call)
def _call(builder: Any, unit: Value, *given: Any) -> None:
    values = [_passed(builder, part) for part in given]
    kind = ir.FunctionType(ir.VoidType(), [value.type for value in values])
    builder.call(builder.inttoptr(unit.ir, kind.as_pointer()), values)


def _passed(builder: Any, given: Any) -> Any:
    """An argument as one unit hands it to another: an integer, a float64 or a pointer."""
    here: Any = given.here if isinstance(given, Memory) else given
    value = value_of(here)
    if isinstance(value.kind, Pointer):
        return value.ir
    if not isinstance(value.kind, Number):
        raise NotCompilableError("a register cannot be handed to another unit.")
    return cast(builder, value, FLOAT64 if value.kind.is_float else INT).ir


@cache
def number_of(function: Callable[..., Any]) -> int:
    """The number by which the interpreted `call` finds a function."""
    INTERPRETED_UNITS.append(function)
    return len(INTERPRETED_UNITS) - 1


def export(module: ir.Module, function: Callable[..., Any], name: str, dtype: str) -> None:
    """Translate a function that returns nothing, and can be called from outside, into a module.

    The annotations of its parameters say how they are handed over: `Memory` (its address), `Floats`, `int` or `float`.
    """
    parameters = list(inspect.signature(function).parameters.values())
    kinds: dict[str, Kind] = {
        "Memory": INT, "int": INT, "float": FLOAT64,
        "Integers": Pointer(INT), "Floats": Pointer(NUMBERS[dtype]), "Doubles": Pointer(FLOAT64),
    }  # fmt: skip
    given = [kinds[str(parameter.annotation)] for parameter in parameters]
    made = ir.Function(module, ir.FunctionType(ir.VoidType(), [kind.ir_type for kind in given]), name)
    _write_body(made, function, given, [str(parameter.annotation) == "Memory" for parameter in parameters])


def separate(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function that returns nothing be compiled once for each kind of arguments, and called, not expanded in place.

    A `Memory` is handed over by its address.
    """

    def write(builder: Any, *given: Any) -> None:
        records = [isinstance(part, Memory) for part in given]
        values = [_handed_over(part.here if isinstance(part, Memory) else part) for part in given]
        name = f"{function.__module__}.{function.__qualname__}.{_closure_of(function)}({','.join(str(v.kind) for v in values)})"
        module = builder.module
        made = module.globals.get(name)
        if made is None:
            made = ir.Function(module, ir.FunctionType(ir.VoidType(), [v.kind.ir_type for v in values]), name)
            made.linkage = "internal"
            made.attributes.add("noinline")
            _write_body(made, function, [v.kind for v in values], records)
        builder.call(made, [v.ir for v in values])

    instruction(function)(write)
    return function


def _handed_over(given: Any) -> Value:
    """An argument of a separate function: pointers are those to single registers of numbers that may change."""
    value = value_of(given)
    return Value(Pointer(value.kind.of), value.ir) if isinstance(value.kind, Pointer) else value


def _closure_of(function: Callable[..., Any]) -> str:
    """The constants that tell apart functions that were made by one factory."""
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return ",".join(str(part) for part in cells if isinstance(part, (bool, int)))


def _write_body(made: Any, function: Callable[..., Any], kinds: list[Kind], records: list[bool]) -> None:
    """Translate the body of a function into a declared one. The first block is for places on the stack only."""
    made.attributes.add("nounwind")
    builder = ir.IRBuilder(made.append_basic_block("entry"))
    body = builder.append_basic_block("begin")
    builder.branch(body)
    builder.position_at_end(body)
    given: list[Any] = [Value(kind, argument) for kind, argument in zip(kinds, made.args, strict=True)]
    for k, is_record in enumerate(records):
        if is_record:
            given[k] = expand(builder, memory_at, [given[k]], {})
    expand_body(builder, function, given)
    builder.ret_void()
