"""`clearprop explain`, `clearprop ladder` and `clearprop cost`."""

from __future__ import annotations

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from clearprop.cli.cost import cost
from clearprop.cli.explain import explain
from clearprop.cli.ladder import ladder
from clearprop.engines import ENGINES
from clearprop.errors import OptionError

app = typer.Typer()
for command in (explain, ladder, cost):
    app.command()(command)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_explain_the_network_on_paper() -> None:
    found = json.loads(run("explain", "--format", "json"))
    gradients = [line["value"] for stage in found["stages"] for line in stage["lines"] if line["symbol"][0] == "d"]
    assert len(gradients) > 5
    assert all(np.all(np.asarray(value) != 0) for value in gradients)
    assert "dW1" in run("explain", "--optimizer", "adam")


def test_explain_the_published_network() -> None:
    text = run("explain", "vu-scalar")
    assert text.count("-0.44039853898894116  0.44039853898894116") == 3
    assert "0.6931471805599453" in text
    assert "\x1b" not in text
    assert "J = diag(p) - p p^T" in run("explain", "vu-scalar", "--softmax", "separate")
    assert "0.8808" in run("explain", "vu-scalar", "--digits", "4")
    assert json.loads(run("explain", "vu-scalar", "--format", "json"))["stages"][1]["lines"][-1]["value"] == 0.6931471805599453


def test_explain_a_data_set(tmp_path) -> None:
    text = run("explain", "circles", "--hidden", "3", "--batch-size", "2", "--optimizer", "adam")
    assert "(2, 3)" in text
    assert "m_W1 <- beta1 m_W1 + (1 - beta1) dW1" in text
    path = tmp_path / "step.html"
    assert str(path) in run("explain", "--out", str(path)).replace("\n", "")
    assert path.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain", "--hidden", "3"], "name another SOURCE"),
        (["explain", "vu-scalar", "--batch-size", "2"], "name another SOURCE"),
        (["explain", "--digits", "0"], "--digits must be 1 or more"),
        (["explain", "--format", "pdf"], "no format called 'pdf'"),
        (["explain", "circles", "--batch-size", "0"], "--batch-size must be 1 or more"),
        (["ladder", "circles", "--epochs", "0"], "epochs must be 1 or more"),
        (["cost", "--depths", "1,two"], "--depths takes whole numbers"),
        (["cost", "--depths", "0"], "depth must be 1 or more"),
    ],
)
def test_mistakes(arguments: list[str], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_ladder_as_json_and_picture(tmp_path) -> None:
    path = tmp_path / "ladder.png"
    found = json.loads(run("ladder", "circles", "--examples", "40", "--epochs", "1", "--json", "--plot", str(path)))
    assert [row["engine"] for row in found["rows"]] == list(ENGINES)
    assert all(row["difference"] < 1e-12 for row in found["rows"])
    assert path.stat().st_size > 0
    assert found["examples"] == 40


def test_ladder_as_a_table() -> None:
    text = run("ladder", "circles", "--examples", "40", "--epochs", "1")
    assert "40 of 1,400 training examples" in text
    assert all(engine in text for engine in ENGINES)


def test_cost() -> None:
    found = json.loads(run("cost", "--depths", "1,2", "--json"))
    assert len(found["rows"]) == 6
    assert set(found["exponents"]) == {"forward differences", "central differences", "back-propagation"}
    assert "back-propagation: time grows as P^" in run("cost", "--depths", "1,2")
