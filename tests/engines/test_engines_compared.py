"""The ladder as a table and a picture, and the cost of derivatives."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import clearprop as cp
from clearprop.engines import ENGINES
from clearprop.errors import OptionError, UnknownNameError
from clearprop.ladder import affordable, climb, lines_of_code
from clearprop.plots import gradient_costs, step_times
from clearprop.studies.derivative_cost import central_differences, fit_exponents, forward_differences, measure_costs

X = np.random.default_rng(0).normal(size=(30, 2))
Y = np.arange(30) % 2


def test_every_rung_gives_the_same_numbers() -> None:
    net = cp.mlp([2, 5, 2], hidden="tanh", dtype="float64")
    before = net.theta.copy()
    rows = climb(net, (X, Y), batch_size=8, epochs=2)
    assert [row["engine"] for row in rows] == list(ENGINES)
    for row in rows:
        assert row["difference"] < 1e-12
        assert row["loss"] == pytest.approx(rows[0]["loss"], rel=1e-12)
        assert row["lines"] > 0
        assert row["microseconds"] > 0
        assert row["speed"] == pytest.approx(rows[0]["microseconds"] / row["microseconds"])
    assert next(row for row in rows if row["engine"] == "batch")["difference"] == 0
    np.testing.assert_array_equal(net.theta, before)
    json.dumps(rows, allow_nan=False)


def test_the_reference_trains_as_fit_does() -> None:
    net = cp.mlp([2, 5, 2], hidden="tanh", dtype="float64")
    row = climb(net, (X, Y), batch_size=8, epochs=2, seed=4, engines=["batch"])[0]
    cp.fit(net, (X, Y), batch_size=8, epochs=2, seed=4, engine="batch")
    assert row["loss"] == cp.evaluate(net, (X, Y))["loss"]
    assert "speed" not in row


@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": None},
        {"order": "sequential", "batch_size": 7},
        {"order": "replacement", "seed": 3},
        {"remainder": "drop", "batch_size": 7},
        {"seed": 5, "optimizer": "adam", "loss": "ce"},
    ],
    ids=str,
)
def test_it_takes_the_settings_of_fit(settings: dict[str, Any]) -> None:
    data = cp.data.Dataset("two", {"train": cp.data.Split(X, Y), "test": cp.data.Split(X[:7], Y[:7])})
    net = cp.mlp([2, 5, 2], hidden="tanh", dtype="float64")
    row = cp.ladder.climb(net, data, epochs=2, engines=["batch"], **settings)[0]
    cp.fit(net, data, epochs=2, engine="batch", **settings)
    assert row["loss"] == cp.evaluate(net, (X, Y))["loss"]


def test_settings_are_checked_as_those_of_fit() -> None:
    net = cp.mlp([2, 2])
    with pytest.raises(OptionError, match=r"batch_size must be a whole number, 1 or more, not 0\."):
        cp.ladder.climb(net, (X, Y), batch_size=0)
    with pytest.raises(UnknownNameError, match="did you mean 'shuffle'"):
        cp.ladder.climb(net, (X, Y), order="shufle")  # type: ignore[arg-type]


def test_a_rung_that_cannot_says_why() -> None:
    net = cp.Net(cp.Linear(2, 4), cp.BatchNorm(4), cp.Linear(4, 2), dtype="float64")
    rows = {row["engine"]: row for row in climb(net, (X, Y), batch_size=10, epochs=1)}
    assert "needs the mean of the whole batch" in rows["scalar"]["reason"]
    assert "microseconds" not in rows["scalar"]
    assert rows["torch_nn"]["difference"] < 1e-12


def test_lines_of_code_are_code() -> None:
    assert all(lines_of_code(engine) > 50 for engine in ENGINES)
    from clearprop.ladder import _code_lines

    docstring = '"""A docstring,\nof two lines."""\n\n# a comment\n'
    code = 'x = """a\nstring"""  # three\n\ndef f():\n    "Doc."\n    return (\n        1\n    )\n'
    assert _code_lines(docstring + code) == 2 + 1 + 3


def test_what_is_affordable() -> None:
    assert affordable(cp.mlp([2, 2]), 100, 3, 32) == 100
    assert affordable(cp.mlp([784, 300, 10]), 55000, 3, 32) == 64  # two batches at least


def test_the_picture_of_the_ladder() -> None:
    rows = [
        {"engine": "scalar", "microseconds": 1000.0, "speed": 1.0},
        {"engine": "sample", "reason": "it cannot."},
        {"engine": "compiled", "microseconds": 2.0, "speed": 500.0},
        {"engine": "torch_nn", "microseconds": 100.0, "speed": 10.0},
    ]
    ax = step_times(rows, Figure().subplots())
    assert ax.get_xscale() == "log"
    assert [label.get_text() for label in ax.get_yticklabels()] == ["scalar", "compiled", "torch_nn"]
    assert [text.get_text() for text in ax.texts] == ["1,000 µs", "2 µs (x 500)", "100 µs (x 10)"]
    with pytest.raises(OptionError, match="nothing to draw"):
        step_times(rows[1:2], Figure().subplots())


def test_differences_of_a_function_whose_derivative_is_known() -> None:
    theta = np.array([0.5, -1.0, 2.0])
    before = theta.copy()

    def f() -> float:
        return float(np.sin(theta).sum())

    np.testing.assert_allclose(forward_differences(f, theta), np.cos(theta), atol=1e-7)
    np.testing.assert_allclose(central_differences(f, theta), np.cos(theta), atol=1e-9)
    np.testing.assert_array_equal(theta, before)


def test_costs_are_measured_for_three_methods() -> None:
    rows = measure_costs([1, 3], least=0.0)
    assert [row["parameters"] for row in rows[::3]] == [67, 211]
    by_method = {row["method"]: row for row in rows[3:]}
    assert by_method["forward differences"]["evaluations"] == 212
    assert by_method["central differences"]["evaluations"] == 422
    assert by_method["back-propagation"]["seconds"] < by_method["forward differences"]["seconds"] / 5
    assert by_method["central differences"]["error"] < 1e-8 < 1e-5 > by_method["forward differences"]["error"]


def test_exponents_and_their_picture() -> None:
    rows = [
        {"method": method, "parameters": P, "seconds": 1e-7 * P**k}
        for method, k in (("forward differences", 2.0), ("back-propagation", 1.0))
        for P in (10, 100, 1000, 10000)
    ]
    exponents = fit_exponents(rows)
    assert exponents == pytest.approx({"forward differences": 2.0, "back-propagation": 1.0})
    ax = gradient_costs(rows, exponents, Figure().subplots())
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert len(ax.lines) == 2
    with pytest.raises(OptionError, match="nothing to draw"):
        gradient_costs([], None, Figure().subplots())
    assert fit_exponents(rows[:1]) == {}


def test_a_class_of_ones_own_in_the_registry_is_no_line_of_the_ladder(monkeypatch):
    from clearprop.nn import LAYERS

    before = lines_of_code("batch")
    monkeypatch.setattr(LAYERS, "entries", {**LAYERS.entries, "mine": type("Mine", (cp.Layer,), {"__module__": "__main__"})})
    assert lines_of_code("batch") == before
    monkeypatch.setattr(LAYERS, "entries", {**LAYERS.entries, "mine": type("Mine", (cp.Layer,), {"__module__": "builtins"})})
    assert lines_of_code("batch") == before  # as in a notebook
