"""Denormal numbers, read and written as zero while the kernel runs.

Numbers below about 1e-38 (1e-308 in float64) have no room for their exponent, and a processor needs a hundred times as long
for them. They arise in quantity: the mean gradient that Adam keeps of a weight behind a pixel that is always black shrinks by
a tenth at every step. Most processors can take them for zero, which changes no parameter by more than that.
"""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from clearprop.engines.compiled.lanes import INTERPRETED

FLUSH = 0x8040  # the bits "flush to zero" and "denormals are zero" of an x86 processor's control register
CAN_FLUSH = platform.machine().lower() in ("x86_64", "amd64") and not INTERPRETED


@intrinsic
def _control(typing: Any) -> Any:
    """The control register of floating-point arithmetic."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = cgutils.alloca_once(builder, ir.IntType(32))
        _call(builder, "llvm.x86.sse.stmxcsr", place)
        return builder.load(place)

    return types.int32(), generate


@intrinsic
def _set_control(typing: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = cgutils.alloca_once_value(builder, arguments[0])
        _call(builder, "llvm.x86.sse.ldmxcsr", place)
        return context.get_dummy_value()

    return types.void(types.int32), generate


def _call(builder: Any, name: str, place: Any) -> None:
    byte = ir.IntType(8).as_pointer()
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), [byte]), name)
    builder.call(function, [builder.bitcast(place, byte)])


if CAN_FLUSH:
    from numba import njit

    @njit(forceinline=True)
    def flush_denormals() -> int:
        """Take denormal numbers for zero from now on, in this thread; returns what `restore` needs."""
        before = _control()
        _set_control(before | FLUSH)
        return before

    @njit(forceinline=True)
    def restore(before: int) -> None:
        """Undo `flush_denormals`."""
        _set_control(before)

else:
    from clearprop.engines.compiled.lanes import expanded

    @expanded
    def flush_denormals() -> int:
        """Do nothing, on a processor without such a mode."""
        return 0

    @expanded
    def restore(before: int) -> None:
        """Nothing to undo."""
