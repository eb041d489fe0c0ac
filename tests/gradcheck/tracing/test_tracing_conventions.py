"""Scripts of each convention: right as they stand, and wrong, with the right name, once a mistake is planted."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from clearprop.errors import DataError
from clearprop.gradcheck.tracing import check_file, grade_rows, grade_table

SCRIPTS = Path(__file__).parent / "scripts"
RIGHT = {
    "dict_right.py": ["backward"],
    "torch_right.py": ["backward", "Cube", "Affine"],
    "layers_right.py": ["Dense", "DictDense", "Relu", "SoftmaxLayer", "CrossEntropyLoss"],
    "loss_right.py": ["sigmoid_prime", "d_tanh", "svm_loss", "linear_loss_and_grads"],
    "adapter_right.py": ["clearprop_check"],
    "lists_right.py": ["backward"],
}
# file, what is replaced, by what, in which function it shows, a word of the answer ("" if the numbers alone do not tell)
PLANTED = [
    ("lists_right.py", "for i in range(3):\n        dh", "for i in range(2):\n        dh", "backward", "line"),
    ("lists_right.py", "* h[i] * (1 - h[i])", "* h[i]", "backward", ""),
    ("lists_right.py", '"b": dk,', '"b": [do[0], do[1], 0.0],', "backward", ""),
    ("dict_right.py", ' * (1 - outputs["h"] ** 2)', "", "backward", "tanh"),
    ("dict_right.py", "(outputs", "-(outputs", "backward", "sign"),
    ("dict_right.py", 'outputs["yhat"] - Y', 'Y - outputs["yhat"]', "backward", ""),
    ("dict_right.py", "-= eta", "+= eta", "backward", "uphill"),
    ("torch_right.py", "hidden.sum(0)", "hidden.sum()", "backward", "summed over axis 0"),
    ("torch_right.py", " * (1 - cache", " * (1 + cache", "backward", ""),
    ("torch_right.py", "3 * x**2", "2 * x**2", "Cube", "what it should be"),
    ("torch_right.py", "dy.T @ x,", "0.5 * dy.T @ x,", "Affine", "2 times too small"),
    ("layers_right.py", "self.db = dy.sum(axis=0)", "self.db = dy.mean(axis=0)", "Dense", "db"),
    ("layers_right.py", "grad @ self.params", "2 * grad @ self.params", "DictDense", "2"),
    ("layers_right.py", "dout * (saved > 0)", "dout * (dout > 0)", "Relu", ""),
    ("layers_right.py", "(dp - (dp * self.p).sum(axis=1, keepdims=True))", "(dp * (1 - self.p))", "SoftmaxLayer", "sum(axis=1"),
    (
        "layers_right.py",
        "return -self.y / self.p / len(self.p)",
        "return -self.y / self.p",
        "CrossEntropyLoss",
        "times too large",
    ),
    ("loss_right.py", "2 * reg * W", "reg * W", "svm_loss", ""),
    ("loss_right.py", "2 * X.T @ e", "X.T @ e", "linear_loss_and_grads", "2 times too small"),
    ("loss_right.py", "sigmoid(z) * (1 - sigmoid(z))", "sigmoid(z)", "sigmoid_prime", ""),
    ("loss_right.py", "1 - a**2", "1 - a", "d_tanh", ""),
    ("adapter_right.py", "2 * x for", "x for", "clearprop_check", "2 times too small"),
]


def copy_of(name, folder, old="", new=""):
    text = (SCRIPTS / name).read_text()
    assert old in text
    path = folder / name
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize("name", list(RIGHT))
def test_right_scripts_are_right(name):
    outcome = check_file(SCRIPTS / name)
    assert sorted(function.name for function in outcome.functions) == sorted(RIGHT[name])
    assert outcome.exit_status == 0, outcome
    assert outcome.verdict == "right"


@pytest.mark.parametrize(("name", "old", "new", "function", "word"), PLANTED)
def test_planted_mistakes_are_found_and_named(name, old, new, function, word, tmp_path):
    outcome = check_file(copy_of(name, tmp_path, old, new))
    assert outcome.exit_status == 1, outcome
    wrong = {found.name: found for found in outcome.functions if found.verdict == "wrong"}
    assert list(wrong) == [function], outcome
    assert word in wrong[function].text
    graded = wrong[function].graded()
    assert graded["hints"]
    assert not any("Right:" in hint for hint in graded["hints"])
    json.dumps(outcome.to_json(), allow_nan=False)


def test_a_derivative_may_be_written_for_the_value():
    found = {outcome.name: outcome for outcome in check_file(SCRIPTS / "loss_right.py").functions}
    assert "function of the value a" in found["d_tanh"].text
    assert "function of the value a" not in found["sigmoid_prime"].text


def test_functions_can_be_chosen_and_adapters_named():
    outcome = check_file(SCRIPTS / "adapter_right.py", ["tripled"])
    assert [function.name for function in outcome.functions] == ["tripled"]
    assert outcome.exit_status == 1
    assert [f.name for f in check_file(SCRIPTS / "torch_right.py", ["Cube"]).functions] == ["Cube"]


def test_what_is_not_understood_comes_with_an_adapter(tmp_path):
    path = tmp_path / "odd.py"
    path.write_text("def energy(a, b, c, d, e):\n    return 1\n")
    for names in ([], ["energy"], ["nowhere"]):
        outcome = check_file(path, names)
        assert outcome.exit_status == 2
        assert "def clearprop_check():" in str(outcome)
    assert "There is no nowhere in the script." in str(check_file(path, ["nowhere"]))
    with pytest.raises(DataError, match=r"no file .*missing\.py"):
        check_file(tmp_path / "missing.py")


def test_a_folder_becomes_a_table(tmp_path):
    copy_of("dict_right.py", tmp_path)
    (tmp_path / "ada.py").write_text(copy_of("adapter_right.py", tmp_path).read_text().replace("2 * x", "5 * x"))
    (tmp_path / "bob.py").write_text("def f(:\n")
    outcomes = grade_rows(tmp_path)
    assert [outcome.exit_status for outcome in outcomes] == [1, 0, 2, 0]
    lines = grade_table(outcomes).splitlines()
    assert len(lines) == 5
    assert lines[1].startswith("ada.py")
    assert "SyntaxError" in lines[3]
    with pytest.raises(DataError, match="no Python files"):
        grade_rows(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("arguments", "status"), [(["dict_right.py", "--json"], 0), (["adapter_right.py", "tripled", "--grade"], 1)]
)
def test_the_command(arguments, status):
    code = "import typer; from clearprop.cli.check import check; app = typer.Typer(); app.command()(check); app()"
    done = subprocess.run(
        [sys.executable, "-c", code, str(SCRIPTS / arguments[0]), *arguments[1:]], capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    found = json.loads(done.stdout)
    assert found["verdict"] == ("right" if status == 0 else "wrong")
    if "--grade" in arguments:
        assert "Right" not in done.stdout
        assert set(found["functions"][0]) == {"function", "verdict", "wrong", "lines", "hints"}
