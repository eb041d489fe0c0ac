"""Points by a rubric, and the forms that Gradescope, nbgrader and otter take: every example of the documentation is run."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest
from typer.testing import CliRunner

from clearprop.cli import app
from clearprop.errors import DataError
from clearprop.gradcheck.tracing import (
    FileOutcome,
    FunctionOutcome,
    Rubric,
    grade_json,
    grade_table,
    gradescope_json,
    read_rubric,
)

DOCS = (Path(__file__).parents[3] / "docs" / "grading.md").read_text(encoding="utf-8")
NETWORK = """
import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
W1, b1 = rng.normal(size=(3, 4)), np.zeros((1, 4))
W2, b2 = rng.normal(size=(4, 1)), np.zeros((1, 1))
for _ in range(3):
    a1 = np.tanh(X @ W1 + b1)
    error = a1 @ W2 + b2 - y
    loss = np.mean(error ** 2) / 2
    d2 = error / len(X)
    d1 = d2 @ W2.T * (1 - a1 ** 2)
    W2 -= 0.1 * a1.T @ d2
    b2 -= 0.1 * d2.sum(axis=0, keepdims=True)
    W1 -= 0.1 * X.T @ d1
    b1 -= 0.1 * d1.sum(axis=0, keepdims=True)
"""
WRONG = NETWORK.replace(" * (1 - a1 ** 2)", "")  # W1 and b1: 4 of the 8 parts of the rubric, 5 of 10 points


def example(language: str, heading: str) -> str:
    """The block of code in a section of the documentation."""
    section = DOCS.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)[0]


def outcome(*verdicts: tuple[str, str]) -> FileOutcome:
    tensors = [{"name": name, "verdict": verdict} for name, verdict in verdicts]
    return FileOutcome("a.py", [FunctionOutcome("step", "training step", "right", "", {"tensors": tensors})])


@pytest.fixture(name="submitted")
def submitted_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "rubric.toml").write_text(example("toml", "The rubric"))
    return tmp_path


# ---------------------------------------------------------------- the rubric


def test_points_are_shared_out_by_weight() -> None:
    rubric = Rubric({"W1": 3, "b1 | bias1": 1, "W2": 0, "gone": 4}, points=16)
    found = outcome(("self.params['W1']", "right"), ("bias1", "right"), ("W2", "wrong"))
    assert [(i.name, i.verdict, i.score, i.most) for i in rubric.items(found)] == [
        ("W1", "right", 6.0, 6.0), ("b1 | bias1", "right", 2.0, 2.0), ("W2", "wrong", 0.0, 0.0), ("gone", "missing", 0.0, 8.0),
    ]  # fmt: skip
    assert rubric.score(found) == 8.0
    assert Rubric().score(outcome(("a", "right"), ("b", "right"), ("c", "inconclusive"))) == 66.67
    assert Rubric().score(FileOutcome("a.py")) == 0.0
    assert Rubric({"W*": 1}, points=1).score(outcome(("W1", "right"), ("W2", "wrong"))) == 0.0, "right only if all are"
    assert "8 of 16" in grade_table([found], None, rubric)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("r.toml", "points = 10\n[tensor]\nW1 = 1", "unknown entry 'tensor'; did you mean 'tensors'?"),
        ("r.toml", "points = 0", "points in the rubric .* must be a positive number, not 0"),
        ("r.toml", "points = true", "must be a positive number, not True"),
        ("r.toml", "points = inf", "must be a positive number, not inf"),
        ("r.toml", "[tensors]\nW1 = -1", "weight of 'W1' .* must be a number from 0 on, not -1"),
        ("r.toml", "[tensors]\nW1 = 'two'", "weight of 'W1' .* not 'two'"),
        ("r.toml", "[tensors]\nW1 = 0", "All weights .* are 0"),
        ("r.toml", "tensors = 3", "must be a table of names and weights, not 3"),
        ("r.toml", "functions = 'f'", "must be a list of names, not 'f'"),
        ("r.toml", "points ==", "is no TOML: "),
        ("r.json", "{", "is no JSON: "),
        ("r.json", "[" * 100_000, "is no JSON: "),
        ("r.json", "[1]", "must hold a table with tensors, not list"),
        ("missing.toml", None, r"cannot be read \(No such file or directory\)"),
    ],
)
def test_a_rubric_is_refused_in_one_sentence(name: str, text: str | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=said) as error:
        read_rubric(path)
    assert "\n" not in str(error.value)
    done = CliRunner().invoke(app, ["check", str(tmp_path), "--rubric", str(path)])
    assert done.exit_code == 2
    assert "Traceback" not in done.output


def test_json_and_toml_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('{"points": 4, "tensors": {"W": 1}, "functions": ["f"]}')
    (tmp_path / "r.toml").write_text('points = 4\nfunctions = ["f"]\n[tensors]\nW = 1\n')
    assert read_rubric(tmp_path / "r.json") == read_rubric(tmp_path / "r.toml") == Rubric({"W": 1.0}, 4.0, ("f",))


# ---------------------------------------------------------------- the forms of others

VISIBLE = {"hidden", "after_due_date", "after_published", "visible"}
TOP = {
    "score", "execution_time", "output", "output_format", "test_output_format", "test_name_format", "visibility",
    "stdout_visibility", "extra_data", "tests", "leaderboard",
}  # fmt: skip
TEST = {
    "score", "max_score", "status", "name", "name_format", "number", "output", "output_format", "tags", "visibility",
    "extra_data",
}  # fmt: skip


def fits_gradescope(found: dict) -> bool:
    """Whether it is what Gradescope documents for results.json."""
    return (
        found.keys() <= TOP
        and all(test.keys() <= TEST and test["status"] in ("passed", "failed") for test in found["tests"])
        and all(test["visibility"] in VISIBLE and 0 <= test["score"] <= test["max_score"] for test in found["tests"])
        and isinstance(found["score"], float)
        and isinstance(found["output"], str)
        and found["stdout_visibility"] in VISIBLE
    )


def test_gradescope(submitted: Path) -> None:
    for folder in ("submission", "source", "results"):
        (submitted / folder).mkdir()
    (submitted / "submission" / "network.py").write_text(WRONG)
    (submitted / "rubric.toml").rename(submitted / "source" / "rubric.toml")
    script = example("bash", "Gradescope").replace("/autograder", str(submitted))
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((submitted / "results" / "results.json").read_text())
    assert fits_gradescope(found)
    assert found["score"] == 5.0
    assert [test["status"] for test in found["tests"]] == ["failed", "failed", "passed", "passed"]
    assert "1 - a1" not in json.dumps(found), "the correction is told"
    for verdicts in ([], [("W", "inconclusive")]):
        assert fits_gradescope(gradescope_json(outcome(*verdicts)))


@pytest.mark.parametrize(("text", "score"), [(NETWORK, 10.0), (WRONG, 5.0)])
def test_nbgrader(text: str, score: float, submitted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (submitted / "network.py").write_text(text)
    *body, last = ast.parse(example("python", "nbgrader")).body
    assert isinstance(last, ast.Expr)
    names: dict = {}
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    assert float(repr(value)) == score, "nbgrader reads the number as it is shown"
    assert 0 <= value <= names["grade"]["max_score"] == 10.0
    assert "training step" in capsys.readouterr().out


def test_otter(submitted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict = {}

    def test_case(**options: object) -> object:
        assert options.keys() <= {"name", "points", "hidden", "success_message", "failure_message"}
        given.update(options)
        return lambda function: function

    module = types.ModuleType("otter.test_files")
    module.test_case = test_case  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "otter", types.ModuleType("otter"))
    monkeypatch.setitem(sys.modules, "otter.test_files", module)
    names: dict = {}
    exec(example("python", "Otter"), names)
    assert names["OK_FORMAT"] is False
    assert (names["name"], names["points"], given["points"]) == ("back-propagation", 10, 10)
    (submitted / "network.py").write_text(NETWORK)
    names["test_gradients"]()
    (submitted / "network.py").write_text(WRONG)
    with pytest.raises(AssertionError, match=r"line 12: "):
        names["test_gradients"]()


def test_the_examples_are_short() -> None:
    for language, heading in (("bash", "Gradescope"), ("python", "nbgrader"), ("python", "Otter")):
        assert len([line for line in example(language, heading).splitlines() if line.strip()]) <= 10


def test_grade_tells_no_correction() -> None:
    found = grade_json(outcome(("W", "wrong")))
    assert set(found) == {"file", "verdict", "problem", "functions", "score", "max_score", "tensors"}
    assert found["tensors"] == [{"name": "W", "verdict": "wrong", "score": 0.0, "max_score": 100.0}]
