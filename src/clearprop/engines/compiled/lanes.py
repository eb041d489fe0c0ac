"""Lanes: a vector register, as a value of the kernel.

A processor adds or multiplies 4 to 16 numbers in one instruction, if the code says so. Here it says so itself: `load` and
`store` move a register full of numbers, and the operators +, -, *, / and > work on all of them at once. Since `nn` and `optim`
write their element-wise functions with these same operators, they are compiled as they stand.

A load through a `wide` pointer fills two registers at once. The code is the same, with half as many loops; and while a long
calculation in one register waits for its own results, that in the other goes on.

With ``NUMBA_DISABLE_JIT=1`` nothing is compiled: a short NumPy array plays the part of the register, and the same code runs
under a debugger. Each function below is written twice, therefore: what it means, and the instruction that does it.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from llvmlite import ir

from clearprop.engines.compiled.compiler.primitives import declared, instruction
from clearprop.engines.compiled.compiler.processor import processor
from clearprop.engines.compiled.compiler.values import FLOAT64, INT, Lanes, NotCompilableError, Pointer, Value, cast

INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
BYTES = processor().register_bytes
# Rows and registers of the tiles of a matrix product. The largest has as many sums as the register file holds beside a row of
# registers; the smaller ones are for the rows that are left over.
TILE_ROWS, TILE_LANES = ((6, 3, 2, 1), 2) if BYTES == 32 else ((8, 4, 2, 1), 3)
WIDEST = 2  # registers that are treated as one


def kind_of(like: Value) -> Lanes:
    """The kind of register that loads through a pointer fill, or that a calculation with a register gives."""
    if isinstance(like.kind, Lanes):
        return like.kind
    if not isinstance(like.kind, Pointer):
        raise NotCompilableError(f"a register is loaded through a pointer, not from a value of kind {like.kind}.")
    return Lanes(like.kind.of, like.kind.registers * BYTES * 8 // _bits(like.kind.of.ir_type))


def _bits(number: Any) -> int:
    return 32 if isinstance(number, ir.FloatType) else 64


def count(dtype: Any) -> int:
    """Number of values of a dtype in a register."""
    return BYTES // np.dtype(dtype).itemsize


def lanes_of(array: Any) -> int:
    """Number of values that are loaded from an array, or through a pointer, at once; known while compiling."""
    return kind_of(array).count if isinstance(array, Value) else count(array.dtype)


@instruction(lanes_of)
def _lanes_of(builder: Any, like: Value) -> int:
    return kind_of(like).count


def wide(pointer: Any) -> Any:
    """The same pointer, through which two registers are loaded at once; interpreted, where it would gain nothing, one."""
    return pointer


@instruction(wide)
def _wide(builder: Any, pointer: Value) -> Value:
    assert isinstance(pointer.kind, Pointer)
    return Value(Pointer(pointer.kind.of, WIDEST, pointer.kind.constant), pointer.ir)


def moved(pointer: Any, n: int) -> Any:
    """The pointer to the number that is n further on."""
    return pointer[n:]


@instruction(moved)
def _moved(builder: Any, pointer: Value, n: Any) -> Value:
    return Value(pointer.kind, builder.gep(pointer.ir, [cast(builder, n, INT).ir]))


def load(array: Any, index: int) -> Any:
    """The register full of numbers that begins at array[index]."""
    return array[index : index + count(array.dtype)].copy()


@instruction(load)
def _load(builder: Any, array: Value, index: Any) -> Value:
    kind = kind_of(array)
    return Value(kind, load_vector(builder, element(builder, array, index), kind.ir_type))


def store(array: Any, index: int, value: Any) -> None:
    """Write a register to array[index] and what follows it."""
    array[index : index + count(array.dtype)] = value


@instruction(store)
def _store(builder: Any, array: Value, index: Any, value: Any) -> None:
    store_vector(builder, element(builder, array, index), cast(builder, value, kind_of(array)).ir)


def element(builder: Any, array: Value, index: Any) -> Any:
    """Address of array[index]."""
    return builder.gep(array.ir, [cast(builder, index, INT).ir])


def load_vector(builder: Any, pointer: Any, vector: ir.VectorType) -> Any:
    """The register full of numbers that begins at a pointer, which need not be aligned."""
    value = builder.load(builder.bitcast(pointer, vector.as_pointer()))
    value.align = 4
    return value


def store_vector(builder: Any, pointer: Any, value: Any) -> None:
    """Write a register to where a pointer points."""
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer())).align = 4


def fill(like: Any, number: Any) -> Any:
    """`number` in every lane, for the dtype of an array or of a register."""
    return np.full(count(like.dtype), number, like.dtype)


@instruction(fill)
def _fill(builder: Any, like: Value, number: Any) -> Value:
    return cast(builder, number, kind_of(like))


def numbers(like: Any) -> Any:
    """0, 1, 2, ..."""
    return np.arange(count(like.dtype)).astype(like.dtype)


@instruction(numbers)
def _numbers(builder: Any, like: Value) -> Value:
    kind = kind_of(like)
    return Value(kind, ir.Constant(kind.ir_type, [float(i) for i in range(kind.count)]))


def pick(condition: Any, x: Any, y: Any) -> Any:
    """In each lane, x where the condition is not zero, else y."""
    like = next(part for part in (x, y, condition) if isinstance(part, np.ndarray) and part.dtype.kind == "f")
    return np.where(condition != 0, x, y).astype(like.dtype)


@instruction(pick)
def _pick(builder: Any, condition: Value, x: Any, y: Any) -> Value:
    kind = kind_of(condition)
    chosen = builder.fcmp_unordered("!=", condition.ir, ir.Constant(kind.ir_type, None))
    return Value(kind, builder.select(chosen, cast(builder, x, kind).ir, cast(builder, y, kind).ir))


def total(x: Any) -> Any:
    """The sum of all lanes."""
    return x.sum()


def largest(x: Any) -> Any:
    """The largest number of all lanes."""
    return x.max()


def smallest(x: Any) -> Any:
    """The smallest number of all lanes."""
    return x.min()


def _reduce(builder: Any, name: str, x: Value, first: float | None = None) -> Value:
    """One number made of all lanes, with LLVM's own function; addition takes a first summand, and any order of the others."""
    kind = kind_of(x)
    scalar = kind.scalar.ir_type
    given = [*([] if first is None else [ir.Constant(scalar, first)]), x.ir]
    callee = declared(
        builder, f"llvm.vector.reduce.{name}.v{kind.count}f{_bits(scalar)}", scalar, [part.type for part in given]
    )
    return Value(kind.scalar, builder.call(callee, given, fastmath=("nnan",) if first is None else ("reassoc",)))


instruction(total)(lambda builder, x: _reduce(builder, "fadd", x, -0.0))
instruction(largest)(lambda builder, x: _reduce(builder, "fmax", x))
instruction(smallest)(lambda builder, x: _reduce(builder, "fmin", x))


def first_lane(x: Any) -> Any:
    """The number in the first lane."""
    return x[0]


@instruction(first_lane)
def _first_lane(builder: Any, x: Value) -> Value:
    return Value(FLOAT64, cast(builder, Value(kind_of(x).scalar, builder.extract_element(x.ir, ir.IntType(32)(0))), FLOAT64).ir)
