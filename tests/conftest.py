"""What the tests share: one way to differentiate by numbers, and one way to compare."""

import signal
from collections.abc import Callable

import hypothesis
import numpy as np
import pytest

hypothesis.settings.register_profile("clearprop", deadline=None, derandomize=True, database=None, max_examples=40)
hypothesis.settings.load_profile("clearprop")

if (
    signal.getsignal(signal.SIGINT) == signal.SIG_IGN
):  # a script that starts the tests in the background lets them ignore Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)


def slope(f: Callable[[], float], x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """Gradient of f() with respect to the array x that it reads, by central differences; x is put back."""
    gradient = np.empty_like(x)
    for i in np.ndindex(x.shape):
        kept = x[i]
        x[i] = kept + h
        above = f()
        x[i] = kept - h
        gradient[i] = (above - f()) / (2 * h)
        x[i] = kept
    return gradient


def agree(got: np.ndarray, wanted: np.ndarray, tolerance: float, what: str = "") -> None:
    """Same shape, and nowhere further apart than `tolerance` times the largest wanted number.

    There is no absolute term, which would pass anything once the numbers are small.
    """
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.shape == wanted.shape, f"{what}: shape {got.shape}, not {wanted.shape}"
    error, scale = np.abs(got - wanted).max(initial=0), np.abs(wanted).max(initial=0)
    assert error <= tolerance * scale, f"{what}: {got} is not {wanted}; off by {error}"


@pytest.fixture(scope="session", name="slope")
def slope_fixture():
    return slope


@pytest.fixture(scope="session", name="agree")
def agree_fixture():
    return agree
