"""The mathematics of the compiled kernel: functions of a register, and the matrix product, each compiled on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from tests.support.compiled_functions import compiled, on_registers

from clearprop.engines.compiled import lane_math
from clearprop.engines.compiled.lanes import count
from clearprop.engines.compiled.memory import Floats, Integers
from clearprop.engines.compiled.tile import row_product, sum_product
from clearprop.nn import ReLU, Sigmoid, Tanh


def softplus(z: Any) -> Any:
    return np.logaddexp(0, z)


FUNCTIONS: dict[str, tuple[Callable[..., Any], float, float]] = {
    "exp": (np.exp, -80, 80),
    "exp near 0": (np.exp, -1e-3, 1e-3),
    "expm1": (np.expm1, -10, 80),
    "expm1 near 0": (np.expm1, 1e-9, 1e-3),
    "log": (np.log, 1e-30, 50),
    "log near 1": (np.log, 0.9, 1.1),
    "log1p": (np.log1p, -0.5, 3),
    "log1p near 0": (np.log1p, 1e-9, 1e-6),
    "sqrt": (np.sqrt, 0, 10),
    "cosh": (np.cosh, -10, 10),
    "sinh": (np.sinh, -10, 10),
    "softplus": (softplus, -20, 50),
    "tanh": (Tanh.f, -25, 25),
    "tanh near 0": (Tanh.f, -1e-4, 1e-4),
    "sigmoid": (Sigmoid.f, -80, 80),
    "sigmoid'": (Sigmoid.df, 0, 1),
    "tanh'": (Tanh.df, -0.5, 0.5),
    "relu": (ReLU.f, -1, 1),
    "relu'": (ReLU.df, -1, 1),
}


def ulps(got: np.ndarray, exact: np.ndarray) -> float:
    """The largest error, in units of the last place."""
    size = np.maximum(np.abs(exact), np.finfo(got.dtype).tiny)
    return float(np.max(np.abs(got.astype(np.float64) - exact) / size) / np.finfo(got.dtype).eps)


def exactly(function: Callable[..., Any], x: np.ndarray) -> np.ndarray:
    """The function, in extended precision."""
    return np.asarray(function(x.astype(np.longdouble)), np.float64)


DTYPES = ["float32", "float64"]
COMPOSED = ("log1p", "softplus")  # of a logarithm and what is done to it, each with an error of its own


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_right_to_two_units_in_the_last_place(name: str, dtype: str) -> None:
    function, low, high = FUNCTIONS[name]
    x = np.linspace(low, high, 4096).astype(dtype)
    assert ulps(on_registers(function, x), exactly(function, x)) < (3 if name.startswith(COMPOSED) else 2)


@pytest.fixture
def one_term_less(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every series of `lane_math` with one term less."""
    economised = lane_math.economised
    monkeypatch.setattr(lane_math, "economised", lambda *given: economised(*given[:3], given[3] - 1))
    lane_math.constants.cache_clear()
    yield
    lane_math.constants.cache_clear()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("function", "low", "high"), [(np.exp, -0.35, 0.35), (np.log, 1.02, 1.4), (np.tanh, 0.05, 0.17)])
def test_a_series_one_term_too_short_is_noticed(
    function: Any, low: float, high: float, dtype: str, one_term_less: None
) -> None:
    x = np.linspace(low, high, 4096).astype(dtype)
    assert ulps(on_registers(function, x), exactly(function, x)) > 2


