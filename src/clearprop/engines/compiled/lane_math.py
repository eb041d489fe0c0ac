"""Mathematics on registers: what `np` means inside the compiled engine.

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

LOG2_E = 1 / math.log(2)
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
    if INTERPRETED:
        return function
    assert isinstance(function, FunctionType)
    namespace = {**function.__globals__, "np": sys.modules[__name__]}
    return njit(inline="never")(FunctionType(function.__code__, namespace, function.__name__, function.__defaults__))


def _parts(scalar: Any) -> tuple[Any, Any]:
    """For registers of one dtype: exp(x) as h and e with exp(x) = 2 h (1 + e), and log(x).

    h is half a power of two, since 2^k itself can overflow where 2^k (1 + e) does not.
    """
    single = scalar == types.float32
    # Adding 1.5 * 2^23 (2^52) to a number leaves the nearest integer in its lowest bits.
    magic = 1.5 * 2.0 ** (23 if single else 52)
    # ln 2 in two parts, the first with so few bits that k times it is exact.
    ln2_high, ln2_low = (0.693359375, -2.12194440e-4) if single else (0.693145751953125, 1.42860682030941723212e-6)
    # (e^r - 1) / r = 1 + r/2 + r^2/6 + ..., where |r| <= ln(2) / 2: the first term left out is below rounding.
    series = polynomial([1 / math.factorial(k + 1) for k in range(8 if single else 14)])
    # log m = 2 s (1 + s^2/3 + s^4/5 + ...), s = (m - 1) / (m + 1), where |s| < 0.172.
    odd_series = polynomial([2 / (2 * k + 1) for k in range(6 if single else 12)])
    info = np.finfo("float32" if single else "float64")
    tiny = float(info.tiny)

    @register_jitable
    def split_exp(x: Any) -> Any:
        shifted = fma(x, fill(x, LOG2_E), fill(x, magic))
        k = shifted - magic
        r = fma(k, fill(x, -ln2_low), fma(k, fill(x, -ln2_high), x))
        return power_of_two(shifted - 1.0), series(r) * r

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
        half, e = split_exp(pick(x < low, fill(x, low), pick(x > high, fill(x, high), x)))
        return 2.0 * fma(half, e, half)

    return on_lanes


@overload(tanh, strict=False)
def _tanh(x: Any) -> Any:
    if not isinstance(x, Lanes):
        return None
    split_exp, _ = _PARTS[x.scalar]

    def on_lanes(x: Any) -> Any:
        # With d = exp(2|x|) - 1, which loses nothing for small x, tanh |x| = d / (d + 2). Beyond 20, tanh is 1.
        y = abs_lanes(x)
        half, e = split_exp(2.0 * pick(y > 20.0, fill(x, 20.0), y))
        d = fma(half + half, e, 2.0 * half - 1.0)
        t = d / (d + 2.0)
        return pick(x < 0.0, 0.0 - t, t)

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
