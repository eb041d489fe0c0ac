"""Bad arguments of `cp.lab` and `clearprop lab` end with one sentence, before anything is served."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import clearprop as cp
from clearprop.cli import app
from clearprop.errors import ClearpropError
from clearprop.laboratory import entrance
from clearprop.laboratory.entrance import HIDEABLE


@pytest.mark.parametrize(
    "given",
    [
        {"net": "net"}, {"net": 3}, {"data": [1, 2]}, {"port": -1}, {"port": 70_000}, {"port": "x"}, {"port": None},
        {"lesson": 0}, {"lesson": "two"}, {"hide": "settings"}, {"hide": ["nothing"]}, {"hide": 3},
        {"browser": "yes"}, {"state": {"colour": 1}}, {"state": [1]}, {"state": {"settings": {"hidden": [1000]}}}, {"say": 3},
        {"net": cp.mlp([3, 2])}, {"net": cp.mlp([2, 100, 2])},
    ],
    ids=str,
)  # fmt: skip
def test_a_bad_argument_is_one_sentence(given):
    with pytest.raises(ClearpropError) as raised:
        cp.lab(**({"browser": False, "say": lambda address: pytest.fail("it serves")} | given))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "words",
    [
        ["nosuch"],
        ["xor", "--port", "-1"],
        ["xor", "--port", "99999"],
        ["xor", "--port", "x"],
        ["xor", "--target", "y"],
        ["/dev/null"],
        [""],
        ["--state", "nosuch.json"],
        ["--state", "{"],
        ["--state", '{"colour": 1}'],
        ["--state", '{"settings": {"hidden": [1000]}}'],
        ["--hide", "nothing"],
        ["--lesson", "0"],
        ["--activation", "rleu"],
        ["--dropout", "1.5"],
        ["--noise", "-1"],
        ["--batch-norm", "--batch-size", "1"],
    ],
    ids=str,
)
def test_a_bad_word_is_one_sentence_and_status_2(words):
    result = CliRunner().invoke(app, ["lab", "--no-browser", *words])
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


@pytest.fixture
def served(monkeypatch):
    """The labs that would be served, and the addresses that are said."""
    found = []
    monkeypatch.setattr(entrance, "serve", lambda made, listener: (found.append(made), made.close(), listener.close()))
    return found


def opened(words, served):
    result = CliRunner().invoke(app, ["lab", "--no-browser", *words])
    assert result.exit_code == 0, result.output
    return served[-1].state, re.search(r"http://\S+", result.stderr)[0], served[-1].shared.trainer


def test_the_options_give_the_state_of_the_page(served):
    words = ["spirals", "--points", "100", "--noise", "0.05", "--hidden", "6,4", "--activation", "relu,linear", "--batch-norm"]
    words += ["--dropout", "0.1", "--optimizer", "adam", "--lr", "0.03", "--loss", "ce", "--batch-size", "20", "--seed", "3"]
    state, address, trainer = opened([*words, "--lesson", "2", "--hide", "rate, data"], served)
    assert (state.data.source, state.data.n, state.data.noise) == ("spirals", 100, 0.05)
    expected = {"hidden": [6, 4], "activation": ["relu", "identity"], "optimizer": "adam", "lr": 0.03, "loss": "cross_entropy"}
    assert {name: list(value) if isinstance(value, tuple) else value for name, value in state.settings.items()} == {
        **expected, "batch_norm": True, "dropout": 0.1, "batch_size": 20, "seed": 3, "schedule": "constant",
    }  # fmt: skip
    assert address.endswith("#lesson=2&hide=rate,data")
    kinds = [type(layer).__name__ for layer in trainer.net.layers]
    assert kinds == ["Linear", "BatchNorm", "ReLU", "Dropout", "Linear", "BatchNorm", "Identity", "Dropout", "Linear"]


def test_a_state_is_given_as_json_or_as_a_file_and_options_override_it(served, tmp_path):
    given = {"data": {"source": "moons", "n": 80}, "settings": {"hidden": [3], "lr": 0.7}}
    (tmp_path / "state.json").write_text(json.dumps(given))
    for text in (json.dumps(given), str(tmp_path / "state.json")):
        state, _, _ = opened(["--state", text, "--lr", "0.2"], served)
        assert (state.data.source, state.data.n, state.settings["hidden"], state.settings["lr"]) == ("moons", 80, [3], 0.2)


def test_a_table_of_numbers_and_a_run_are_opened(served, tmp_path):
    rows = "\n".join(f"{k / 7:.3f},{(k * 5) % 11},{k / 3:.2f}" for k in range(60))
    (tmp_path / "mine.csv").write_text(f"a,b,price\n{rows}\n")
    state, _, trainer = opened([str(tmp_path / "mine.csv"), "--lr", "0.01"], served)
    assert trainer.data.task == "regression"
    assert state.settings["lr"] == 0.01
    words = ["train", "circles", "--epochs", "2", "--hidden", "5", "--activation", "relu", "--lr", "0.05", "--quiet"]
    assert CliRunner().invoke(app, [*words, "--out", str(tmp_path / "run")]).exit_code == 0
    state, _, trainer = opened([str(tmp_path / "run")], served)
    assert (state.settings["hidden"], state.settings["activation"], state.settings["lr"]) == ([5], ["relu"], 0.05)
    assert trainer.net.theta.size == 27
    assert CliRunner().invoke(app, ["lab", "--no-browser", str(tmp_path / "run"), "--noise", "0.2"]).exit_code == 2


def test_every_name_that_can_be_hidden_stands_on_the_page():
    static = Path(entrance.__file__).with_name("static")
    text = "".join(file.read_text(encoding="utf-8") for file in [*static.glob("*.js"), static / "index.html"])
    for name in HIDEABLE:
        marks = (f'data-control="{name}"', f', "{name}")', f'id="panel-{name}"', f'id="{name}"', f"      {name}: {{ title:")
        assert any(mark in text for mark in marks), name