NAN, INF = np.nan, np.inf
SPECIAL = [NAN, INF, -INF, 0, -1, 2000, -2000, 1]
AT_SPECIAL: dict[str, tuple[Callable[..., Any], list[float]]] = {
    "exp": (np.exp, [NAN, INF, 0, 1, np.exp(-1), INF, 0, np.e]),
    "expm1": (np.expm1, [NAN, INF, -1, 0, np.expm1(-1), INF, -1, np.expm1(1)]),
    "log": (np.log, [NAN, INF, NAN, -INF, NAN, np.log(2000), NAN, 0]),
    "sqrt": (np.sqrt, [NAN, INF, NAN, 0, NAN, np.sqrt(2000), NAN, 1]),
    "tanh": (Tanh.f, [NAN, 1, -1, 0, np.tanh(-1), 1, -1, np.tanh(1)]),
    "sigmoid": (Sigmoid.f, [NAN, 1, 0, 0.5, 1 / (1 + np.e), 1, 0, 1 / (1 + np.exp(-1))]),
    "softplus": (softplus, [NAN, INF, 0, np.log(2), np.log1p(1 / np.e), 2000, 0, np.log1p(np.e)]),
    "relu": (ReLU.f, [NAN, INF, 0, 0, 0, 2000, 0, 1]),
    "sign": (np.sign, [NAN, 1, -1, 0, -1, 1, -1, 1]),
    "sinh": (np.sinh, [NAN, INF, -INF, 0, np.sinh(-1), INF, -INF, np.sinh(1)]),
    "cosh": (np.cosh, [NAN, INF, INF, 1, np.cosh(1), INF, INF, np.cosh(1)]),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", AT_SPECIAL)
def test_what_is_not_finite(name: str, dtype: str) -> None:
    function, expected = AT_SPECIAL[name]
    got = on_registers(function, np.array(SPECIAL * 2, dtype))
    np.testing.assert_allclose(got, expected * 2, rtol=1e-6)


@pytest.mark.parametrize(("dtype", "low", "high"), [("float32", -86.5, 88.71), ("float64", -707.0, 709.7)])
def test_exp_is_right_up_to_where_it_overflows(dtype: str, low: float, high: float) -> None:
    x = np.concatenate([np.linspace(low, low + 2, 512), np.linspace(high - 2, high, 512)]).astype(dtype)
    assert ulps(on_registers(np.exp, x), exactly(np.exp, x)) < 2
    beyond = np.linspace(-1000, 1000, 4096).astype(dtype)
    with np.errstate(over="ignore", under="ignore"):
        np.testing.assert_allclose(on_registers(Sigmoid.f, beyond), Sigmoid.f(beyond), rtol=1e-5, atol=1e-37)


# ---------------------------------------------------------------- what an activation may be written with


def inside(z: Any) -> Any:
    return np.where((z > -1) & (z < 1), z, 0.1 * z)


def outside(z: Any) -> Any:
    return np.where((z < -1) | (z > 1), 2.0, -z)


def either_or(z: Any) -> Any:
    return np.where((z > -1) ^ ~(z > 1), 2.0, z)


def without_nan(z: Any) -> Any:
    return np.where(z != z, -3.0, z)


def relu_of_six(z: Any) -> Any:
    return np.minimum(6, np.maximum(0, z))


def largest(z: Any) -> Any:
    return np.maximum(np.minimum(z, 2 - z), -z * z)


def clipped(z: Any) -> Any:
    return np.clip(z, -1, 1) ** 3 + np.square(z) - np.reciprocal(3 + np.zeros_like(z)) * np.ones_like(z)


WRITTEN = [inside, outside, either_or, without_nan, relu_of_six, largest, clipped]


@pytest.mark.parametrize("function", WRITTEN)
@pytest.mark.parametrize("dtype", DTYPES)
def test_expressions_mean_what_they_mean_in_numpy(function: Any, dtype: str) -> None:
    x = np.concatenate([np.linspace(-8, 8, 15), [np.nan]]).astype(dtype)
    np.testing.assert_allclose(on_registers(function, x), function(x), rtol=1e-6)


# ---------------------------------------------------------------- the matrix kernel


def row_products(a: Floats, offsets: Integers, rows: int, b: Floats, width: int, depth: int, c: Floats, bias: Floats) -> None:
    row_product(a, offsets, 0, 0, rows, b, 0, width, depth, c, 0, width, 0, width, 2, 1.0, bias, 0)


def sum_products(a: Floats, offsets: Integers, rows: int, b: Floats, width: int, depth: int, c: Floats, bias: Floats) -> None:
    sum_product(a, offsets, 0, 0, rows, b, 0, width, depth, c, 0, width, 0, width, 1, -0.5, bias, 0)


@pytest.fixture(scope="module", params=DTYPES)
def products(request: Any) -> tuple[str, Callable[..., None], Callable[..., None]]:
    return request.param, compiled(row_products, request.param), compiled(sum_products, request.param)


SHAPES = [(1, 1, 1), (3, 5, 2), (6, 17, 16), (15, 225, 64), (7, 130, 33), (13, 300, 70), (64, 129, 130)]


@pytest.mark.parametrize("shape", SHAPES)
def test_products_of_every_shape(shape: tuple[int, int, int], products: Any) -> None:
    """Rows of a shuffled batch, and sums over them; a margin of NaN around what may be read shows what must not be."""
    rows, depth, columns = shape
    dtype, by_rows, by_sums = products
    lanes = count(dtype)
    width = -(-columns // lanes) * lanes
    rng = np.random.default_rng(0)
    data = np.full((2 * max(rows, depth) + 2, max(rows, depth)), np.nan, dtype)
    data[1:-1] = rng.normal(size=(len(data) - 2, data.shape[1]))
    order = 1 + rng.permutation(len(data) - 2)
    offsets = (order * data.shape[1]).astype(np.int64)
    right = rng.normal(size=(depth, width)).astype(dtype)
    bias = rng.normal(size=width).astype(dtype)
    tolerance = 20 * np.finfo(dtype).eps * np.sqrt(depth)

    c = np.full((rows + 1, width), np.nan, dtype)
    by_rows(data, offsets, rows, right, width, depth, c, bias)
    expected = data[order[:rows], :depth].astype(np.float64) @ right + bias
    np.testing.assert_allclose(c[:rows], expected, rtol=0, atol=tolerance * np.abs(expected).max())
    assert np.isnan(c[rows]).all()

    c = rng.normal(size=(rows, width)).astype(dtype)
    expected = c - 0.5 * (data[order[:depth], :rows].astype(np.float64).T @ right)
    by_sums(data, offsets, rows, right, width, depth, c, bias)
    np.testing.assert_allclose(c, expected, rtol=0, atol=tolerance * np.abs(expected).max())
