"""Compilations: announced once, counted, and no part of the time that training takes."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import clearprop as cp
from clearprop.cli.progress import Progress, TrialBar
from clearprop.engines import compilations
from clearprop.engines.compilations import COMPILATIONS, CompilationLine, Compilations, Stopwatch
from clearprop.training.outcome import train
from clearprop.training.settings import settings_for
from clearprop.training.setup import set_up


class Heard:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def compilation_began(self, text: str) -> None:
        self.told.append(text)

    def compilation_ended(self, seconds: float, whole: bool) -> None:
        self.told.append((round(seconds, 1), whole))


class Clock:
    """A clock that moves when it is told to, in the place of the module `time`."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(compilations, "time", found)
    return found


def test_parts_that_are_compiled_together_are_announced_once(clock: Clock) -> None:
    found, heard = Compilations(), Heard()
    with found.told_to(heard):
        with found.together():
            with found.one("A ..."):
                clock.sleep(0.1)
            clock.sleep(0.2)  # something else
            with found.one("B ..."):
                clock.sleep(0.1)
            assert heard.told == ["A ..."]
        assert heard.told == ["A ...", (0.2, True)]
        with found.together():
            pass
        with found.one("C ..."):
            pass
    assert heard.told == ["A ...", (0.2, True), "C ...", (0.0, True)]
    assert found.seconds == pytest.approx(0.2)
    assert isinstance(found.listener, CompilationLine)


def test_one_that_fails_is_not_done(clock: Clock) -> None:
    found, heard = Compilations(), Heard()
    with found.told_to(heard), pytest.raises(ValueError, match="no"), found.one("A ..."):
        raise ValueError("no")
    with found.told_to(heard), found.one("B ..."):
        pass
    assert heard.told == ["A ...", (0.0, False), "B ...", (0.0, True)]


def test_without_a_bar_it_is_one_line_on_stderr(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    found = Compilations()
    with found.together():
        for name in "AB":
            with found.one(f"{name} ..."):
                clock.sleep(0.06)
    assert capsys.readouterr().err == "A ... done in 0.1 s.\n"
    with pytest.raises(KeyboardInterrupt), found.one("A ..."):
        raise KeyboardInterrupt
    assert capsys.readouterr().err == "A ... broken off after 0.0 s.\n"


def test_a_stopwatch_stands_still_while_its_thread_compiles_or_waits_for_one_that_does() -> None:
    found, seconds = COMPILATIONS, {}
    inside = threading.Event()

    def compile_it() -> None:
        watch = Stopwatch()
        with found.one("A ..."):
            inside.set()
            time.sleep(1.0)
        seconds["compiles"] = watch.seconds()

    def wait_for_it() -> None:
        inside.wait()
        watch = Stopwatch()
        with found.alone():
            pass
        time.sleep(0.1)
        seconds["waits"] = watch.seconds()

    def train_on() -> None:
        inside.wait()
        watch = Stopwatch()
        time.sleep(1.0)
        seconds["trains"] = watch.seconds()

    with found.told_to(Heard()):
        threads = [threading.Thread(target=target) for target in (compile_it, wait_for_it, train_on)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seconds["compiles"] < 0.5
    assert 0.1 <= seconds["waits"] < 0.6
    assert seconds["trains"] >= 0.3


class SlowToPrepare(cp.engines.Batch):
    """An engine that compiles for a while before the first epoch, and again when it measures."""

    def prepare(self, *given: Any) -> None:
        with COMPILATIONS.one("Compiling the kernel, once for this machine ..."):
            time.sleep(0.6)

    def loss_and_correct(self, *given: Any) -> tuple[float, float]:
        with COMPILATIONS.one("Compiling the kernel, once for this machine ..."):
            time.sleep(0.1)
        return super().loss_and_correct(*given)


def test_compiling_is_no_part_of_the_seconds_of_training() -> None:
    data, heard = cp.data.load("circles", seed=0), Heard()
    with COMPILATIONS.told_to(heard):
        outcome = train(set_up(settings_for(data, epochs=2, hidden=(2,)), data), engine=SlowToPrepare())
    assert len(heard.told) == 2 * (1 + 2 + 3)  # before the first epoch, after each of two, on three splits at the end
    assert 0 < outcome.seconds < 0.5  # and not 0.8
    assert all(row["seconds"] < 0.1 for row in outcome.history)


# ---------------------------------------------------------------- on the bar


class Terminal(io.StringIO):
    """A file that says that it is one."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    return Terminal()


def test_the_bar_counts_the_seconds_and_never_shows_a_total_that_is_not_known(terminal: Terminal) -> None:
    progress = Progress(Console(file=terminal))
    data = cp.data.load("circles", seed=0)
    assert progress.bar is not None
    with progress.live():
        progress.bar.progress.refresh()
        cp.fit(cp.mlp([2, 3, 2]), data, epochs=3, engine=SlowToPrepare(), callbacks=[progress])
    text = terminal.getvalue()
    assert "None" not in text
    assert "Compiling the kernel, once for this machine ... 0 s" in text
    assert "Compiling the kernel, once for this machine ... done in 0.6 s." in text
    assert text.index("Compiling") < text.index("epoch 0/3") < text.index("epoch 3/3")
    assert isinstance(COMPILATIONS.listener, CompilationLine)


def test_the_bar_of_a_sweep_says_so_too(terminal: Terminal) -> None:
    with TrialBar(Console(file=terminal)) as bar:
        bar(0, 7)
        with COMPILATIONS.one("Compiling ..."):
            bar.bar.began -= 2.0
            bar.bar.progress.refresh()
        bar(7, 7)
    text = terminal.getvalue()
    assert "None" not in text
    assert "Compiling ... 2 s" in text
    assert "Compiling ... done in 0.0 s." in text
    assert text.rindex("7/7") > text.index("done in")


def test_without_a_terminal_the_bar_leaves_it_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    for console in (None, Console(file=io.StringIO())):
        with Progress(console).live(), COMPILATIONS.one("A ..."):
            pass
        assert capsys.readouterr().err == "A ... done in 0.0 s.\n"


def test_a_cold_machine_gets_one_line_and_a_warm_one_none(tmp_path: Path) -> None:
    pytest.importorskip("llvmlite")
    words = [sys.executable, "-m", "clearprop", "train", "circles", "--epochs", "2"]
    for options in (["--hidden", "3", "--quiet"], ["--hidden", "3"]):
        result = subprocess.run(
            [*words, *options], capture_output=True, text=True, timeout=120, env=environment(tmp_path), check=True
        )
        if "--quiet" in options:
            assert result.stdout == ""
            line, end = result.stderr.split(" ... ")
            assert line == "Compiling the kernel, once for this machine"
            assert end.startswith("done in ")
            assert result.stderr.count("\n") == 1
        else:
            assert result.stderr == ""
            seconds = float(result.stdout.split("Trained 2 epochs in ")[1].split(" s")[0])
            assert seconds < 1


def environment(cache: Path) -> dict[str, str]:
    import os

    return os.environ | {"XDG_CACHE_HOME": str(cache), "HOME": str(cache), "LOCALAPPDATA": str(cache)}
