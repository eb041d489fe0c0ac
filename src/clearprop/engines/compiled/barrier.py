"""The barrier: where the threads of a step wait for each other.

Each wait adds one to a shared counter, and ends when all threads have done so. Waiting is a short loop, since the others are
at most microseconds away; if they are not (because another program has their processor), the processor is given up.
"""

from __future__ import annotations

import sys
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from clearprop.engines.compiled.lanes import INTERPRETED, element, expanded

SPINS = 20_000  # some ten microseconds
CAN_YIELD = sys.platform != "win32"


@intrinsic
def _add(typing: Any, counter: Any, amount: Any) -> Any:
    """Atomically add to counter[0]; returns its new value."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = element(context, builder, signature.args[0], arguments[0], ir.Constant(ir.IntType(64), 0))
        return builder.add(builder.atomic_rmw("add", pointer, arguments[1], "seq_cst"), arguments[1])

    return types.int64(counter, types.int64), generate


@intrinsic
def _read(typing: Any, counter: Any) -> Any:
    """counter[0], as the other threads have left it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = element(context, builder, signature.args[0], arguments[0], ir.Constant(ir.IntType(64), 0))
        return builder.load_atomic(pointer, "acquire", 8)

    return types.int64(counter), generate


if INTERPRETED:

    def wait(counter: Any, threads: int) -> None:
        """One thread waits for nobody."""

else:
    give_up_processor: Any = types.ExternalFunction("sched_yield", types.int32()) if CAN_YIELD else None

    @expanded
    def wait(counter: Any, threads: int) -> None:
        """Return when all threads have come here."""
        if threads == 1:
            return
        mine = _add(counter, 1)
        everyone = (mine + threads - 1) // threads * threads
        spins = 0
        while _read(counter) < everyone:
            spins += 1
            if CAN_YIELD and spins > SPINS:
                give_up_processor()
