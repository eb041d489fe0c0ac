"""Every option of every command crossed with a table of bad texts: one sentence and exit status 2, or a result.

The options are found by reflection. `-m slow` takes every text for every option; otherwise a sample, the same in every run.
"""

from __future__ import annotations

import os
import warnings
import zlib
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from typer.testing import CliRunner

from clearprop.cli.app import PANELS, OnDemand, app
from clearprop.errors import ClearpropError

TEXTS = [
    "",
    " ",
    "zzz",
    "-1",
    "0",
    "1",
    "2.5",
    "nan",
    "inf",
    "1e400",
    "9" * 30,
    "99999999999",
    "1e308,1e308",
    "1,2,3",
    "1,,2",
    "=",
    "a=b",
    "lr=0:0",
    "lr=zzz",
    "lr=1:2:3:4",
    "hidden=-1",
    "none",
    "all",
    "yes",
    "\x1b[2J\x07",
    "x" * 3000,
    "ü ö",
    "\udcff",
    "%s",
    "{}",
    "[1]",
    "'",
    "/dev/null/at/all/file.png",
    "/proc/file.svg",
    ".",
    "..",
    "taken.txt",
    "taken.txt/file.png",
    "file.zzz",
    "cut.safetensors",
    "--help",
    "cuda",
    "tcp://127.0.0.1:1",
    "processes",
]
ENDLESS = {
    "epochs": ("9" * 30, "99999999999"), "seeds": ("99999999999",), "random": ("99999999999",),
    "scheduler": ("tcp://127.0.0.1:1",),
    "depths": ("1,2,3",),
    "seconds": ("99999999999",), "examples": ("9" * 30, "99999999999"),
}  # fmt: skip
"""Numbers that are what they say: a training of so many epochs ends with Ctrl-C."""
BASE: dict[str, list[str]] = {
    "train": ["circles", "--epochs", "1", "--quiet", "--engine", "batch"],
    "predict": ["run", "circles"],
    "info": ["run"],
    "export": ["run", "--to", "numpy", "--out", "model.py"],
    "data": ["circles"],
    "explain": ["circles"],
    "check": ["nothing.py"],
    "doctor": ["curves.csv"],
    "ladder": ["circles", "--examples", "2", "--epochs", "1"],
    "cost": ["--depths", "1"],
    "sweep": [
        "circles", "--grid", "lr=0.1,1", "--set", "epochs=1", "--engine", "batch", "--seeds", "1", "--jobs", "1", "--quiet",
    ],
    "descend": ["bowl", "--steps", "3"],
    "recipes": [],
    "run": ["radboud-descent", "--quick"],
}  # fmt: skip
APART = {"check": "it runs the script in a process of its own, and has tests of its own", "run": "minutes for each text",
         "lab": "it serves until Ctrl-C, and has tests of its own"}  # fmt: skip
SAMPLED = 12  # one combination in so many


def commands() -> dict[str, Any]:
    return {name: OnDemand(name).loaded() for sentences in PANELS.values() for name in sentences if name not in APART}


COMMANDS = commands()


def lines_of(name: str) -> list[tuple[str, list[str]]]:
    """The command lines: the valid one with one option added, or one argument replaced."""
    found = []
    for parameter in COMMANDS[name].params:
        flags = [flag for flag in getattr(parameter, "opts", []) if flag.startswith("--")]
        for text in TEXTS:
            if text in ENDLESS.get(parameter.name, ()):
                continue
            if isinstance(parameter, click.Argument) or not flags:
                words = [text, *BASE[name][1:]]
            elif parameter.is_flag:
                words = [*BASE[name], flags[0]]
            else:
                words = [*BASE[name], f"{flags[0]}={text}"]
            found.append((f"{name} {parameter.name}={text[:40]!r}", [name, *words]))
            if getattr(parameter, "is_flag", False):
                break
    return found


def wrong_with(words: list[str]) -> str | None:
    """What is wrong with the answer to a command line, or None."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        result = CliRunner().invoke(app, words, env={"CLEARPROP_DEBUG": "1", "COLUMNS": "80"})
    error = result.exception
    if (isinstance(error, SystemExit) and error.code == 0) or error is None:
        return None
    if isinstance(error, SystemExit):
        return None if error.code in (1, 2) else f"exit status {error.code}"
    if isinstance(error, ClearpropError):
        message = str(error)
        return (
            None if "\n" not in message and "\x1b" not in message and len(message) < 900 else f"no sentence: {message[:200]!r}"
        )
    return None if isinstance(error, OSError) else f"{type(error).__name__}: {str(error)[:150]}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, curves, a file in the way and a damaged model."""
    folder = tmp_path_factory.mktemp("place")
    prepare(folder)
    return folder


def prepare(folder: Path) -> None:
    here = os.getcwd()
    os.chdir(folder)
    CliRunner().invoke(app, ["train", "circles", "--epochs", "1", "--engine", "batch", "--out", "run"])
    (folder / "taken.txt").write_text("in the way")
    whole = (folder / "run" / "model.safetensors").read_bytes()
    (folder / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    (folder / "curves.csv").write_text("epoch,train_loss,val_loss\n" + "".join(f"{i},{1 / i},{1 / i}\n" for i in range(1, 9)))
    os.chdir(here)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_bad_text_gives_one_sentence_or_a_result(name: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    chosen = [(label, words) for label, words in lines_of(name) if zlib.crc32(label.encode(errors="replace")) % SAMPLED == 0]
    assert {label: wrong for label, words in chosen if (wrong := wrong_with(words)) is not None} == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_every_bad_text_gives_one_sentence_or_a_result(name: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    assert {label: wrong for label, words in lines_of(name) if (wrong := wrong_with(words)) is not None} == {}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_valid_command_is_answered(name: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = CliRunner().invoke(app, [name, *BASE[name]])
    assert result.exit_code in (0, 1), result.output
