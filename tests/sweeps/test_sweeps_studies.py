"""Every study on a small set: its verdict holds its own figures, and says what is known to be true."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import clearprop as cp
from clearprop.errors import OptionError
from clearprop.studies import STUDIES, two_linear_layers, zero_starts
from clearprop.studies.study import better, beyond_chance, clear, figure, tell

SMALL = {
    "batch_and_rate": {"batches": (5, None), "rates": (0.1, 1.0), "fixed": {"epochs": 3}},
    "learning_rates": {"rates": (0.01, 1.0), "fixed": {"epochs": 3}},
    "initialisations": {"inits": ("zeros", "xavier", cp.Normal(0.3)), "fixed": {"epochs": 3}},
    "train_against_validation": {"epochs": 3},
    "epochs": {"epochs": 4},
    "examples": {"amounts": (10, 20), "fixed": {"epochs": 3}},
    "depth_and_activation": {"depths": (0, 1), "activations": ("linear", "tanh"), "units": 3, "fixed": {"epochs": 3}},
    "zero_starts": {"fixed": {"epochs": 3}},
    "two_linear_layers": {"fixed": {"epochs": 3}},
}
GIVEN = {"seeds": 2, "jobs": 1}


@pytest.fixture(scope="module")
def data():
    X, y = cp.data.make_circles(120, seed=0)
    return cp.data.load((X, y), seed=0)


@pytest.mark.parametrize("name", list(STUDIES))
def test_every_study_has_rows_a_verdict_and_a_figure(name, data):
    given = SMALL[name] | GIVEN
    fixed = {"engine": "batch"} | given.pop("fixed", {})
    study = STUDIES[name](data, fixed=fixed, **given)
    assert study.name == name
    assert study.rows
    assert study.lines
    assert study.question.endswith("?")
    assert study.verdict.endswith((".", "%", "%."))
    assert "nan" not in study.verdict
    assert "  " not in study.verdict
    assert any(tell(line, study.metric).split(" ±")[0] in study.verdict for line in study.lines)
    assert study.plot(Figure().subplots()).has_data()
    assert study.to_json()["verdict"] == study.verdict


def test_zero_weights_leave_one_function_and_chance(data):
    study = zero_starts(data, seeds=3, fixed={"epochs": 60, "lr": 0.5, "engine": "batch"})
    units = {row["start"]: row["units"] for row in study.rows}
    assert units == {
        "zero weights, zero biases": 1,
        "zero weights, random biases": 10,
        "random weights, zero biases": 10,
        "random weights, random biases": 10,
    }
    accuracy = {line["start"]: line["mean"] for line in study.lines}
    assert accuracy["zero weights, zero biases"] == 0.5
    assert accuracy["random weights, zero biases"] > 0.6


def test_two_linear_layers_multiply_out_to_one(data):
    study = two_linear_layers(data, seeds=2, fixed={"epochs": 3, "engine": "batch"})
    assert max(row["apart"] for row in study.rows) < 1e-12


def test_validation_is_needed_where_it_is_compared(data):
    with pytest.raises(OptionError, match="no validation examples"):
        STUDIES["train_against_validation"](cp.data.load(tuple(data.train), val=0))


def line(mean, std, n, finite=None):
    return {"mean": mean, "std": std, "n": n, "finite": n if finite is None else finite}


def test_words_about_chance_by_hand():
    # Standard error of the difference: sqrt(0.3^2 / 9 + 0.4^2 / 16) = sqrt(0.02) = 0.1414.
    assert clear(line(1.0, 0.3, 9), line(1.29, 0.4, 16))
    assert not clear(line(1.0, 0.3, 9), line(1.28, 0.4, 16))
    assert "one run each" in beyond_chance(line(1.0, 0.0, 1), line(2.0, 0.0, 1))
    assert better([line(0.9, 0, 2, finite=1), line(0.5, 0, 2), line(0.6, 0, 2)], "val_accuracy")[0]["mean"] == 0.6
    assert figure(float("nan"), "loss") == "no finite figure"
    assert tell(line(np.pi, 0.1, 4, finite=3), "loss") == "3.142 ± 0.1 (1 of 4 runs diverged)"
