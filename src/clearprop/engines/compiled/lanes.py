"""Lanes: a vector register as a Numba type.

A processor adds or multiplies 4 to 16 numbers in one instruction, if the code says so. Here it says so itself: a `Lanes` value
holds as many numbers as one register, `load` and `store` move them, and the operators +, -, *, / and > work on all of them at
once. Since `nn` and `optim` write their element-wise functions with these same operators, the compiler accepts them as they
stand.

A load through a `wide` pointer fills two registers at once. The code is the same, with half as many loops; and while a long
calculation in one register waits for its own results, that in the other goes on.

With ``NUMBA_DISABLE_JIT=1`` nothing is compiled, a short NumPy array plays the part of the register, and the same code runs
under a debugger.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import config, njit, types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

INTERPRETED = bool(config.DISABLE_JIT)
# A register is 64 bytes with AVX-512, 32 with AVX2, and 16 elsewhere (NEON).
_FEATURES = binding.get_host_cpu_features()
BYTES = 64 if _FEATURES.get("avx512f") else 32 if _FEATURES.get("avx2") else 16
# Rows and registers of the tiles of a matrix product. The largest has as many sums as the register file holds beside a row of
# registers; the smaller ones are for the rows that are left over.
TILE_ROWS, TILE_LANES = ((6, 3, 2, 1), 2) if BYTES == 32 else ((8, 4, 2, 1), 3)

WIDEST = 2  # registers that are treated as one

expanded = njit(forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""A function that is compiled into the place where it is called: a call would cost as much as a small layer."""


class Lanes(types.Type):
    """One register of floating-point numbers, or two that are treated as one."""

    def __init__(self, scalar: types.Float, registers: int = 1) -> None:
        self.scalar = scalar
        self.count = registers * BYTES * 8 // scalar.bitwidth
        super().__init__(name=f"Lanes({scalar} x {self.count})")


class WidePointer(types.CPointer):
    """Pointer to numbers that are loaded two registers at a time."""

    def __init__(self, dtype: types.Float) -> None:
        super().__init__(dtype)
        self.name = f"wide pointer to {dtype}"


register_model(WidePointer)(models.PointerModel)


def kind_of(like: Any) -> Lanes:
    """The register type of loads from an array or through a pointer, and of calculations with a register."""
    return like if isinstance(like, Lanes) else Lanes(like.dtype, WIDEST if isinstance(like, WidePointer) else 1)


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    """A register as LLVM sees it: a vector."""

    def __init__(self, manager: Any, kind: Lanes) -> None:
        scalar = manager.lookup(kind.scalar).get_value_type()
        super().__init__(manager, kind, ir.VectorType(scalar, kind.count))


def count(dtype: Any) -> int:
    """Number of values of a dtype in a register."""
    return BYTES // np.dtype(dtype).itemsize


def vector_type(context: Any, kind: Lanes) -> ir.VectorType:
    """The LLVM type of a register."""
    return ir.VectorType(context.get_value_type(kind.scalar), kind.count)


def element(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """Pointer to array[index], of a pointer or of a one-dimensional, contiguous array."""
    start = array if isinstance(array_type, types.CPointer) else context.make_array(array_type)(context, builder, array).data
    return builder.gep(start, [index])


def load_vector(builder: Any, pointer: Any, vector: ir.VectorType) -> Any:
    """The register full of numbers that begins at a pointer, which need not be aligned."""
    value = builder.load(builder.bitcast(pointer, vector.as_pointer()))
    value.align = 4
    return value


def store_vector(builder: Any, pointer: Any, value: Any) -> None:
    """Write a register to where a pointer points."""
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer())).align = 4


def spread(builder: Any, vector: ir.VectorType, scalar: Any) -> Any:
    """One number in every lane."""
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, undefined, zeros)


def call_llvm(builder: Any, name: str, arguments: list[Any]) -> Any:
    """Call LLVM's own function `name` for vectors, such as llvm.sqrt."""
    vector = arguments[0].type
    bits = 32 if isinstance(vector.element, ir.FloatType) else 64
    kind = ir.FunctionType(vector, [vector] * len(arguments))
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{vector.count}f{bits}")
    return builder.call(function, arguments)


@intrinsic
def _pointer(typing: Any, array: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, arguments[0]).data

    return types.CPointer(array.dtype)(array), generate


def _pointer_type(name: str, number: Any) -> Any:
    @intrinsic
    def function(typing: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(number).as_pointer(), name)

        return types.CPointer(number)(types.int64), generate

    return function


_integers_at, _doubles_at = _pointer_type("integers", types.int64), _pointer_type("doubles", types.float64)


@intrinsic
def _floats_at(typing: Any, address: Any, like: Any) -> Any:
    kind = like if isinstance(like, types.CPointer) else types.CPointer(like.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(kind))

    return kind(address, like), generate


@intrinsic
def _wide(typing: Any, pointer: Any) -> Any:
    return WidePointer(pointer.dtype)(pointer), lambda context, builder, signature, arguments: arguments[0]


@intrinsic
def _lanes_of(typing: Any, like: Any) -> Any:
    """Number of lanes, as a constant: the trip count of a loop over registers is then found without a division."""
    return types.intp(like), lambda context, builder, signature, arguments: ir.Constant(
        ir.IntType(types.intp.bitwidth), kind_of(like).count
    )


@intrinsic
def _load(typing: Any, array: Any, index: Any) -> Any:
    kind = kind_of(array)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = element(context, builder, signature.args[0], *arguments)
        return load_vector(builder, pointer, vector_type(context, kind))

    return kind(array, types.intp), generate


@intrinsic
def _store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        store_vector(builder, element(context, builder, signature.args[0], *arguments[:2]), arguments[2])
        return context.get_dummy_value()

    return types.void(array, types.intp, kind_of(array)), generate


