"""Moves between memory and registers that are more than a load or a store."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from clearprop.engines.compiled.compiler.primitives import call_llvm, declared, instruction
from clearprop.engines.compiled.compiler.processor import processor
from clearprop.engines.compiled.compiler.values import INT, Lanes, Pointer, Value, cast, spread
from clearprop.engines.compiled.lanes import count, element, kind_of, load_vector


def fetch(array: Any, index: int) -> None:
    """Prefetch array[index], which will be needed soon."""


@instruction(fetch)
def _fetch(builder: Any, array: Value, index: Any) -> None:
    byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    place = builder.bitcast(element(builder, array, index), byte)
    callee = declared(builder, "llvm.prefetch.p0", ir.VoidType(), [byte, number, number, number])
    builder.call(callee, [place, number(0), number(3), number(1)])  # for reading; to the nearest cache; data


def load_from(builder: Any, base: Any, distances: Any, vector: ir.VectorType, size: int) -> Any:
    """A register of numbers of `size` bytes, each at its own distance, in bytes, from where `base` points."""
    n, given = vector.count, vector.element
    start = spread(builder, distances.type, builder.ptrtoint(base, ir.IntType(64)))
    pointers, always = ir.VectorType(given.as_pointer(), n), ir.VectorType(ir.IntType(1), n)
    name = f"llvm.masked.gather.v{n}{'i' if isinstance(given, ir.IntType) else 'f'}{8 * size}.v{n}p0"
    callee = declared(builder, name, vector, [pointers, ir.IntType(32), always, vector])
    places = builder.inttoptr(builder.add(distances, start), pointers)
    return builder.call(callee, [places, ir.IntType(32)(size), ir.Constant(always, [1] * n), ir.Constant(vector, ir.Undefined)])


def load_some(builder: Any, pointer: Any, given: Any, vector: ir.VectorType) -> Any:
    """The first integers that a pointer points to, `given` of them; the first once more in the other lanes."""
    n, number = vector.count, vector.element
    chosen = builder.icmp_signed("<", ir.Constant(vector, list(range(n))), spread(builder, vector, given))
    name = f"llvm.masked.load.v{n}i{number.width}.p0"
    callee = declared(builder, name, vector, [vector.as_pointer(), ir.IntType(32), chosen.type, vector])
    other = spread(builder, vector, builder.load(pointer))
    return builder.call(callee, [builder.bitcast(pointer, vector.as_pointer()), ir.IntType(32)(8), chosen, other])


def spaced(array: Any, first: int, step: int) -> Any:
    """The numbers array[first], array[first + step], ..., as many as a register has lanes."""
    return array[first : first + count(array.dtype) * step : step].copy()


@instruction(spaced)
def _spaced(builder: Any, array: Value, first: Any, step: Any) -> Value:
    kind = kind_of(array)
    vector = kind.ir_type
    size = 4 if isinstance(vector.element, ir.FloatType) else 8
    indices = ir.VectorType(ir.IntType(64), vector.count)
    bytes_a_step = spread(builder, indices, builder.mul(cast(builder, step, INT).ir, INT.ir_type(size)))
    distances = builder.mul(ir.Constant(indices, list(range(vector.count))), bytes_a_step)
    return Value(kind, load_from(builder, element(builder, array, first), distances, vector, size))


def gather(array: Any, rows: Any, first: int, given: int, step: int, column: int, like: Any) -> Any:
    """A column of a table, for as many rows as are loaded at once, as floats of the dtype of `like`.

    The rows are rows[first], rows[first + 1], ..., `given` of them, and the first again in the lanes that are left; each
    row has `step` numbers.
    """
    lanes = np.arange(count(like.dtype))
    return array[rows[first + np.where(lanes < given, lanes, 0)] * step + column].astype(like.dtype)


@instruction(gather)
def _gather(builder: Any, array: Value, rows: Value, first: Any, given: Any, step: Any, column: Any, like: Value) -> Value:
    assert isinstance(array.kind, Pointer)
    kind = kind_of(like)
    vector, number = kind.ir_type, array.kind.of.ir_type
    size = 4 if isinstance(number, ir.FloatType) else 8
    step, given = cast(builder, step, INT).ir, cast(builder, given, INT).ir
    bytes_a_row = spread(builder, ir.VectorType(ir.IntType(64), vector.count), builder.mul(step, step.type(size)))
    begin = builder.mul(load_some(builder, element(builder, rows, first), given, bytes_a_row.type), bytes_a_row)
    found = load_from(builder, element(builder, array, column), begin, ir.VectorType(number, vector.count), size)
    return Value(kind, found if number == vector.element else builder.sitofp(found, vector))


def fold(array: Any, start: int) -> Any:
    """The sum of each of the registers at array[start], as many as a register has lanes, in one register."""
    n = count(array.dtype)
    return array[start : start + n * n].reshape(n, n).sum(axis=1)


@instruction(fold)
def _fold(builder: Any, array: Value, start: Any) -> Value:
    kind = kind_of(array)
    vector, pointer = kind.ir_type, element(builder, array, start)
    number, n = ir.IntType(32), kind.count
    registers = [load_vector(builder, builder.gep(pointer, [number(k * n)]), vector) for k in range(n)]
    distance = 1
    while len(registers) > 1:  # neighbours are added, in two registers at once: half as many remain
        # Lane i gets lanes i and i + distance of x, or, if that bit of i is set, lanes i - distance and i of y.
        second = [bool(i & distance) for i in range(n)]
        stay = ir.Constant(ir.VectorType(number, n), [i + n * of_y for i, of_y in enumerate(second)])
        come = ir.Constant(ir.VectorType(number, n), [(i ^ distance) + n * of_y for i, of_y in enumerate(second)])
        pairs = zip(registers[::2], registers[1::2], strict=True)
        registers = [builder.fadd(builder.shuffle_vector(x, y, stay), builder.shuffle_vector(x, y, come)) for x, y in pairs]
        distance *= 2
    return Value(kind, registers[0])


def fma(x: Any, y: Any, z: Any) -> Any:
    """x * y + z, rounded once where the processor can."""
    return x * y + z


def multiply_add(builder: Any, x: Any, y: Any, z: Any) -> Any:
    """x * y + z: one instruction, or two where the processor has not that one."""
    if processor().has_fma:
        return call_llvm(builder, "fma", [x, y, z])
    return builder.fadd(builder.fmul(x, y), z)


@instruction(fma)
def _fma(builder: Any, x: Any, y: Any, z: Any) -> Value:
    kind = next(part.kind for part in (x, y, z) if isinstance(part, Value) and isinstance(part.kind, Lanes))
    x, y, z = (cast(builder, part, kind).ir for part in (x, y, z))
    return Value(kind, multiply_add(builder, x, y, z))


def add_products(x: Any, y: Any, z: Any) -> Any:
    """x * y + z for a z of one register, to which, if x and y fill two, the products of both are added."""
    return x * y + z


@instruction(add_products)
def _add_products(builder: Any, x: Value, y: Value, z: Value) -> Value:
    given, kind, value = kind_of(x), kind_of(z), z.ir
    for first in range(0, given.count, kind.count):
        mask = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), list(range(first, first + kind.count)))
        parts = [builder.shuffle_vector(v, ir.Constant(v.type, ir.Undefined), mask) for v in (x.ir, y.ir)]
        value = multiply_add(builder, parts[0], parts[1], value)
    return Value(kind, value)
