"""`clearprop doctor`, and its exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from clearprop.cli.doctor import doctor
from clearprop.errors import ClearpropError

app = typer.Typer()
app.command()(doctor)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout


def test_curves_have_three_exit_statuses(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("epoch,loss\n" + "".join(f"{e},{0.7 * 0.5**e + 0.1}\n" for e in range(12)))
    assert run(str(path)) == (0, "healthy\n")
    path.write_text("epoch,loss\n" + "".join(f"{e},2.3026\n" for e in range(12)))
    status, text = run(str(path), "--json")
    assert status == 1
    assert json.loads(text)["findings"][0]["slug"] == "constant-predictor"
    path.write_text("epoch,loss\n1,0.5\n")
    assert run(str(path))[0] == 2


def test_a_finding_is_explained_without_a_run(tmp_path: Path) -> None:
    status, text = run("--explain", "dead-relus")
    assert status == 0
    assert text.startswith("# dead-relus\n")
    assert "da/dz = 0 for z < 0" in text
    assert json.loads(run("--explain", "dead-relus", "--json")[1]) == {"slug": "dead-relus", "explanation": text}
    path = tmp_path / "c.csv"
    path.write_text("epoch,loss\n" + "".join(f"{e},2.3026\n" for e in range(12)))
    assert run(str(path))[1].endswith("More: clearprop doctor --explain constant-predictor\n")


def test_without_a_run_or_with_an_unknown_finding_it_says_what_to_give() -> None:
    for arguments, words in (([], "--explain FINDING"), (["--explain", "dead-relu"], "did you mean 'dead-relus'")):
        error = CliRunner().invoke(app, arguments).exception
        assert isinstance(error, ClearpropError)
        assert words in str(error)


@pytest.mark.parametrize(("init", "status"), [("xavier", 0), ("zeros", 1)])
def test_a_saved_run(tmp_path: Path, init: str, status: int) -> None:
    from clearprop.cli.app import app as whole

    folder = tmp_path / "run"
    options = [
        "train",
        "circles",
        "--out",
        str(folder),
        "--init",
        init,
        "--epochs",
        "12",
        "-q",
        "--doctor",
        "--patience",
        "none",
    ]
    assert CliRunner().invoke(whole, options).exit_code == status
    verdict = json.loads((folder / "doctor.json").read_text())
    assert verdict["healthy"] == (status == 0)
    assert run(str(folder))[0] == status
