"""The help: a file for each command, a sentence for each option; and spellings of old, which are accepted but not shown."""

import inspect
import json
import re
from pathlib import Path

import pytest
import typer

import clearprop.cli
from clearprop.cli.app import PANELS, app
from clearprop.cli.parsing import RENAMED, parse_grid, parse_settings

GROUP = typer.main.get_command(app)
COMMANDS = {name: command.loaded() for name, command in GROUP.commands.items()}
OPTIONS = [pytest.param(param, id=f"{name} {param.opts[0]}") for name, command in COMMANDS.items() for param in command.params]
DANGLING = re.compile(
    r"^(From|Of|With|By|In|For|To|On)? ?(which|what|whose|whom|how (many|much|far|long|often))\b", re.IGNORECASE
)
"""Openings that leave a description hanging: "For which epochs" for "Number of epochs"."""


def test_each_command_has_a_file_of_its_name():
    folder = Path(clearprop.cli.__file__).parent
    for name, command in COMMANDS.items():
        function = inspect.unwrap(command.callback)
        assert function.__name__ == name
        assert Path(inspect.getfile(function)) == folder / f"{name}.py"
        opening = inspect.getdoc(inspect.getmodule(function)).splitlines()[0]
        assert opening.startswith(f"`clearprop {name}`: ")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_has_the_opening_of_each(name):
    assert GROUP.commands[name].help == COMMANDS[name].help.split("\n\n")[0]


@pytest.mark.parametrize("width", [80, 120])
def test_the_list_of_commands_fits_its_window(clearprop, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERMINAL_WIDTH", str(width))
    text = clearprop("--help").stdout
    assert max(map(len, text.splitlines())) <= width
    words = " ".join(text.split())
    for panel, sentences in PANELS.items():
        assert f" {panel}: {next(iter(sentences))} " in words
        assert all(f" {name} {sentence}" in words for name, sentence in sentences.items())


@pytest.mark.parametrize("param", OPTIONS)
def test_every_option_is_described_by_a_sentence(param):
    assert param.help, param.name
    assert param.help[0].isupper()
    assert param.help.endswith(".")
    assert not DANGLING.match(param.help)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_command_says_what_it_does_and_has_an_example(command):
    first, *_ = paragraphs = command.help.split("\n\n")
    assert first[0].isupper()
    assert first.endswith(".")
    assert not DANGLING.match(first)
    assert all("\n" not in paragraph.strip() for paragraph in paragraphs)  # line breaks would stay in a narrow window
    assert any(re.match(rf"Example.*: clearprop {command.name}\b", paragraph.strip()) for paragraph in paragraphs)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_options_of_an_example_exist(command):
    known = {flag for param in command.params for flag in (*param.opts, *param.secondary_opts)}
    example = next(line for line in command.help.splitlines() if line.startswith("Example"))
    assert set(re.findall(r"--[a-z-]+", example)) <= known


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("width", [80, 120])
def test_help_fits_its_window(clearprop, monkeypatch, name, width):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERMINAL_WIDTH", str(width))
    text = clearprop(name, "--help").stdout
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


def test_renamed_options_are_not_shown():
    shown = {flag for command in COMMANDS.values() for param in command.params for flag in param.opts}
    for old, new in RENAMED.items():
        assert f"--{new}" in shown
        assert f"--{old}" not in shown


@pytest.mark.parametrize("words", [("--batch", "50"), ("--batch=50",), ("--batch-size", "50")], ids=" ".join)
def test_an_old_spelling_means_the_new_one(clearprop, words):
    result = clearprop("train", "circles", "--epochs", 1, "--engine", "batch", "--json", *words)
    assert result.stderr == ""
    assert json.loads(result.stdout)["configuration"]["settings"]["batch_size"] == 50


def test_old_spellings_of_settings():
    for name in ("batch_size", "batch-size", "batch"):
        assert parse_grid([f"{name}=5,all"]) == {"batch_size": [5, None]}
        assert parse_settings([f"{name}=5"]) == {"batch_size": 5}
    assert parse_settings(["weight-decay=0.1"]) == {"weight_decay": 0.1}


def test_an_option_that_does_not_exist_is_still_a_mistake(clearprop):
    result = clearprop("train", "circles", "--batches", 5)
    assert result.exit_code == 2
    assert "--batch" in result.stderr
