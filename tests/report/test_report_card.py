"""The model card, the manifest in the folder of a run, and the pictures of calibration and influence."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from typer.testing import CliRunner

import clearprop as cp
from clearprop.cli import app
from clearprop.report import model_card, training_report
from clearprop.training.influences import partial_dependence, permutation_importance, places_of
from clearprop.training.outcome import train
from clearprop.training.settings import settings_for
from clearprop.training.setup import set_up


def outcome(source, **given):
    data = cp.data.load(source, seed=0)
    return train(set_up(settings_for(data, epochs=15, **given), data))


@pytest.fixture(scope="module")
def cancer():
    frame = load_breast_cancer(as_frame=True).frame.iloc[:, [0, 1, 2, 20, 27, 30]]
    return outcome(frame.assign(target=np.where(frame["target"] == 1, "benign", "malignant")))


@pytest.fixture(scope="module")
def diabetes():
    return outcome(load_diabetes(as_frame=True, scaled=False).frame)


def test_the_card_says_what_people_ask(cancer):
    text = model_card(cancer, {"seed": 7})
    for words in ("Split:", "worst radius (numeric)", "benign, malignant", "Seed: 7", "numpy", "## Not to be used for", "ece"):
        assert words in text
    matrix = np.array(cancer.metrics["test"]["confusion"])
    recall = matrix[0, 0] / matrix[0].sum()
    (line,) = [line for line in text.splitlines() if line.startswith("| benign ")]
    cells = [part.strip() for part in line.strip("|").split("|")]
    assert float(cells[2]) == pytest.approx(recall, rel=1e-4)
    assert int(cells[3]) == matrix[0].sum()


def test_the_card_of_a_regression_has_no_classes(diabetes):
    text = model_card(diabetes, {})
    assert "## By class" not in text
    assert "outside the range of the training targets" in text


def test_a_run_folder_has_a_card_and_a_manifest(tmp_path):
    result = CliRunner().invoke(app, ["train", "circles", "--epochs", "2", "--out", str(tmp_path / "run"), "--quiet"])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "run" / "card.md").read_text().startswith("# Model card: circles")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["engine"]["type"] == "Compiled"
    assert manifest["threads"] >= 1
    X, y = cp.data.load("circles", seed=0).train
    digest = hashlib.sha256()
    for array in (X, y):
        digest.update(f"{array.shape} {array.dtype.str}".encode() + array.tobytes())
    assert manifest["data"]["train"] == digest.hexdigest()


def test_the_report_shows_calibration_and_influence(cancer, diabetes):
    html = training_report(cancer, {}, "clearprop train").html()
    for words in ("Reliability of the probabilities", "Importance of the columns", "Partial dependence", "brier", "ece"):
        assert words in html
    html = training_report(diabetes, {}, "clearprop train").html()
    assert "Reliability" not in html
    assert "Importance of the columns" in html


def test_importance_of_a_column_that_is_all_there_is():
    """The answer is the sign of the first column; the second is noise."""
    rng = np.random.default_rng(0)
    data = cp.data.load((rng.normal(size=(600, 2)).astype("float32"), rng.integers(2, size=600)), seed=0)
    layer = cp.Linear(2, 2)
    layer.W, layer.b = np.array([[-50.0, 50.0], [0.0, 0.0]]), np.zeros(2)
    model = cp.Model.of(cp.Net(layer, seed=None), cp.CrossEntropy(), data)
    split = cp.data.Split(data.test.X, (data.test.X[:, 0] > 0).astype(int))
    first, second = permutation_importance(model, split)
    assert first["column"] == data.features[0]
    assert first["mean"] == pytest.approx(0.5, abs=0.12)  # half of the shuffled signs are right by chance
    assert second["mean"] == 0.0
    curve = partial_dependence(model, split, data.features[0])
    assert curve[0]["mean"] < 0.01
    assert curve[-1]["mean"] > 0.99


def test_words_are_moved_together_and_named():
    rng = np.random.default_rng(0)
    import pandas as pd

    frame = pd.DataFrame({"town": rng.choice(["Delft", "Gouda", "Hoorn"], 400), "x": rng.normal(size=400)})
    found = outcome(frame.assign(target=np.where(frame["town"] == "Gouda", "yes", "no")))
    assert [place.name for place in places_of(found.model)] == ["town", "x"]
    assert permutation_importance(found.model, found.data.test)[0]["column"] == "town"
    curve = partial_dependence(found.model, found.data.test, "town")
    means = {row["value"]: row["mean"] for row in curve}
    assert means["Gouda"] > 0.9
    assert max(means["Delft"], means["Hoorn"]) < 0.1
