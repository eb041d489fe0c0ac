"""`clearprop train`: what it prints, what it writes, and that both can be had again."""

import json
import math

import numpy as np
import pytest

from clearprop.export.model import Model
from clearprop.training import History

EVERYWHERE = {
    "card.md",
    "manifest.json",
    "model.safetensors",
    "history.jsonl",
    "config.json",
    "metrics.json",
    "examples.csv",
    "curves.png",
}


def theta(folder):
    return Model.load(folder / "model.safetensors").net.theta


def test_says_how_good_the_network_is_in_plain_lines(clearprop):
    clearprop("train", "circles", "--epochs", 1)  # what has to be compiled is said on stderr, once for a machine
    result = clearprop("train", "circles", "--epochs", 30)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Data      circles: 1,400 training, 300 validation, 300 test examples")
    assert lines[1].startswith("Network   2-10-2, tanh; 52 parameters")
    assert "\x1b" not in result.stdout
    epochs = [line.split()[0] for line in lines if line.strip() and line.split()[0].isdigit()]
    assert epochs == ["1", *(str(epoch) for epoch in range(2, 31, 2))]
    accuracy = next(line for line in lines if line.startswith("accuracy"))
    assert len(accuracy.split()) == 7  # a number and a per cent sign, three times
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("source", "options", "more"),
    [
        ("circles", ["--epochs", 3], {"boundary.png", "confusion.png"}),
        ("digits", ["--epochs", 2], {"wrong.png", "confusion.png"}),
        ("pets", ["--epochs", 2, "--loss", "bce"], {"confusion.png"}),
        ("pets", ["--epochs", 2, "--loss", "bce-with-logits"], {"confusion.png"}),
        ("pets", ["--epochs", 2, "--loss", "nll", "--hidden", "4,3", "--activation", "tanh,relu"], {"confusion.png"}),
        ("houses", ["--epochs", 2, "--hidden", "none"], {"fit.png"}),
        ("houses", ["--epochs", 2, "--val", 0, "--test", 0], {"fit.png"}),
        ("circles", ["--epochs", 2, "--batch-size", "all", "--optimizer", "sgd"], {"boundary.png", "confusion.png"}),
    ],
)  # fmt: skip
def test_writes_one_folder_with_everything_in_it(clearprop, request, tmp_path, source, options, more):
    source = request.getfixturevalue(source) if source in ("pets", "houses") else source
    folder = tmp_path / "runs" / "first"
    before = set(tmp_path.iterdir())
    result = clearprop("train", source, "--out", folder, *options)
    assert result.exit_code == 0
    assert {path.name for path in folder.iterdir()} == EVERYWHERE | more
    assert set(tmp_path.iterdir()) - before == {tmp_path / "runs"}
    assert list((tmp_path / "runs").iterdir()) == [folder]
    assert all(name in result.stdout for name in EVERYWHERE | more)
    assert len(History.from_jsonl(folder / "history.jsonl")) == options[1]
    metrics = json.loads((folder / "metrics.json").read_text())["metrics"]
    assert all(math.isfinite(row["loss"]) for row in metrics.values())


