"""`clearprop recipes` and `clearprop run`."""

import json
import sys

import pytest
from typer.testing import CliRunner

from clearprop.cli import app
from clearprop.recipes import RECIPES
from clearprop.recipes import radboud_components as components


def clearprop(*words):
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_recipes_are_listed():
    text = clearprop("recipes").stdout
    assert all(name in text for name in RECIPES)
    found = json.loads(clearprop("recipes", "--json").stdout)["recipes"]
    assert [recipe["name"] for recipe in found] == list(RECIPES)


def test_run_prints_published_beside_obtained():
    result = clearprop("run", "radboud-descent", "--quiet")
    assert result.exit_code == 0
    assert "published" in result.stdout
    assert "below the bound that the question sets" in result.stdout
    assert "1 of 1 claims hold" in result.stdout
    assert "\x1b" not in result.stdout


def test_json_is_one_strict_object():
    found = json.loads(clearprop("run", "vu_scalar", "--json").stdout, parse_constant=pytest.fail)
    assert found["recipe"] == "vu-scalar"
    assert found["holds"] is True
    assert found["comparisons"][0]["claim"] == "identical"


def test_exit_status_1_when_an_identical_one_is_not(monkeypatch):
    monkeypatch.setitem(components.PUBLISHED, "y = rng.integers(2, size=5)", "1 0 1 0 1")
    result = clearprop("run", "radboud-components")
    assert result.exit_code == 1
    assert "NOT identical" in result.stdout


def test_out_holds_the_report_the_figures_and_the_numbers(tmp_path):
    folder = tmp_path / "run"
    assert clearprop("run", "radboud-descent", "--out", folder, "-q").exit_code == 0
    assert {path.name for path in folder.iterdir()} == {"report.html", "result.json", "paths.png", "basin.png"}
    again = clearprop("run", "radboud-descent", "--out", folder, "-q")
    assert again.exit_code == 2
    assert "--force" in again.stderr
    assert clearprop("run", "vu-scalar", "--out", folder, "-q", "--force").exit_code == 0
    assert {path.name for path in folder.iterdir()} == {"report.html", "result.json"}


@pytest.mark.parametrize(
    "words", [("run", "radboud"), ("run", "vu-scalar", "--out", sys.executable), ("run", "rdfia-svm", "--data-dir", "/nowhere")]
)
def test_mistakes_are_one_sentence(words):
    result = clearprop(*words)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
