"""Moves between memory and registers that are more than a load or a store."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from clearprop.engines.compiled.lanes import (
    FLOATS,
    INTERPRETED,
    call_llvm,
    count,
    element,
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


@intrinsic
def _gather(typing: Any, array: Any, rows: Any, first: Any, step: Any, column: Any, like: Any) -> Any:
    kind = FLOATS[like.dtype]

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, rows, first, step, column, _ = arguments
        vector = vector_type(context, kind)
        n, given = vector.count, context.get_value_type(signature.args[0].dtype)
        indices = ir.VectorType(ir.IntType(64), n)
        size = given.get_abi_size(context.target_data)
        base = builder.ptrtoint(builder.gep(array, [column]), ir.IntType(64))
        bytes_a_row = spread(builder, indices, builder.mul(step, step.type(size)))
        begin = builder.mul(load_vector(builder, builder.gep(rows, [first]), indices), bytes_a_row)
        addresses = builder.add(begin, spread(builder, indices, base))
        pointers = ir.VectorType(given.as_pointer(), n)
        numbers, always = ir.VectorType(given, n), ir.VectorType(ir.IntType(1), n)
        function = ir.FunctionType(numbers, [pointers, ir.IntType(32), always, numbers])
        letter = "i" if isinstance(given, ir.IntType) else "f"
        name = f"llvm.masked.gather.v{n}{letter}{8 * size}.v{n}p0"
        callee = cgutils.get_or_insert_function(builder.module, function, name)
        found = builder.call(
            callee,
            [
                builder.inttoptr(addresses, pointers),
                ir.IntType(32)(size),
                ir.Constant(always, [1] * n),
                ir.Constant(numbers, ir.Undefined),
            ],
        )
        return found if given == vector.element else builder.sitofp(found, vector)

    return kind(array, rows, types.intp, types.intp, types.intp, like), generate


@intrinsic
def _fold(typing: Any, array: Any, start: Any) -> Any:
    kind = FLOATS[array.dtype]

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = vector_type(context, kind)
        pointer = element(context, builder, signature.args[0], *arguments)
        number = ir.IntType(32)
        evens, odds = (ir.Constant(ir.VectorType(number, vector.count), list(range(k, 2 * vector.count, 2))) for k in (0, 1))
        registers = [
            load_vector(builder, builder.gep(pointer, [number(k * vector.count)]), vector) for k in range(vector.count)
        ]
        while len(registers) > 1:  # neighbours are added, in two registers at once: half as many remain
            pairs = zip(registers[::2], registers[1::2], strict=True)
            registers = [
                builder.fadd(builder.shuffle_vector(x, y, evens), builder.shuffle_vector(x, y, odds)) for x, y in pairs
            ]
        return registers[0]

    return kind(array, types.intp), generate


@intrinsic
def _fma(typing: Any, x: Any, y: Any, z: Any) -> Any:
    return x(x, x, x), lambda context, builder, signature, arguments: call_llvm(builder, "fma", list(arguments))


if INTERPRETED:

    def fetch(array: Any, index: int) -> None:
        """Ask for what lies at array[index], which will be needed soon."""

    def gather(array: Any, rows: Any, first: int, step: int, column: int, like: Any) -> Any:
        """A column of a table, for as many rows as a register has lanes, as floats of the dtype of `like`.

        The rows are rows[first], rows[first + 1], ...; each has `step` numbers.
        """
        return array[rows[first : first + count(like.dtype)] * step + column].astype(like.dtype)

    def fold(array: Any, start: int) -> Any:
        """The sum of each of the registers at array[start], as many as a register has lanes, in one register."""
        n = count(array.dtype)
        return array[start : start + n * n].reshape(n, n).sum(axis=1)

    def fma(x: Any, y: Any, z: Any) -> Any:
        """x * y + z."""
        return x * y + z

else:
    fetch, gather, fold, fma = _fetch, _gather, _fold, _fma