def test_without_out_nothing_is_written(clearprop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert clearprop("train", "circles", "--epochs", 1).exit_code == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("source", ["circles", "houses"])
def test_json_is_one_object_and_nothing_else(clearprop, request, tmp_path, source):
    path = request.getfixturevalue(source) if source == "houses" else source
    result = clearprop("train", path, "--epochs", 3, "--json", "--out", tmp_path / "run")
    assert result.stderr == ""
    assert result.stdout.count("\n") == 1
    found = json.loads(result.stdout, parse_constant=pytest.fail)
    assert [row["epoch"] for row in found["history"]] == [1, 2, 3]
    assert list(found["metrics"]) == ["train", "val", "test"]
    assert ("accuracy" if source == "circles" else "rmse") in found["metrics"]["test"]
    assert found["configuration"]["settings"]["epochs"] == 3
    assert found["seconds"] > 0
    assert found["stopped"] is None
    assert set(found["configuration"]["versions"]) == {"clearprop", "numpy", "python"}
    assert str(tmp_path / "run" / "model.safetensors") in found["files"]


def test_regression_figures_are_in_the_units_of_the_target(clearprop, houses):
    test = json.loads(clearprop("train", houses, "--json").stdout)["metrics"]["test"]
    assert 2 < test["rmse"] < 60  # the noise is 5, the standard deviation of the prices 200
    assert test["r2"] > 0.9


def test_quiet_prints_nothing(clearprop):
    result = clearprop("train", "circles", "--epochs", 1, "--quiet")
    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize("options", [[], ["--dtype", "float64", "--dropout", 0.3, "--seed", 5, "--order", "replacement"]])
def test_the_same_bits_again_from_config_json(clearprop, pets, tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    clearprop("train", pets.name, "--epochs", 4, "--out", "a", *options)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    result = clearprop("train", "--config", tmp_path / "a" / "config.json", "--out", tmp_path / "b")
    assert result.exit_code == 0
    np.testing.assert_array_equal(theta(tmp_path / "a"), theta(tmp_path / "b"))
    a, b = (History.from_jsonl(tmp_path / run / "history.jsonl") for run in "ab")
    assert a["val_loss"] == b["val_loss"]


def test_options_change_a_saved_configuration(clearprop, tmp_path):
    clearprop("train", "circles", "--epochs", 2, "--out", tmp_path / "a")
    found = json.loads(clearprop("train", "--config", tmp_path / "a" / "config.json", "--hidden", "5", "--json").stdout)
    assert found["configuration"]["settings"]["hidden"] == [5]
    assert found["epochs"] == 2


@pytest.mark.parametrize("schedule", ["constant", "time", "step", "exponential", "warmup", "cooldown", "one-cycle"])
def test_every_schedule_is_laid_out_for_the_run(clearprop, schedule):
    rows = json.loads(clearprop("train", "circles", "--epochs", 10, "--schedule", schedule, "--lr", 0.02, "--json").stdout)[
        "history"
    ]
    rates = [row["lr"] for row in rows]
    assert max(rates) <= 0.02
    assert rates[-1] == 0.02 if schedule in ("constant", "warmup") else rates[-1] < 0.01


def test_schedule_arguments(clearprop):
    options = ["--schedule", "step", "--schedule-arg", "factor=0.1", "--schedule-arg", "every=44", "--lr", 0.02]
    rows = json.loads(clearprop("train", "circles", "--epochs", 3, "--json", *options).stdout)["history"]
    np.testing.assert_allclose([row["lr"] for row in rows], [0.02, 0.002, 0.0002])


def test_force_replaces_an_earlier_run_only(clearprop, tmp_path):
    folder = tmp_path / "run"
    clearprop("train", "circles", "--epochs", 1, "--out", folder)
    (folder / "left over").write_text("")
    assert clearprop("train", "circles", "--epochs", 2, "--out", folder).exit_code == 2
    assert clearprop("train", "circles", "--epochs", 2, "--out", folder, "--force").exit_code == 0
    assert len(History.from_jsonl(folder / "history.jsonl")) == 2
    assert not (folder / "left over").exists()
    assert list(tmp_path.iterdir()) == [folder]
    other = tmp_path / "precious"
    other.mkdir()
    (other / "thesis.txt").write_text("")
    assert clearprop("train", "circles", "--epochs", 1, "--out", other, "--force").exit_code == 2
    assert [path.name for path in other.iterdir()] == ["thesis.txt"]


def test_a_loss_that_is_not_finite_is_one_line_and_status_1(clearprop, houses, tmp_path):
    wild = ["--optimizer", "sgd", "--schedule", "constant", "--lr", 1e20]
    result = clearprop("train", houses, *wild, "--out", tmp_path / "run")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "Error: The loss is not finite in epoch 1, step 2, first in the output of layer" in result.stderr
    assert np.isfinite(theta(tmp_path / "run")).all()
    found = clearprop("train", houses, *wild, "--json")
    assert found.exit_code == 1
    assert json.loads(found.stdout, parse_constant=pytest.fail)["nonfinite"]["step"] == 2


def test_early_stopping_says_which_epoch_was_kept(clearprop):
    result = clearprop("train", "circles", "--patience", 1, "--lr", 1, "--epochs", 100)
    assert "stopped: the validation loss has not improved for 1 epoch" in result.stdout
    assert "Kept the network of epoch" in result.stdout
