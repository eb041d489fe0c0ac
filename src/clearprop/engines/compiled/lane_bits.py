"""Operations on the bits of floating-point numbers, and polynomials: the parts of exp and log."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from clearprop.engines.compiled.lanes import call_llvm, spread, vector_type


@intrinsic
def power_of_two(typing: Any, shifted: Any) -> Any:
    """2^k, whose exponent field, k + bias, stands in the lowest bits of `shifted`, k + the `magic` of `lane_math`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = vector_type(context, signature.args[0])
        bits, mantissa = (32, 23) if isinstance(vector.element, ir.FloatType) else (64, 52)
        integers = ir.VectorType(ir.IntType(bits), vector.count)
        biased = builder.bitcast(arguments[0], integers)
        return builder.bitcast(builder.shl(biased, ir.Constant(integers, [mantissa] * vector.count)), vector)

    return shifted(shifted), generate


@intrinsic
def split_exponent(typing: Any, x: Any) -> Any:
    """(m, k) with x = m 2^k and 1 <= m < 2, for a positive, normal x; k as a float."""
    pair = types.UniTuple(x, 2)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = vector_type(context, signature.args[0])
        bits, mantissa, bias = (32, 23, 127) if isinstance(vector.element, ir.FloatType) else (64, 52, 1023)
        integers = ir.VectorType(ir.IntType(bits), vector.count)

        def constant(value: int) -> Any:
            return ir.Constant(integers, [value] * vector.count)

        raw = builder.bitcast(arguments[0], integers)
        k = builder.sub(builder.lshr(raw, constant(mantissa)), constant(bias))
        m = builder.or_(builder.and_(raw, constant((1 << mantissa) - 1)), constant(bias << mantissa))
        values = [builder.bitcast(m, vector), builder.sitofp(k, vector)]
        return context.make_tuple(builder, pair, values)

    return pair(x), generate


def _unary(name: str) -> Any:
    @intrinsic
    def function(typing: Any, x: Any) -> Any:
        return x(x), lambda context, builder, signature, arguments: call_llvm(builder, name, [arguments[0]])

    return function


sqrt_lanes, abs_lanes = _unary("sqrt"), _unary("fabs")


def polynomial(coefficients: list[float]) -> Any:
    """The function x -> c0 + c1 x + c2 x^2 + ... of a register, by Horner's rule."""

    @intrinsic
    def function(typing: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            vector = vector_type(context, signature.args[0])
            terms = [spread(builder, vector, ir.Constant(vector.element, c)) for c in reversed(coefficients)]
            value = terms[0]
            for term in terms[1:]:
                value = call_llvm(builder, "fma", [value, arguments[0], term])
            return value

        return x(x), generate

    return function
