"""Mathematics on registers: the functions that `np` stands for inside the compiled engine.

The element-wise functions of `nn` and `optim` are compiled with this module in the place of NumPy (`compile_elementwise`). A
processor knows +, *, / and the square root; exp, tanh and log are made of them here, to the last bit or two of the dtype.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload, register_jitable

from clearprop.engines.compiled.lane_bits import abs_lanes, polynomial, power_of_two, split_exponent, sqrt_lanes
from clearprop.engines.compiled.lane_moves import fma
from clearprop.engines.compiled.lanes import INTERPRETED, Lanes, fill, pick

LN_2 = math.log(2)
SQRT_2 = math.sqrt(2)


def exp(x: Any) -> Any:
    """e^x, element-wise."""
    return np.exp(x)


def tanh(x: Any) -> Any:
    """Hyperbolic tangent, element-wise."""
    return np.tanh(x)


def log(x: Any) -> Any:
    """Natural logarithm, element-wise; -inf at 0 and NaN below."""
    return np.log(x)


def log1p(x: Any) -> Any:
    """log(1 + x), element-wise, exact also for small x."""
    return np.log1p(x)


def sqrt(x: Any) -> Any:
    """Square root, element-wise."""
    return np.sqrt(x)


def abs(x: Any) -> Any:
    """Absolute value, element-wise."""
    return np.abs(x)


def maximum(x: Any, y: Any) -> Any:
    """The larger of two, element-wise; NaN if x is."""
    return np.maximum(x, y)


def compile_elementwise(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of `nn` or `optim`, compiled for registers: the same code, with this module in the place of NumPy."""
    if INTERPRETED or not isinstance(function, FunctionType):
        return function
    namespace = {**function.__globals__, "np": sys.modules[__name__]}
    return njit(inline="never")(FunctionType(function.__code__, namespace, function.__name__, function.__defaults__))


def economised(series: list[float], low: float, high: float, n: int) -> list[float]:
    """n coefficients that stand for a longer power series on an interval.

    The polynomial equals the series at Chebyshev's points, so that its greatest error is close to the least possible; a
    series that is cut off wastes terms on being exact in the middle (Trefethen, Approximation Theory and Approximation
    Practice, chapters 2 and 16).
    """
    found = np.polynomial.Chebyshev.interpolate(np.polynomial.Polynomial(series), n - 1, domain=[low, high])
    return [float(c) for c in found.convert(kind=np.polynomial.Polynomial).coef]


def _parts(scalar: Any) -> tuple[Any, Any]:
    """For registers of one dtype: the parts k and e of exp(x) = 2^k (1 + e), k as `power_of_two` takes it; and log(x)."""
    single = scalar == types.float32
    # Adding 1.5 * 2^23 (2^52) to a number leaves the nearest integer in its lowest bits; there it gets the bias as well.
    magic = 1.5 * 2.0**23 + 127 if single else 1.5 * 2.0**52 + 1023
    # ln 2 in two parts, the first with so few bits that k times it is exact.
    ln2_high, ln2_low = (0.693359375, -2.12194440e-4) if single else (0.693145751953125, 1.42860682030941723212e-6)
    # (e^r - 1) / r = 1 + r (1/2! + r/3! + ...), where |r| <= ln(2) / 2
    rest = economised([1 / math.factorial(k + 2) for k in range(16)], -LN_2 / 2, LN_2 / 2, 5 if single else 10)
    series = polynomial([1.0, *rest])
    # log m = s (2 + s^2 (2/3 + 2/5 s^2 + ...)), s = (m - 1) / (m + 1), where s^2 < 0.0295
    rest = economised([2 / (2 * k + 3) for k in range(16)], 0.0, 0.0295, 3 if single else 7)
    odd_series = polynomial([2.0, *rest])
    info = np.finfo("float32" if single else "float64")
    tiny = float(info.tiny)

    @register_jitable
    def split_exp(x: Any) -> Any:
        shifted = fma(x, fill(x, 1 / LN_2), fill(x, magic))
        k = shifted - magic
        r = fma(k, fill(x, -ln2_low), fma(k, fill(x, -ln2_high), x))
        return shifted, series(r) * r

    @register_jitable
    def log_lanes(x: Any) -> Any:
        m, k = split_exponent(x)
        large = m > SQRT_2
        m = pick(large, m * 0.5, m)
        k = k + large
        s = (m - 1.0) / (m + 1.0)
        y = k * ln2_high + (odd_series(s * s) * s + k * ln2_low)
        y = pick(x < tiny, pick(x < 0.0, fill(x, np.nan), fill(x, -np.inf)), y)
        return pick(x < np.inf, y, x)

    return split_exp, log_lanes


_PARTS = {scalar: _parts(scalar) for scalar in (types.float32, types.float64)}
# What lies outside is moved to these bounds, where half a power of two has become 0, and where its double is infinite.
_RANGE = {types.float32: (-87.4, 89.0), types.float64: (-708.5, 710.0)}


@overload(exp, strict=False)
def _exp(x: Any) -> Any:
    if not isinstance(x, Lanes):
        return None
    split_exp, _ = _PARTS[x.scalar]
    low, high = _RANGE[x.scalar]

    def on_lanes(x: Any) -> Any:
        # By way of half of it, since 2^k itself can overflow where 2^k (1 + e) does not.
        k, e = split_exp(pick(x < low, fill(x, low), pick(x > high, fill(x, high), x)))
        half = power_of_two(k - 1.0)
        return 2.0 * fma(half, e, half)

    return on_lanes


@overload(tanh, strict=False)
def _tanh(x: Any) -> Any:
    if not isinstance(x, Lanes):
        return None
    split_exp, _ = _PARTS[x.scalar]

    def on_lanes(x: Any) -> Any:
        # With d = exp(2x) - 1, which loses nothing for small x, tanh x = d / (d + 2). Beyond 20, tanh is 1.
        x = pick(x < -20.0, fill(x, -20.0), pick(x > 20.0, fill(x, 20.0), x))
        k, e = split_exp(x + x)
        power = power_of_two(k)
        d = fma(power, e, power - 1.0)
        return d / (d + 2.0)

    return on_lanes


@overload(log, strict=False)
def _log(x: Any) -> Any:
    if not isinstance(x, Lanes):
        return None
    _, log_lanes = _PARTS[x.scalar]
    return lambda x: log_lanes(x)


@overload(log1p, strict=False)
def _log1p(x: Any) -> Any:
    if not isinstance(x, Lanes):
        return None
    _, log_lanes = _PARTS[x.scalar]

    def on_lanes(x: Any) -> Any:
        # The rounding error of u = 1 + x is undone by the factor x / (u - 1).
        u = 1.0 + x
        d = u - 1.0
        return pick(d, log_lanes(u) * (x / pick(d, d, fill(x, 1.0))), x)

    return on_lanes


@overload(sqrt, strict=False)
def _sqrt(x: Any) -> Any:
    return (lambda x: sqrt_lanes(x)) if isinstance(x, Lanes) else None


@overload(abs, strict=False)
def _abs(x: Any) -> Any:
    return (lambda x: abs_lanes(x)) if isinstance(x, Lanes) else None


@overload(maximum, strict=False)
def _maximum(x: Any, y: Any) -> Any:
    if not isinstance(x, Lanes):
        return None
    return lambda x, y: pick(x < y, fill(x, 0.0) + y, x)
