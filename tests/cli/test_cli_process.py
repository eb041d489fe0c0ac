"""The command line as a process: pipes, signals, exit statuses, and what start-up imports."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

import clearprop

COMMAND = [sys.executable, "-m", "clearprop"]


def answer_ctrl_c():
    """Set the child's handler: in the background of a script, the parent ignores SIGINT, and a child would too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run(*words, **extra):
    return subprocess.run([*COMMAND, *map(str, words)], capture_output=True, text=True, timeout=60, **extra)


def test_version_and_help():
    assert run("--version").stdout == f"clearprop {clearprop.__version__}\n"
    text = run("--help").stdout
    assert all(command in text for command in ("train", "predict", "info", "data", "clearprop train circles"))
    panels = run("train", "--help").stdout
    assert all(panel in panels for panel in ("Data", "Network", "Training", "Output", "one-cycle"))


def test_start_up_imports_nothing_heavy():
    heavy = ["pandas", "sklearn", "scipy", "matplotlib", "llvmlite", "torch", "pooch", "safetensors"]
    code = f"import sys, clearprop.cli; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_a_pipe_gets_plain_lines_and_stderr_nothing():
    run("train", "circles", "--epochs", 1)  # what has to be compiled is said on stderr, once for a machine
    result = run("train", "circles", "--epochs", 20)
    assert result.returncode == 0
    assert result.stderr == ""
    assert "\x1b" not in result.stdout
    assert "\r" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) < 100


def test_json_on_stdout_even_if_colours_are_forced():
    result = run("train", "circles", "--epochs", 2, "--json", env=os.environ | {"FORCE_COLOR": "1"})
    assert json.loads(result.stdout)["epochs"] == 2


def test_an_error_is_a_sentence_and_a_traceback_only_when_asked_for():
    quiet = run("train", "circls")
    assert quiet.returncode == 2
    assert quiet.stdout == ""
    assert "Traceback" not in quiet.stderr
    assert "Traceback" in run("--debug", "train", "circls").stderr
    assert "Traceback" in run("train", "circls", env=os.environ | {"CLEARPROP_DEBUG": "1"}).stderr


def test_a_closed_pipe_is_no_error(tmp_path):
    assert run("train", "synth", "--epochs", 1, "--quiet", "--out", tmp_path / "run").returncode == 0
    command = " ".join([*COMMAND, "predict", str(tmp_path / "run"), "synth"])
    result = subprocess.run(f"{command} | head -1", shell=True, capture_output=True, text=True, timeout=60)
    assert result.stdout == "predicted,p_0,p_1\n"
    assert result.stderr == ""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
def test_ctrl_c_saves_what_was_learned(tmp_path):
    command = [*COMMAND, "train", "circles", "--epochs", "100000", "--patience", "none", "--out", str(tmp_path / "run")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=answer_ctrl_c)
    line = ""
    while not line.startswith("epoch"):
        line = process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted in epoch" in err
    assert "accuracy" in out
    assert (tmp_path / "run" / "model.safetensors").is_file()
