"""The barrier: where the threads of a step wait for each other.

Each wait adds one to a shared counter, and ends when all threads have done so. Waiting is a short loop, since the others are
at most microseconds away; if they are not (because another program has their processor), the processor is given up.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from llvmlite import ir

from clearprop.engines.compiled.compiler.primitives import instruction
from clearprop.engines.compiled.compiler.values import INT, Value, cast
from clearprop.engines.compiled.lanes import element

SPINS = 20_000  # some ten microseconds


def yield_address() -> int:
    """Address of the system's function that gives up the processor; 0 where there is none."""
    if sys.platform == "win32":
        return 0
    return ctypes.cast(ctypes.CDLL(None).sched_yield, ctypes.c_void_p).value or 0


def add(counter: Any, index: int, amount: int) -> int:
    """Add to counter[index], before or after every other thread, never at the same time; returns its new value."""
    counter[index] += amount
    return int(counter[index])


@instruction(add)
def _add(builder: Any, counter: Value, index: Any, amount: Any) -> Value:
    amount = cast(builder, amount, INT).ir
    return Value(INT, builder.add(builder.atomic_rmw("add", element(builder, counter, index), amount, "seq_cst"), amount))


def read(counter: Any, index: int) -> int:
    """counter[index], as the other threads have left it."""
    return int(counter[index])


@instruction(read)
def _read(builder: Any, counter: Value, index: Any) -> Value:
    return Value(INT, builder.load_atomic(element(builder, counter, index), "acquire", 8))


def give_up_processor(address: int) -> None:
    """Call the function whose address `yield_address` found."""


@instruction(give_up_processor)
def _give_up_processor(builder: Any, address: Value) -> None:
    kind = ir.FunctionType(ir.IntType(32), [])
    builder.call(builder.inttoptr(address.ir, kind.as_pointer()), [])


def wait(p: Any) -> None:
    """Return when all threads of a step have come here."""
    if p.threads == 1:
        return
    mine = add(p.counter, 0, 1)
    everyone = (mine + p.threads - 1) // p.threads * p.threads
    spins = 0
    while read(p.counter, 0) < everyone:
        spins += 1
        if spins > SPINS and p.yield_address != 0:
            give_up_processor(p.yield_address)