@intrinsic
def _fill(typing: Any, array: Any, number: Any) -> Any:
    kind = kind_of(array)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        scalar = context.cast(builder, arguments[1], signature.args[1], kind.scalar)
        return spread(builder, vector_type(context, kind), scalar)

    return kind(array, number), generate


def _reduction(name: str, first: float | None = None) -> Any:
    """One number made of all lanes, with LLVM's own function; addition takes a first summand, and any order of the others."""

    @intrinsic
    def function(typing: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            vector = vector_type(context, signature.args[0])
            bits = 32 if isinstance(vector.element, ir.FloatType) else 64
            given = [*([] if first is None else [ir.Constant(vector.element, first)]), arguments[0]]
            kind = ir.FunctionType(vector.element, [argument.type for argument in given])
            full_name = f"llvm.vector.reduce.{name}.v{vector.count}f{bits}"
            callee = cgutils.get_or_insert_function(builder.module, kind, full_name)
            return builder.call(callee, given, fastmath=("nnan",) if first is None else ("reassoc",))

        return x.scalar(x), generate

    return function


_total, _largest, _smallest = _reduction("fadd", -0.0), _reduction("fmax"), _reduction("fmin")


@intrinsic
def _numbers(typing: Any, like: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = vector_type(context, signature.return_type)
        return ir.Constant(vector, [float(i) for i in range(vector.count)])

    return kind_of(like)(like), generate


@intrinsic
def _pick(typing: Any, condition: Any, x: Any, y: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        zero = ir.Constant(vector_type(context, signature.args[0]), None)
        return builder.select(builder.fcmp_ordered("!=", arguments[0], zero), arguments[1], arguments[2])

    return x(condition, x, x), generate


def _define_operator(symbol: Any, instruction: str) -> None:
    """Let a Python operator stand for one instruction on registers; a plain number goes into every lane."""

    @intrinsic
    def both(typing: Any, x: Any, y: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            if instruction not in (">", "<", "=="):
                return getattr(builder, instruction)(*arguments)
            vector = vector_type(context, signature.args[0])
            one = spread(builder, vector, ir.Constant(vector.element, 1.0))
            return builder.select(builder.fcmp_ordered(instruction, *arguments), one, ir.Constant(vector, None))

        return x(x, x), generate

    @overload(symbol, strict=False)
    def on_lanes(x: Any, y: Any) -> Any:
        if isinstance(x, Lanes) and isinstance(y, Lanes):
            return lambda x, y: both(x, y)
        if isinstance(x, Lanes) and isinstance(y, (types.Float, types.Integer)):
            return lambda x, y: both(x, _fill(x, y))
        if isinstance(y, Lanes) and isinstance(x, (types.Float, types.Integer)):
            return lambda x, y: both(_fill(y, x), y)
        return None


for _symbol, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
    (operator.gt, ">"),
    (operator.lt, "<"),
    (operator.eq, "=="),
):
    _define_operator(_symbol, _instruction)


@overload(operator.neg, strict=False)
def _negative(x: Any) -> Any:
    if isinstance(x, Lanes):
        return lambda x: _fill(x, -1.0) * x
    return None


if INTERPRETED:

    def pointer(array: Any) -> Any:
        """Pointer to the first number of an array: cheaper to pass around than the array, and indexed like it."""
        return array.reshape(-1)

    def address_of(array: Any) -> Any:
        """Address of an array, as a number: whatever the array's flags, the kernel is then compiled only once."""
        return array

    def wide(pointer: Any) -> Any:
        """The same pointer, through which two registers are loaded at once; here, where it would gain nothing, one."""
        return pointer

    def floats_at(address: Any, like: Any) -> Any:
        """The array that lies there, of the dtype of `like`; a wide pointer, if `like` is one."""
        return address.reshape(-1)

    def doubles_at(address: Any) -> Any:
        """The array of float64 that lies there."""
        return address.reshape(-1)

    def integers_at(address: Any) -> Any:
        """The array of int64 that lies there."""
        return address.reshape(-1)

    def lanes_of(array: Any) -> int:
        """Number of values that are loaded at once."""
        return count(array.dtype)

    def load(array: Any, index: int) -> Any:
        """The register full of numbers that begins at array[index]."""
        return array[index : index + count(array.dtype)].copy()

    def store(array: Any, index: int, value: Any) -> None:
        """Write a register to array[index] and what follows it."""
        array[index : index + count(array.dtype)] = value

    def fill(like: Any, number: Any) -> Any:
        """`number` in every lane, for the dtype of an array or of a register."""
        return np.full(count(like.dtype), number, like.dtype)

    def total(x: Any) -> Any:
        """The sum of all lanes."""
        return x.sum()

    def largest(x: Any) -> Any:
        """The largest number of all lanes."""
        return x.max()

    def smallest(x: Any) -> Any:
        """The smallest number of all lanes."""
        return x.min()

    def numbers(like: Any) -> Any:
        """0, 1, 2, ..."""
        return np.arange(count(like.dtype)).astype(like.dtype)

    def pick(condition: Any, x: Any, y: Any) -> Any:
        """In each lane, x where the condition is not zero, else y."""
        return np.where(condition != 0, x, y).astype(x.dtype)

else:

    def address_of(array: Any) -> Any:
        """Address of an array, as a number: whatever the array's flags, the kernel is then compiled only once."""
        return array.__array_interface__["data"][0]

    floats_at, doubles_at, integers_at = _floats_at, _doubles_at, _integers_at
    pointer, wide, lanes_of, load, store, fill, pick = _pointer, _wide, _lanes_of, _load, _store, _fill, _pick
    total, largest, smallest, numbers = _total, _largest, _smallest, _numbers
