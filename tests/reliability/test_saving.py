"""Nothing lost: signals, full disks, kills and two writers, each ends with the run saved or with a sentence that says where."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from clearprop.cli import app, saving
from clearprop.cli.interrupts import Interrupts
from clearprop.errors import OptionError
from clearprop.export import Model
from clearprop.ownership import Lock, host, remove_leftovers, writing

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals and limits")
COMMAND = [sys.executable, "-m", "clearprop"]
LONG = ("train", "circles", "--epochs", "1000000", "--patience", "none", "--engine", "batch")
SHORT = ("train", "circles", "--epochs", "1", "--engine", "batch", "--quiet")


def clearprop(*words: object) -> Any:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def start(*words: object, **extra: Any) -> subprocess.Popen[str]:
    """A process whose signals are at their defaults, whatever the parent ignores."""

    def defaults() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for call in extra.get("also", ()):
            call()

    return subprocess.Popen(
        [*COMMAND, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=defaults,
        cwd=extra.get("cwd"),
    )  # fmt: skip


def until_training(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    while not process.stdout.readline().startswith("epoch"):
        assert process.poll() is None


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


# ---------------------------------------------------------------- signals


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_saves_what_was_learned(name: str, tmp_path: Path) -> None:
    process = start(*LONG, "--out", tmp_path / "run")
    until_training(process)
    process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted in epoch" in err
    assert Model.load(tmp_path / "run").net.n_in == 2
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@posix
def test_ctrl_c_before_anything_is_imported_has_no_traceback() -> None:
    code = (
        "import sys\n"
        "class Press:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Press())\n"
        "import clearprop.cli\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 130
    assert result.stderr == "Interrupted; nothing was done yet.\n"


@posix
def test_later_signals_are_waited_out(capsys: pytest.CaptureFixture[str]) -> None:
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        with interrupts.waited_out():
            for _ in range(5):
                signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):  # by now the person means it
            signal.raise_signal(signal.SIGINT)
    assert "the run is being saved" in capsys.readouterr().err


# ---------------------------------------------------------------- figures, disks


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), MemoryError(), KeyboardInterrupt()])
def test_figures_that_fail_cost_no_more_than_themselves(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(saving, "save_pictures", fail)
    assert clearprop(*SHORT, "--out", tmp_path / "run").exit_code == 0
    names = {path.name for path in (tmp_path / "run").iterdir()}
    figures = {name for name in saving.CONTENTS if name.endswith(".png")}
    assert names == saving.CONTENTS.keys() - figures - {"checkpoint.safetensors", "doctor.json"}
    assert "saved" in caplog.text or "kept without" in caplog.text


@posix
@pytest.mark.parametrize(("limit", "kept"), [(200, False), (8000, True)])
def test_a_full_disk_is_one_sentence_and_keeps_what_fits(limit: int, kept: bool, tmp_path: Path) -> None:
    import resource

    process = start(
        *SHORT, "--out", "run", cwd=tmp_path, also=[lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))]
    )
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert err.count("\n") == 1
    assert "File too large" in err
    if kept:
        assert process.returncode == 0
        assert Model.load(tmp_path / "run").net.n_in == 2
    else:
        assert process.returncode == 2
        assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- kills


@posix
def test_killed_before_the_first_checkpoint_the_advice_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    process = start(*LONG, "--out", "run", "--checkpoint-every", "900000")
    until_training(process)
    process.kill()
    process.communicate()
    advice = clearprop("train", "--resume", "run").stderr
    assert "ended before its first checkpoint" in advice
    words = advice.partition("clearprop train ")[2].split()
    assert clearprop("train", *words, "--epochs", "1", "--patience", "none", "--quiet").exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_after_a_kill_without_checkpoint_the_same_command_starts_again(tmp_path: Path) -> None:
    left = tmp_path / "run.unfinished"
    left.mkdir()
    (left / "config.json").write_text("{}")
    assert clearprop(*SHORT, "--out", tmp_path / "run").exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_a_killed_process_left_is_removed_and_what_it_moved_aside_is_moved_back(tmp_path: Path) -> None:
    dead, mine = dead_process(), os.getpid()
    for name in (f".run.{host()}-{dead}.abcdefgh", f".run.{host()}-{mine}.abcdefgh", f".other.{host()}-{dead}.abcdefgh"):
        (tmp_path / name).mkdir()
    (tmp_path / f".run.{host()}-{dead}.12345678").write_text("half a file")
    old = tmp_path / f".run.{host()}-{dead}.abcdefgh.old"
    old.mkdir()
    (old / "model.safetensors").write_text("the earlier run")
    remove_leftovers(tmp_path / "run")
    assert {path.name for path in tmp_path.iterdir()} == {
        "run", f".run.{host()}-{mine}.abcdefgh", f".other.{host()}-{dead}.abcdefgh",
    }  # fmt: skip
    assert (tmp_path / "run" / "model.safetensors").read_text() == "the earlier run"


# ---------------------------------------------------------------- two writers


def test_a_lock_names_its_owner_and_is_taken_from_the_dead(tmp_path: Path) -> None:
    target = tmp_path / "run"
    with writing(target) as lock:
        assert lock is not None
        assert lock.held
        with pytest.raises(OptionError, match=f"is being written by the process {os.getpid()}"):
            Lock(target).take()
    assert list(tmp_path.iterdir()) == []
    left = Lock(target)
    left.mine["pid"] = dead_process()
    left.take()
    with writing(target) as lock:
        assert lock is not None
        assert lock.held
        assert not left.held


@posix
def test_a_second_training_into_the_same_folder_is_refused(tmp_path: Path) -> None:
    first = start(*LONG, "--out", tmp_path / "run")
    until_training(first)
    second = clearprop(*SHORT, "--out", tmp_path / "run")
    assert second.exit_code == 2
    assert f"is being written by the process {first.pid}" in second.stderr
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=60)
    assert (tmp_path / "run" / "model.safetensors").is_file()


def test_a_folder_that_was_taken_meanwhile_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from clearprop.cli.progress import Progress

    def somebody_else(self: Progress, run: object) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "theirs.txt").write_text("theirs")

    monkeypatch.setattr(Progress, "on_epoch_end", somebody_else)
    result = clearprop(*SHORT, "--out", tmp_path / "run")
    assert result.exit_code == 0
    assert "this run is saved in" in result.stderr
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["theirs.txt"]
    assert (tmp_path / "run-2" / "model.safetensors").is_file()


@posix
def test_two_sweeps_into_one_file_lose_no_row(tmp_path: Path) -> None:
    words = (
        "sweep",
        "circles",
        "--set",
        "epochs=3",
        "--engine",
        "batch",
        "--seeds",
        "12",
        "--jobs",
        "1",
        "--quiet",
        "--out",
        "rows.jsonl",
    )
    first = start(*words, "--grid", "lr=0.1,0.2", cwd=tmp_path)
    time.sleep(0.2)
    second = start(*words, "--grid", "lr=0.3,0.4", cwd=tmp_path)
    ends = [(*process.communicate(timeout=120), process.returncode) for process in (first, second)]
    done = [code for *_, code in ends]
    assert sorted(done) in ([0, 0], [0, 2]), ends
    rows = (tmp_path / "rows.jsonl").read_text().splitlines()
    assert len(rows) == 24 * done.count(0)
    assert {path.name for path in tmp_path.iterdir()} == {"rows.jsonl"}
