"""Where the network is unknown, the structure of the error is named."""

from __future__ import annotations

import numpy as np
import pytest

from clearprop.gradcheck.faults import name_patterns

RNG = np.random.default_rng(0)
W, b = RNG.normal(size=(4, 4)), RNG.normal(size=4)
NUMERIC = {"W1": W, "b1": b}


def said(analytic, numeric=None, batch=None) -> dict[str, str]:
    return {s.fault: s.sentence for s in name_patterns(analytic, NUMERIC if numeric is None else numeric, batch)}


def test_right_gradients_say_nothing() -> None:
    noisy = {name: array * (1 + 1e-8 * RNG.normal(size=array.shape)) for name, array in NUMERIC.items()}
    assert said(noisy, batch=8) == {}


@pytest.mark.parametrize(
    ("factor", "fault", "words"),
    [
        (-1.0, "sign-reversed", "minus the right one"),
        (2.0, "doubled", "2 times"),
        (0.5, "halved", "1/2 times"),
        (8.0, "mean-missing", "B = 8 times"),
        (1 / 8, "mean-twice", "1/B = 1/8 times"),
        (0.2087, "scaled", "0.2087 times"),
        (-1 / 3, "scaled", "-1/3 times"),
    ],
)
def test_constant_ratios(factor: float, fault: str, words: str) -> None:
    everywhere = said({name: factor * array for name, array in NUMERIC.items()}, batch=8)
    assert words in everywhere[fault]
    assert everywhere[fault].startswith("Every gradient is")
    one = said({"W1": factor * W, "b1": b}, batch=8)
    assert words in one[fault]
    assert "one-array-only" in one


@pytest.mark.parametrize(
    ("analytic", "fault"),
    [
        (W.T, "transposed"),
        (W * np.arange(1, 5), "columns-scaled"),
        (W * np.arange(1, 5)[:, None], "rows-scaled"),
        (W[[1, 0, 3, 2]], "rows-permuted"),
        (W[:, [3, 2, 1, 0]], "columns-permuted"),
        (RNG.permutation(W.ravel()).reshape(4, 4), "permuted"),
        (0 * W, "zero"),
        (np.where(np.eye(4) > 0, 0, W), "elements-missing"),
    ],
)
def test_arrays(analytic: np.ndarray, fault: str) -> None:
    assert list(said(analytic, W)) == [fault]


def test_shapes() -> None:
    wide = RNG.normal(size=(2, 5))
    assert list(said(wide.T, wide)) == ["transposed"]
    rows = RNG.normal(size=(7, 4))
    assert "not summed over its axis 0" in said(rows, rows.sum(axis=0))["not-summed"]
    assert list(said(b.sum(), b)) == ["summed-to-scalar"]
    assert "(9,)" in said(np.ones(9), b)["shape"]


def test_gradients_in_each_others_place() -> None:
    c = RNG.normal(size=4)
    found = said({"b1": c, "b2": b}, {"b1": b, "b2": c})
    assert found["exchanged"].startswith("db")


def test_noise_has_no_structure() -> None:
    assert said(RNG.normal(size=(4, 4)), W) == {}
    assert said(W * np.where(RNG.random((4, 4)) < 0.5, 1.0005, 1.0), W) == {}
