"""Operations on the bits of floating-point numbers: the parts of exp and log. Only compiled code uses them."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from clearprop.engines.compiled.compiler.primitives import call_llvm, instruction
from clearprop.engines.compiled.compiler.values import FLOAT64, Lanes, Number, Value, cast
from clearprop.engines.compiled.lane_moves import multiply_add
from clearprop.engines.compiled.lanes import BYTES, kind_of


def power_of_two(shifted: Any) -> Any:
    """2^k, whose exponent field, k + bias, stands in the lowest bits of `shifted`, k + the `magic` of `lane_math`."""
    raise NotImplementedError("compiled only")


@instruction(power_of_two)
def _power_of_two(builder: Any, shifted: Value) -> Value:
    kind = kind_of(shifted)
    bits, mantissa, _ = _layout(kind)
    integers = ir.VectorType(ir.IntType(bits), kind.count)
    biased = builder.bitcast(shifted.ir, integers)
    moved = builder.shl(biased, ir.Constant(integers, [mantissa] * kind.count))
    return Value(kind, builder.bitcast(moved, kind.ir_type))


def split_exponent(x: Any) -> Any:
    """(m, k) with x = m 2^k and 1 <= m < 2, for a positive, normal x; k as a float."""
    raise NotImplementedError("compiled only")


@instruction(split_exponent)
def _split_exponent(builder: Any, x: Value) -> tuple[Value, Value]:
    kind = kind_of(x)
    bits, mantissa, bias = _layout(kind)
    integers = ir.VectorType(ir.IntType(bits), kind.count)

    def constant(value: int) -> Any:
        return ir.Constant(integers, [value] * kind.count)

    raw = builder.bitcast(x.ir, integers)
    k = builder.sub(builder.lshr(raw, constant(mantissa)), constant(bias))
    m = builder.or_(builder.and_(raw, constant((1 << mantissa) - 1)), constant(bias << mantissa))
    return Value(kind, builder.bitcast(m, kind.ir_type)), Value(kind, builder.sitofp(k, kind.ir_type))


def _layout(kind: Lanes) -> tuple[int, int, int]:
    """Bits of a number, bits of its mantissa, and bias of its exponent."""
    return (32, 23, 127) if isinstance(kind.scalar.ir_type, ir.FloatType) else (64, 52, 1023)


def square_root(x: Any) -> Any:
    """The square root of each lane."""
    raise NotImplementedError("compiled only")


def magnitude(x: Any) -> Any:
    """Each lane without its sign."""
    raise NotImplementedError("compiled only")


instruction(square_root)(lambda builder, x: Value(kind_of(x), call_llvm(builder, "sqrt", [x.ir])))
instruction(magnitude)(lambda builder, x: Value(kind_of(x), call_llvm(builder, "fabs", [x.ir])))


def polynomial(x: Any, coefficients: tuple[float, ...]) -> Any:
    """c0 + c1 x + c2 x^2 + ... of a register, by Horner's rule."""
    raise NotImplementedError("compiled only")


@instruction(polynomial)
def _polynomial(builder: Any, x: Value, coefficients: tuple[float, ...]) -> Value:
    kind = kind_of(x)
    terms = [cast(builder, c, kind).ir for c in reversed(coefficients)]
    value = terms[0]
    for term in terms[1:]:
        value = multiply_add(builder, value, x.ir, term)
    return Value(kind, value)


def as_register(x: Any) -> Any:
    """A single number in every lane of a register of doubles; a register as it is."""
    raise NotImplementedError("compiled only")


@instruction(as_register)
def _as_register(builder: Any, x: Value) -> Value:
    return cast(builder, x, Lanes(FLOAT64, BYTES // 8)) if isinstance(x.kind, Number) else x
