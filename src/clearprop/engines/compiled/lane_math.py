"""Mathematics on registers: what the functions of NumPy stand for inside the kernel.

The element-wise functions of `nn` and `optim`, and those of a person's own activations, are compiled with these in the place of
NumPy's. A processor knows +, *, / and the square root; exp, tanh and log are made of them here, to the last bit or two of the
dtype.
"""

from __future__ import annotations

import builtins
import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from clearprop.engines.compiled.compiler.primitives import instruction, substitute
from clearprop.engines.compiled.compiler.values import Value
from clearprop.engines.compiled.lane_bits import (
    as_register,
    magnitude,
    polynomial,
    power_of_two,
    split_exponent,
    square_root,
)
from clearprop.engines.compiled.lane_moves import fma
from clearprop.engines.compiled.lanes import fill, first_lane, kind_of, pick

LN_2 = math.log(2)
SQRT_2 = math.sqrt(2)


class Constants(NamedTuple):
    """Constants of exp and log for one dtype.

    Attributes
    ----------
    magic : float
        Adding it to a number leaves the nearest integer, plus the bias of an exponent, in the lowest bits.
    ln2_high, ln2_low : float
        ln 2 in two parts, the first with so few bits that k times it is exact.
    exp_series : tuple of float
        (e^r - 1) / r = 1 + r (1/2! + r/3! + ...), where |r| <= ln(2) / 2.
    log_series : tuple of float
        log m = s (2 + s^2 (2/3 + 2/5 s^2 + ...)), s = (m - 1) / (m + 1), where s^2 < 0.0295.
    tiny : float
        The smallest normal number.
    low, high : float
        exp of less is 0, of more infinite: half a power of two has become 0, and its double infinite.
    """

    magic: float
    ln2_high: float
    ln2_low: float
    exp_series: tuple[float, ...]
    log_series: tuple[float, ...]
    tiny: float
    low: float
    high: float


def economised(series: list[float], low: float, high: float, n: int) -> tuple[float, ...]:
    """n coefficients that stand for a longer power series on an interval.

    The polynomial equals the series at Chebyshev's points, so that its greatest error is close to the least possible; a
    series that is cut off wastes terms on being exact in the middle (Trefethen, Approximation Theory and Approximation
    Practice, chapters 2 and 16).
    """
    found = np.polynomial.Chebyshev.interpolate(np.polynomial.Polynomial(series), n - 1, domain=[low, high])
    return tuple(float(c) for c in found.convert(kind=np.polynomial.Polynomial).coef)


@cache
def constants(dtype: str) -> Constants:
    """The constants for float32 or float64."""
    single = dtype == "float32"
    exp_rest = economised([1 / math.factorial(k + 2) for k in range(16)], -LN_2 / 2, LN_2 / 2, 5 if single else 10)
    log_rest = economised([2 / (2 * k + 3) for k in range(16)], 0.0, 0.0295, 3 if single else 7)
    ln2 = (0.693359375, -2.12194440e-4) if single else (0.693145751953125, 1.42860682030941723212e-6)
    return Constants(
        1.5 * 2.0**23 + 127 if single else 1.5 * 2.0**52 + 1023, *ln2, (1.0, *exp_rest), (2.0, *log_rest),
        float(np.finfo(dtype).tiny), *((-87.4, 89.0) if single else (-708.5, 710.0)),
    )  # fmt: skip


def constants_of(x: Any) -> Constants:
    """The constants for the dtype of a register."""
    return constants(x.dtype.name)


@instruction(constants_of)
def _constants_of(builder: Any, x: Value) -> Constants:
    return constants(kind_of(x).scalar.name)


def split_exp(x: Any, c: Constants) -> tuple[Any, Any]:
    """k, shifted into the lowest bits, and e of exp(x) = 2^k (1 + e)."""
    shifted = fma(x, 1 / LN_2, c.magic)
    k = shifted - c.magic
    r = fma(k, -c.ln2_low, fma(k, -c.ln2_high, x))
    return shifted, polynomial(r, c.exp_series) * r


def within(x: Any, low: float, high: float) -> Any:
    """x, moved to the nearest bound where it lies outside."""
    return pick(x < low, low, pick(x > high, high, x))


@substitute(np.exp)
def exp(x: Any) -> Any:
    """e^x, element-wise; by way of half of it, since 2^k can overflow where 2^k (1 + e) does not."""
    c = constants_of(x)
    k, e = split_exp(within(x, c.low, c.high), c)
    half = power_of_two(k - 1.0)
    return 2.0 * fma(half, e, half)


@substitute(np.expm1)
def expm1(x: Any) -> Any:
    """e^x - 1, element-wise, exact also for small x; 2^k e + (2^k - 1) loses nothing while 2^k does not overflow."""
    c = constants_of(x)
    k, e = split_exp(within(x, c.low, c.high - 1.0), c)
    power = power_of_two(k)
    return pick(x > c.high - 1.0, np.inf, fma(power, e, power - 1.0))


