"""Windows and macOS as far as they can be had here: no Unix-only module where it is not needed, names, encodings, consoles."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from clearprop.cli import app
from clearprop.errors import ClearpropError, printable

HIDING = """
import importlib.abc, os, signal, sys
HIDDEN = {"resource", "fcntl", "pwd", "grp", "termios", "tty", "pty"}

class Hide(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hide())
for name in HIDDEN:
    sys.modules.pop(name, None)
for name in ("fork", "sched_getaffinity", "sched_setaffinity", "killpg", "getuid", "geteuid", "setsid", "sysconf"):
    if name in vars(os):
        delattr(os, name)
from clearprop.cli import main
sys.argv = ["clearprop", *sys.argv[1:]]
main()
"""
TRAIN = ("train", "circles", "--epochs", "1", "--engine", "batch", "--quiet")


def hidden(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", HIDING, *map(str, words)], capture_output=True, text=True, timeout=120, cwd=cwd, check=False
    )


def test_train_doctor_and_sweep_need_no_unix_only_module(tmp_path: Path) -> None:
    for words, codes in {
        (*TRAIN, "--out", "run"): (0,),
        ("doctor", "run", "--cheap"): (0, 1, 2),
        (
            "sweep",
            "circles",
            "--grid",
            "lr=0.1,1",
            "--set",
            "epochs=1",
            "--engine",
            "batch",
            "--quiet",
            "--out",
            "rows.jsonl",
        ): (0,),
        ("predict", "run", "circles", "--out", "answers.csv"): (0,),
    }.items():
        result = hidden(*words, cwd=tmp_path)
        assert result.returncode in codes, (words, result.stderr)
        assert "Traceback" not in result.stderr
    assert len((tmp_path / "rows.jsonl").read_text().splitlines()) == 2


def clearprop(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_paths_with_spaces_and_umlauts_and_lines_that_end_in_crlf(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = tmp_path / "meine Häuser" / "größe.csv"
    table.parent.mkdir()
    rows = [f"{x:.3f},{'groß' if x > 0 else 'klein'}" for x in rng.normal(size=60)]
    table.write_bytes(("fläche,größe\r\n" + "\r\n".join(rows) + "\r\n").encode())
    out = tmp_path / "ein Lauf ü"
    clearprop("train", table, "--epochs", 1, "--engine", "batch", "--quiet", "--out", out)
    answers = clearprop("predict", out, table)
    assert answers.splitlines()[0] == "predicted,p_groß,p_klein"
    config = out / "config.json"
    config.write_bytes(config.read_bytes().replace(b"\n", b"\r\n"))
    clearprop("train", "--config", config, "--quiet")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_a_console_of_another_encoding(encoding: str, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    for words in (TRAIN[:-1], ("cost", "--depths", "1"), ("ladder", "circles", "--examples", "2"), ("recipes",)):
        result = subprocess.run(
            [sys.executable, "-m", "clearprop", *words],
            capture_output=True,
            cwd=tmp_path,
            env=environment,
            timeout=120,
            check=False,
        )
        assert result.returncode == 0, (words, result.stderr)


@pytest.mark.parametrize(
    "variables",
    [{"COLUMNS": "20"}, {"COLUMNS": "0"}, {"COLUMNS": "abc"}, {"MPLBACKEND": "zzz"}, {"TERM": "zzz"}, {"LINES": "-1"}],
)
def test_odd_variables_of_the_environment(variables: dict[str, str], tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "clearprop", *TRAIN[:-1], "--out", "run"], capture_output=True, text=True, cwd=tmp_path,
        env=os.environ | variables, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "run" / "curves.png").is_file()


# ---------------------------------------------------------------- terminal escapes


def test_names_and_classes_send_nothing_to_a_terminal_that_it_obeys(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = tmp_path / "esc.csv"
    labels = ["a\x1b[31mRED", "b\x07\x9b2J"]
    table.write_text("x,y\x1b[2J\n" + "".join(f"{rng.random():.3f},{labels[i % 2]}\n" for i in range(60)), encoding="utf-8")
    shown = clearprop("data", table)
    shown += clearprop("train", table, "--epochs", 1, "--engine", "batch", "--out", tmp_path / "run")
    shown += clearprop("info", tmp_path / "run")
    assert not {"\x1b", "\x07", "\x9b"} & set(shown)
    assert "\\x1b[31mRED" in shown
    refused = CliRunner().invoke(app, ["train", str(table), "--target", "\x1b[5m"])
    assert "\x1b" not in refused.stderr


def test_an_error_shows_control_characters_and_does_not_send_them() -> None:
    assert str(ClearpropError("no \x1b[2J, \r, \u202e")) == "no \\x1b[2J, \\r, \\u202e"
    assert printable("two\nlines, an ü\tand a “quote”") == "two\nlines, an ü\tand a “quote”"
