"""Moves between memory and registers that are more than a load or a store."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from clearprop.engines.compiled.lanes import (
    INTERPRETED,
    call_llvm,
    count,
    element,
    kind_of,
    load_vector,
    spread,
    vector_type,
)


@intrinsic
def _fetch(typing: Any, array: Any, index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        place = builder.bitcast(element(context, builder, signature.args[0], *arguments), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        callee = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(callee, [place, number(0), number(3), number(1)])  # for reading; to the nearest cache; data
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


def load_from(builder: Any, base: Any, distances: Any, vector: ir.VectorType, size: int) -> Any:
    """A register of numbers of `size` bytes, each at its own distance, in bytes, from where `base` points."""
    n, given = vector.count, vector.element
    start = spread(builder, distances.type, builder.ptrtoint(base, ir.IntType(64)))
    pointers, always = ir.VectorType(given.as_pointer(), n), ir.VectorType(ir.IntType(1), n)
    function = ir.FunctionType(vector, [pointers, ir.IntType(32), always, vector])
    name = f"llvm.masked.gather.v{n}{'i' if isinstance(given, ir.IntType) else 'f'}{8 * size}.v{n}p0"
    callee = cgutils.get_or_insert_function(builder.module, function, name)
    places = builder.inttoptr(builder.add(distances, start), pointers)
    return builder.call(callee, [places, ir.IntType(32)(size), ir.Constant(always, [1] * n), ir.Constant(vector, ir.Undefined)])


def load_some(builder: Any, pointer: Any, given: Any, vector: ir.VectorType) -> Any:
    """The first integers that a pointer points to, `given` of them; the first once more in the other lanes."""
    n, element = vector.count, vector.element
    chosen = builder.icmp_signed("<", ir.Constant(vector, list(range(n))), spread(builder, vector, given))
    function = ir.FunctionType(vector, [vector.as_pointer(), ir.IntType(32), chosen.type, vector])
    callee = cgutils.get_or_insert_function(builder.module, function, f"llvm.masked.load.v{n}i{element.width}.p0")
    other = spread(builder, vector, builder.load(pointer))
    return builder.call(callee, [builder.bitcast(pointer, vector.as_pointer()), ir.IntType(32)(8), chosen, other])


@intrinsic
def _spaced(typing: Any, array: Any, first: Any, step: Any) -> Any:
    kind = kind_of(array)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, first, step = arguments
        vector = vector_type(context, kind)
        size = kind.scalar.bitwidth // 8
        indices = ir.VectorType(ir.IntType(64), vector.count)
        bytes_a_step = spread(builder, indices, builder.mul(step, step.type(size)))
        distances = builder.mul(ir.Constant(indices, list(range(vector.count))), bytes_a_step)
        return load_from(builder, builder.gep(array, [first]), distances, vector, size)

    return kind(array, types.intp, types.intp), generate


@intrinsic
def _gather(typing: Any, array: Any, rows: Any, first: Any, given: Any, step: Any, column: Any, like: Any) -> Any:
    kind = kind_of(like)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, rows, first, given, step, column, _ = arguments
        vector, number = vector_type(context, kind), context.get_value_type(signature.args[0].dtype)
        size = number.get_abi_size(context.target_data)
        bytes_a_row = spread(builder, ir.VectorType(ir.IntType(64), vector.count), builder.mul(step, step.type(size)))
        begin = builder.mul(load_some(builder, builder.gep(rows, [first]), given, bytes_a_row.type), bytes_a_row)
        found = load_from(builder, builder.gep(array, [column]), begin, ir.VectorType(number, vector.count), size)
        return found if number == vector.element else builder.sitofp(found, vector)

    return kind(array, rows, types.intp, types.intp, types.intp, types.intp, like), generate


@intrinsic
def _fold(typing: Any, array: Any, start: Any) -> Any:
    kind = kind_of(array)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = vector_type(context, kind)
        pointer = element(context, builder, signature.args[0], *arguments)
        number, n = ir.IntType(32), vector.count
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
        return registers[0]

    return kind(array, types.intp), generate


@intrinsic
def _fma(typing: Any, x: Any, y: Any, z: Any) -> Any:
    return x(x, x, x), lambda context, builder, signature, arguments: call_llvm(builder, "fma", list(arguments))


@intrinsic
def _add_products(typing: Any, x: Any, y: Any, z: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, y, value = arguments
        for first in range(0, signature.args[0].count, z.count):
            mask = ir.Constant(ir.VectorType(ir.IntType(32), z.count), list(range(first, first + z.count)))
            parts = [builder.shuffle_vector(v, ir.Constant(v.type, ir.Undefined), mask) for v in (x, y)]
            value = call_llvm(builder, "fma", [*parts, value])
        return value

    return z(x, x, z), generate


if INTERPRETED:

    def fetch(array: Any, index: int) -> None:
        """Prefetch array[index], which will be needed soon."""

    def gather(array: Any, rows: Any, first: int, given: int, step: int, column: int, like: Any) -> Any:
        """A column of a table, for as many rows as are loaded at once, as floats of the dtype of `like`.

        The rows are rows[first], rows[first + 1], ..., `given` of them, and the first again in the lanes that are left; each
        row has `step` numbers.
        """
        lanes = np.arange(count(like.dtype))
        return array[rows[first + np.where(lanes < given, lanes, 0)] * step + column].astype(like.dtype)

    def spaced(array: Any, first: int, step: int) -> Any:
        """The numbers array[first], array[first + step], ..., as many as a register has lanes."""
        return array[first : first + count(array.dtype) * step : step].copy()

    def fold(array: Any, start: int) -> Any:
        """The sum of each of the registers at array[start], as many as a register has lanes, in one register."""
        n = count(array.dtype)
        return array[start : start + n * n].reshape(n, n).sum(axis=1)

    def fma(x: Any, y: Any, z: Any) -> Any:
        """x * y + z."""
        return x * y + z

    def add_products(x: Any, y: Any, z: Any) -> Any:
        """x * y + z for a z of one register, to which, if x and y fill two, the products of both are added."""
        return x * y + z

else:
    fetch, gather, spaced, fold, fma, add_products = _fetch, _gather, _spaced, _fold, _fma, _add_products
