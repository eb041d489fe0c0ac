"""`clearprop predict`, `info` and `data`."""

import csv
import io
import json

import numpy as np
import pytest

from clearprop.data import load, read_examples
from clearprop.export.model import Model


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("loss", ["cross-entropy", "bce", "bce-with-logits", "nll"])
def test_labels_and_probabilities_are_the_models(clearprop, pets, tmp_path, loss):
    clearprop("train", pets, "--epochs", 3, "--loss", loss, "--out", tmp_path / "run")
    result = clearprop("predict", tmp_path / "run", pets)
    assert result.stderr == ""
    model = Model.load(tmp_path / "run" / "model.safetensors")
    X, y = read_examples(pets, model.encoder)
    found = rows(result.stdout)
    assert list(found[0]) == ["predicted", "p_cat", "p_dog"]
    assert [row["predicted"] for row in found] == [model.classes[i] for i in model.predict(X)]
    p = np.array([[float(row["p_cat"]), float(row["p_dog"])] for row in found])
    np.testing.assert_allclose(p, model.probabilities(X), rtol=1e-5)
    assert len(found) == len(y) == 120


def test_a_table_without_its_target_and_in_another_order(clearprop, pets, tmp_path):
    clearprop("train", pets, "--epochs", 3, "--out", tmp_path / "run")
    table = rows(pets.read_text())
    new = tmp_path / "new.csv"
    new.write_text("colour,weight\n" + "".join(f"{row['colour']},{row['weight']}\n" for row in table))
    assert clearprop("predict", tmp_path / "run", new).stdout == clearprop("predict", tmp_path / "run", pets).stdout


def test_regression_gives_values_in_the_units_of_the_target(clearprop, houses, tmp_path):
    clearprop("train", houses, "--out", tmp_path / "run")
    found = rows(clearprop("predict", tmp_path / "run", houses).stdout)
    model = Model.load(tmp_path / "run" / "model.safetensors")
    X, y = read_examples(houses, model.encoder)
    predicted = np.array([float(row["predicted"]) for row in found])
    np.testing.assert_allclose(predicted, model.predict(X)[:, 0], rtol=1e-6)
    assert np.abs(predicted - y[:, 0]).mean() < 50


def test_into_a_file(clearprop, tmp_path):
    clearprop("train", "circles", "--epochs", 2, "--out", tmp_path / "run")
    result = clearprop("predict", tmp_path / "run", "circles", "--out", tmp_path / "p.csv")
    assert result.output == ""
    assert (tmp_path / "p.csv").read_bytes() == clearprop("predict", tmp_path / "run", "circles").stdout_bytes
    assert b"\r" not in (tmp_path / "p.csv").read_bytes()


def test_info(clearprop, pets, tmp_path):
    clearprop("train", pets, "--epochs", 1, "--hidden", "5", "--dropout", 0, "--out", tmp_path / "run")
    text = clearprop("info", tmp_path / "run").stdout
    for part in (
        "pets.csv",
        "classification",
        "cat, dog",
        "weight, colour=blue",
        "Linear(4, 5",
        "CrossEntropy",
        "37 parameters",
    ):
        assert part in text
    found = json.loads(clearprop("info", tmp_path / "run", "--json").stdout, parse_constant=pytest.fail)
    assert found["parameters"] == 37
    assert found["classes"] == ["cat", "dog"]
    assert [layer["type"] for layer in found["layers"]] == ["Linear", "ReLU", "Linear"]


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("circles", ["class 0", "700", "150"]),
        ("digits", ["images of 8 x 8", "(x - 0) / 16", "1,257"]),
        ("pets", ["class cat", "blue, green, red"]),
        ("houses", ["regression", "mean target", "numbers"]),
    ],
)
def test_data(clearprop, request, source, parts):
    path = request.getfixturevalue(source) if source in ("pets", "houses") else source
    text = clearprop("data", path).stdout
    for part in parts:
        assert part in text
    found = json.loads(clearprop("data", path, "--json").stdout, parse_constant=pytest.fail)
    assert found["splits"]["train"]["examples"] == len(load(path).train)


def test_the_range_of_a_target_is_in_its_own_units(clearprop, houses):
    line = next(line for line in clearprop("data", houses).stdout.splitlines() if line.startswith("mean target"))
    assert all(900 < float(figure) < 1200 for figure in line.split()[2:])