@substitute(np.tanh)
def tanh(x: Any) -> Any:
    """Hyperbolic tangent, element-wise.

    With d = exp(2x) - 1, which loses nothing for small x, tanh x = d / (d + 2). Beyond 20, tanh is 1.
    """
    c = constants_of(x)
    bounded = within(x, -20.0, 20.0)
    k, e = split_exp(bounded + bounded, c)
    power = power_of_two(k)
    d = fma(power, e, power - 1.0)
    return d / (d + 2.0)


def log_register(x: Any) -> Any:
    """Natural logarithm of a register; -inf at 0 and NaN below."""
    c = constants_of(x)
    mantissa, exponent = split_exponent(x)
    large = mantissa > SQRT_2
    m = pick(large, mantissa * 0.5, mantissa)
    k = exponent + large
    s = (m - 1.0) / (m + 1.0)
    y = k * c.ln2_high + (polynomial(s * s, c.log_series) * s + k * c.ln2_low)
    return pick(x < np.inf, pick(x < c.tiny, pick(x < 0.0, np.nan, -np.inf), y), x)


@substitute(np.log)
def log(x: Any) -> Any:
    """Natural logarithm, element-wise; -inf at 0 and NaN below."""
    return log_register(x)


@substitute(math.log)
def log_of_number(x: Any) -> Any:
    """Natural logarithm of one number."""
    return first_lane(log_register(as_register(x)))


@substitute(np.log1p)
def log1p(x: Any) -> Any:
    """log(1 + x), element-wise, exact also for small x: the rounding error of u = 1 + x is undone by x / (u - 1)."""
    u = 1.0 + x
    d = u - 1.0
    return pick(d, log_register(u) * (x / pick(d, d, 1.0)), x)


@substitute(np.logaddexp)
def logaddexp(x: Any, y: Any) -> Any:
    """log(e^x + e^y), element-wise, without overflow."""
    return maximum(x, y) + log1p(exp(-magnitude(x - y)))


@substitute(np.sqrt)
def sqrt(x: Any) -> Any:
    """Square root, element-wise."""
    return square_root(x)


@substitute(np.abs, np.fabs, builtins.abs)
def absolute(x: Any) -> Any:
    """Absolute value, element-wise."""
    return magnitude(x)


def is_constant(x: Any) -> bool:
    """Whether a number is known while compiling, and so is not NaN."""
    return not isinstance(x, Value)


@instruction(is_constant)
def _is_constant(builder: Any, x: Any) -> bool:
    return is_constant(x)


@substitute(np.maximum)
def maximum(x: Any, y: Any) -> Any:
    """The larger of two, element-wise; NaN if one is."""
    return pick(x < y, y, x) if is_constant(y) else pick(x < y, y, pick(y != y, y, x))


@substitute(np.minimum)
def minimum(x: Any, y: Any) -> Any:
    """The smaller of two, element-wise; NaN if one is."""
    return pick(x > y, y, x) if is_constant(y) else pick(x > y, y, pick(y != y, y, x))


@substitute(np.clip)
def clip(x: Any, low: Any, high: Any) -> Any:
    """x, moved to the nearest bound, element-wise."""
    return within(x, low, high)


@substitute(np.where)
def where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, else y, element-wise."""
    return pick(condition, x, y)


@substitute(np.sign)
def sign(x: Any) -> Any:
    """-1, 0 or 1, element-wise; NaN if x is."""
    return pick(x != x, x, (x > 0.0) - (x < 0.0))


@substitute(np.square)
def square(x: Any) -> Any:
    """x^2, element-wise."""
    return x * x


@substitute(np.negative)
def negative(x: Any) -> Any:
    """-x, element-wise."""
    return -x


@substitute(np.reciprocal)
def reciprocal(x: Any) -> Any:
    """1 / x, element-wise."""
    return 1.0 / x


@substitute(np.cosh)
def cosh(x: Any) -> Any:
    """Hyperbolic cosine, element-wise."""
    half = 0.5 * exp(magnitude(x))
    return half + 0.25 / half


@substitute(np.sinh)
def sinh(x: Any) -> Any:
    """Hyperbolic sine, element-wise: with d = e^|x| - 1, it is (d + d / (d + 1)) / 2, with the sign of x."""
    d = expm1(magnitude(x))
    return sign(x) * 0.5 * pick(d < np.inf, d + d / (d + 1.0), d)


@substitute(np.zeros_like)
def zeros_like(x: Any) -> Any:
    """0 in every lane."""
    return fill(x, 0.0)


@substitute(np.ones_like)
def ones_like(x: Any) -> Any:
    """1 in every lane."""
    return fill(x, 1.0)
