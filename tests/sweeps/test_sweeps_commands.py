"""`clearprop sweep`: rows, table and picture; a kill and a resume of the real process; mistakes."""

import json
import os
import signal
import subprocess
import sys
import time
import warnings

import pytest
import typer
from typer.testing import CliRunner

from clearprop.cli.app import Commands
from clearprop.cli.sweep import sweep
from clearprop.sweeps import read_rows

SCRIPT = "import typer\nfrom clearprop.cli.sweep import sweep\ntyper.run(sweep)"
FAST = ["--set", "epochs=2", "--set", "optimizer=sgd", "--engine", "batch", "--jobs", "1"]
app = typer.Typer(cls=Commands, pretty_exceptions_enable=False)
app.command()(sweep)
app.callback()(lambda: None)


def run(*words):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return CliRunner().invoke(app, ["sweep", *map(str, words)])


def test_a_grid(tmp_path):
    out, plot = tmp_path / "rows.jsonl", tmp_path / "grid.png"
    result = run(
        "circles", "--grid", "lr=0.01,0.1", "--grid", "batch_size=50,all", "--seeds", 2, *FAST, "--out", out, "--plot", plot
    )
    assert result.exit_code == 0, result.stderr
    assert "8 trials" in result.stdout
    assert "Best: lr" in result.stdout
    assert len(read_rows(out)) == 8
    assert plot.stat().st_size > 1000


def test_a_random_search_with_one_setting_draws_a_band(tmp_path):
    plot = tmp_path / "rates.svg"
    words = ("circles", "--grid", "lr=0.001:1:log", "--random", 4, *FAST, "--metric", "test_loss", "--plot", plot, "--json")
    found = json.loads(run(*words).stdout)
    assert len(found["rows"]) == len({row["lr"] for row in found["rows"]}) == 4
    assert found["metric"] == "test_loss"
    assert plot.exists()


def test_hidden_layers_and_activations_are_values():
    result = run("circles", "--grid", "hidden=4-3,none", "--grid", "activation=relu,tanh", *FAST, "--json")
    rows = json.loads(result.stdout)["rows"]
    assert [(row["hidden"], row["activation"]) for row in rows][:3] == [("4-3", "relu"), ("4-3", "tanh"), ("none", "relu")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "There is nothing to sweep; name a setting and its values"),
        (["--grid", "lr"], "A setting is written as in --grid lr=0.01,0.1, not 'lr'"),
        (["--grid", "lrr=1"], "did you mean 'lr'"),
        (["--grid", "lr=1:2"], "say how many draws"),
        (["--grid", "lr=1:2:lin"], "low:high or low:high:log"),
        (["--grid", "lr=fast"], "lr takes numbers such as 0.1, not 'fast'"),
        (["--grid", "lr=0.1", "--grid", "lr=0.2"], "names lr twice"),
        (["--grid", "lr=0.1", "--set", "lr=0.2"], "both fixed and in the grid"),
        (["--grid", "lr=0.1", "--jobs", "0"], "jobs must be"),
        (["--grid", "lr=0.1", "--scheduler", "thread"], "did you mean 'threads'"),
        (["--grid", "lr=0.1", "--out", "rows.csv"], ".jsonl or .parquet"),
        (["--grid", "lr=0.1", "--metric", "test_los"], "did you mean 'test_loss'"),
        (["--grid", "lr=0.1", "--engine", "bach"], "did you mean 'batch'"),
    ],
)
def test_mistakes_are_one_sentence_and_status_2(words, message):
    result = run("circles", *words, "--set", "epochs=1")
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def answer_ctrl_c():
    """Set the child's handler: in the background of a script, the parent ignores SIGINT, and a child would too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(out, *extra):
    words = ["circles", "--grid", "lr=0.01,0.1", "--seeds", "12", "--set", "epochs=25", "--engine", "batch", "--jobs", "1"]
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *words, "--out", str(out), *extra],
        preexec_fn=None if os.name == "nt" else answer_ctrl_c,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(journal, process):
    while process.poll() is None and (not journal.exists() or journal.read_text().count("\n") < 3):
        time.sleep(0.02)
    assert process.poll() is None


def timeless(rows):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL to send")
def test_a_process_that_is_killed_and_started_again_gives_the_same_rows(tmp_path):
    out, whole = tmp_path / "rows.jsonl", tmp_path / "whole.jsonl"
    journal = tmp_path / "rows.jsonl.journal"
    process = start(out)
    wait_for(journal, process)
    process.kill()
    process.communicate()
    kept = journal.read_text().count("\n")
    assert 3 <= kept < 24
    assert not out.exists()
    for path, extra in ((out, ["--jobs", "2"]), (whole, [])):
        again = start(path, *extra)
        again.communicate(timeout=120)
        assert again.returncode == 0
    assert timeless(read_rows(out)) == timeless(read_rows(whole))
    assert not journal.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
def test_ctrl_c_keeps_what_is_finished_and_stores_no_half_trial(tmp_path):
    out = tmp_path / "rows.jsonl"
    process = start(out)
    wait_for(tmp_path / "rows.jsonl.journal", process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "run the same command to continue" in err
    lines = (tmp_path / "rows.jsonl.journal").read_text().splitlines()
    assert all(row["epochs_done"] == 25 or row["stopped"].startswith("val") for line in lines for row in json.loads(line))
