"""Every surface against finite differences, its minima against a minimiser, its values against figures worked by hand."""

import numpy as np
import pytest
from scipy.optimize import minimize

from clearprop.descent import SURFACES
from clearprop.errors import UnknownNameError

BY_HAND = {  # f and gradient at a point
    "published": ((0.0, 1.0), 2.0, (3.0, 2.0)),  # 0 + 1 + 0 + cos 0; 0 - 0 + 1 + 2; 0 + 2
    "bowl": ((2.0, 1.0), 7.0, (2.0, 10.0)),  # (4 + 10) / 2
    "rosenbrock": ((2.0, 3.0), 101.0, (802.0, -200.0)),  # 1 + 100 (3 - 4)^2; -2 (-1) - 400 * 2 * (-1)
    "beale": ((1.0, 1.0), 14.203125, (0.0, 27.75)),  # 1.5^2 + 2.25^2 + 2.625^2; 2 (1.5 + 2 * 2.25 + 3 * 2.625)
    "himmelblau": ((1.0, 2.0), 68.0, (-36.0, -32.0)),  # 8^2 + 2^2; 4 (-8) + 2 (-2); 2 (-8) + 4 * 2 * (-2)
    "saddle": ((3.0, 2.0), 5.0, (6.0, -4.0)),
}


@pytest.mark.parametrize("name", list(SURFACES))
def test_values_and_gradients_worked_by_hand(name):
    point, value, gradient = BY_HAND[name]
    surface = SURFACES.make(name)
    assert float(surface(*point)) == pytest.approx(value, abs=1e-12)
    assert [float(part) for part in surface.gradient(*point)] == pytest.approx(gradient, abs=1e-12)


@pytest.mark.parametrize("name", list(SURFACES))
def test_gradients_against_finite_differences(name, slope, agree):
    surface = SURFACES.make(name)
    lows, highs = np.array(surface.box).T
    for point in np.random.default_rng(0).uniform(lows, highs, (20, 2)):
        wanted = slope(lambda point=point: float(surface(*point)), point)
        agree(np.array(surface.gradient(*point)), wanted, 1e-6, name)


@pytest.mark.parametrize("name", list(SURFACES))
def test_a_gradient_that_is_a_thousandth_off_is_caught(name, slope, agree):
    surface, point = SURFACES.make(name), np.array([1.3, -0.7])
    wrong = np.array(surface.gradient(*point)) * [1.001, 1.0]
    with pytest.raises(AssertionError):
        agree(wrong, slope(lambda: float(surface(*point)), point), 1e-6)


@pytest.mark.parametrize("name", [name for name in SURFACES if SURFACES.find(name).minima])
def test_minima_are_minima_the_lowest_first_and_inside_the_box(name):
    surface = SURFACES.make(name)
    for x, y in surface.minima:
        found = minimize(lambda p: surface(*p), (x, y), jac=lambda p: np.array(surface.gradient(*p)), options={"gtol": 1e-10})
        assert found.x == pytest.approx((x, y), abs=2e-5)
        assert surface.curvature((x, y))[0] > 0
        assert all(low <= value <= high for value, (low, high) in zip((x, y), surface.box, strict=True))
    heights = [float(surface(*minimum)) for minimum in surface.minima]
    assert heights == sorted(heights) or max(heights) < 1e-9


def test_the_three_published_minima():
    surface = SURFACES.make("published")
    found = [(round(x, 4), round(y, 4), round(float(surface(x, y)), 5)) for x, y in surface.minima]
    assert found == [(-1.0882, 0.5441, -2.28071), (-2.8537, 1.4269, -0.24934), (0.6059, -0.3030, 1.24273)]


def test_the_saddle_bends_both_ways():
    assert SURFACES.make("saddle").curvature((0.0, 0.0)) == pytest.approx((-2.0, 2.0), abs=1e-6)


def test_surfaces_take_arrays():
    for name in SURFACES:
        surface, (x, y) = SURFACES.make(name), np.random.default_rng(0).normal(size=(2, 3, 4))
        assert surface(x, y).shape == (3, 4)
        assert [part.shape for part in surface.gradient(x, y)] == [(3, 4), (3, 4)]


def test_a_wrong_name():
    with pytest.raises(UnknownNameError, match="did you mean 'rosenbrock'"):
        SURFACES.make("rosenbrok")
