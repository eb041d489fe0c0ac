"""Denormal numbers, read and written as zero while the kernel runs.

Numbers below about 1e-38 (1e-308 in float64) have no room for their exponent, and a processor needs a hundred times as long
for them. They arise in quantity: the mean gradient that Adam keeps of a weight behind a pixel that is always black shrinks by
a tenth at every step. Most processors can take them for zero, which changes no parameter by more than that.
"""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir

from clearprop.engines.compiled.compiler.primitives import declared, instruction
from clearprop.engines.compiled.compiler.values import INT32, Value

FLUSH = 0x8040  # the bits "flush to zero" and "denormals are zero" of an x86 processor's control register
CAN_FLUSH = platform.machine().lower() in ("x86_64", "amd64")


def flush_denormals() -> int:
    """Take denormal numbers for zero from now on, in this thread; returns what `restore` needs. Interpreted, do nothing."""
    return 0


@instruction(flush_denormals)
def _flush_denormals(builder: Any) -> Any:
    if not CAN_FLUSH:
        return 0
    with builder.goto_entry_block():
        place = builder.alloca(INT32.ir_type)
    _call(builder, "llvm.x86.sse.stmxcsr", place)
    before = builder.load(place)
    _set(builder, builder.or_(before, INT32.ir_type(FLUSH)))
    return Value(INT32, before)


def restore(before: int) -> None:
    """Undo `flush_denormals`."""


@instruction(restore)
def _restore(builder: Any, before: Any) -> None:
    if CAN_FLUSH:
        _set(builder, before.ir)


def _set(builder: Any, control: Any) -> None:
    """Write the control register of floating-point arithmetic."""
    with builder.goto_entry_block():
        place = builder.alloca(INT32.ir_type)
    builder.store(control, place)
    _call(builder, "llvm.x86.sse.ldmxcsr", place)


def _call(builder: Any, name: str, place: Any) -> None:
    byte = ir.IntType(8).as_pointer()
    callee = declared(builder, name, ir.VoidType(), [byte])
    builder.call(callee, [builder.bitcast(place, byte)])
