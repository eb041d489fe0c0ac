"""What does not need llvmlite, SciPy, scikit-learn, pandas and Matplotlib runs without them, as in a browser or under PyPy.

Each test is a process of its own in which they cannot be imported.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HIDDEN = ("llvmlite", "scipy", "sklearn", "pandas", "matplotlib")
HIDE = f"""
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HIDDEN}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
"""
NO_LLVMLITE = (
    "Training on the engine 'batch'. The engine 'compiled' needs llvmlite, which is not installed: pip install llvmlite."
)
TRAINED = """
import clearprop as cp
data = cp.data.load("circles", seed=0)
net = cp.mlp([2, 10, 2], hidden="tanh", seed=0)
history = cp.fit(net, data, optimizer=cp.SGD(lr=0.1), batch_size=10, epochs=5, seed=0)
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", HIDE + code]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def clearprop(*words: object) -> subprocess.CompletedProcess[str]:
    return run(f"sys.argv = {['clearprop', *map(str, words)]}\nfrom clearprop.cli import main\nmain()")


def printed(code: str) -> list[str]:
    """The lines on stdout of code that may write nothing else than that llvmlite is missing."""
    result = run(code)
    assert result.returncode == 0, result.stderr
    assert set(result.stderr.splitlines()) <= {NO_LLVMLITE}
    return result.stdout.splitlines()


@pytest.mark.parametrize("name", HIDDEN)
def test_they_are_hidden(name: str) -> None:
    assert f"ModuleNotFoundError: No module named '{name}'" in run(f"import {name}").stderr


def test_a_net_is_trained_on_the_engine_batch_with_one_line_that_says_so() -> None:
    result = run(TRAINED + "print(history[-1]['val_accuracy'] > 0.9, cp.evaluate(net, data)['accuracy'] > 0.9)")
    assert result.stdout == "True True\n"
    assert result.stderr == NO_LLVMLITE + "\n"


def test_the_compiled_engine_is_not_there_and_says_what_it_needs() -> None:
    code = """
try:
    cp.fit(net, data, engine="compiled", epochs=1)
except cp.ClearpropError as error:
    print(type(error).__name__, error)
print(cp.ENGINES.able(net, cp.CrossEntropy(), cp.SGD()), list(cp.ENGINES)[3])
"""
    missing, able = printed(TRAINED + code)
    assert missing == "MissingExtraError The engine 'compiled' needs llvmlite, which is not installed: pip install llvmlite."
    assert "'batch'" in able
    assert "'compiled']" not in able
    assert able.endswith(" compiled")


def test_an_error_of_llvmlite_itself_is_told() -> None:
    code = """
import sys, types
import clearprop as cp
broken = types.ModuleType("llvmlite")
broken.__getattr__ = lambda name: (_ for _ in ()).throw(ImportError("libLLVM is for another processor."))
sys.modules["llvmlite"] = broken
try:
    cp.ENGINES.make("compiled")
except ImportError as error:
    print(type(error).__name__, error)
"""
    assert printed(code) == [
        "MissingExtraError The engine 'compiled' needs llvmlite, which cannot be imported (libLLVM is for another processor.):"
        " pip install llvmlite."
    ]


def test_the_estimators_say_what_they_need() -> None:
    code = """
import clearprop as cp
try:
    cp.NetClassifier
except ImportError as error:
    print(type(error).__name__, error)
"""
    assert printed(code) == [
        "MissingExtraError The estimators need scikit-learn, which is not installed: pip install scikit-learn."
    ]


def test_derivatives_are_checked_and_explained() -> None:
    code = """
import numpy as np
print(cp.check(net, data.train, loss=cp.CrossEntropy()).ok)
wrong = cp.check_gradient(lambda x: (x**3).sum(), lambda x: 3 * x, np.array([1.0, -2.0]))
print(wrong.ok, wrong["x"].index, len(str(wrong)) > 50)
text = str(cp.explain(net, data.train.X[0], data.train.y[0], loss=cp.CrossEntropy()))
print("softmax" in text, len(text) > 1000)
"""
    assert printed(TRAINED + code) == ["True", "False (1,) True", "True True"]


def test_a_model_is_saved_and_loaded(tmp_path: Path) -> None:
    code = f"""
net.save({str(tmp_path / "net.safetensors")!r})
again = cp.Net.load({str(tmp_path / "net.safetensors")!r})
print((again(data.test.X) == net(data.test.X)).all())
cp.Model.of(net, cp.CrossEntropy(), data).save({str(tmp_path / "model.safetensors")!r})
print(cp.Model.load({str(tmp_path / "model.safetensors")!r}).predict(data.test.X).shape)
"""
    assert printed(TRAINED + code) == ["True", "(300,)"]


def test_settings_are_chosen_swept_and_diagnosed() -> None:
    code = """
rows = cp.sweeps.run_sweep("circles", {"lr": [0.01, 0.1]}, seeds=1, fixed={"epochs": 2}, jobs=1)
print([row["lr"] for row in rows], cp.sweeps.best_of(rows, "val_accuracy")["lr"] in (0.01, 0.1))
print(cp.diagnose(net, data, loss=cp.CrossEntropy(), optimizer=cp.SGD(lr=0.1), batch_size=10, epochs=3, seed=0) is not None)
print(round(cp.descent.descend("published", start=(3, 2), optimizer=0.1, steps=10).final, 5))
"""
    assert printed(TRAINED + code) == ["[0.01, 0.1] True", "True", "1.29676"]


def test_the_command_line_trains_and_keeps_the_run_without_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    result = clearprop("train", "circles", "--epochs", 3, "--out", folder)
    assert result.returncode == 0, result.stderr
    assert result.stderr.splitlines() == [
        NO_LLVMLITE,
        "The run is kept without pictures: these need matplotlib, which is not installed: pip install matplotlib.",
    ]
    kept = {"model.safetensors", "history.jsonl", "metrics.json", "config.json", "examples.csv", "card.md", "manifest.json"}
    assert {path.name for path in folder.iterdir()} == kept
    assert "accuracy" in result.stdout
    assert "curves.png" not in result.stdout
    assert json.loads((folder / "metrics.json").read_text())["metrics"]["test"]["examples"] == 300
    for words in (("info", folder), ("predict", folder, "circles"), ("data", "circles"), ("explain", "circles")):
        again = clearprop(*words)
        assert again.returncode == 0, again.stderr
        assert set(again.stderr.splitlines()) <= {NO_LLVMLITE}


@pytest.mark.parametrize(
    ("words", "package"),
    [
        (("train", "digits"), "scikit-learn"),
        (("train", "pets.csv"), "pandas"),
        (("cost", "--depths", "1", "--plot", "cost.png"), "matplotlib"),
    ],
)
def test_what_needs_them_says_so_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], package: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pets.csv").write_text("weight,kind\n" + "1.0,cat\n2.0,dog\n" * 20)
    result = clearprop(*words)
    assert result.returncode == 2
    assert result.stderr == f"Error: This needs {package}, which is not installed: pip install {package}.\n"


# ---------------------------------------------------------------- with them, but not before they are used

HEAVY = ("llvmlite", "scipy", "sklearn", "pandas", "matplotlib", "torch", "jinja2")


def imported(code: str, names: tuple[str, ...]) -> str:
    code += f"\nimport sys\nprint([name for name in {names} if name in sys.modules], file=sys.stderr)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr


def test_importing_clearprop_imports_none_of_them() -> None:
    assert imported("import clearprop", (*HEAVY, "rich", "typer", "numpy")) == "[]\n"


def test_using_every_public_name_imports_none_of_them() -> None:
    # But for the estimators, which are classes of scikit-learn.
    code = "import clearprop as cp\nfor name in {*cp.__all__} - {'NetClassifier', 'NetRegressor'}: getattr(cp, name)"
    assert imported(code, (*HEAVY, "rich", "typer", "clearprop.engines.compiled.compiled_engine")) == "[]\n"


@pytest.mark.parametrize("words", [["--help"], ["--version"], []], ids=" ".join)
def test_the_list_of_commands_imports_none_of_them(words: list[str]) -> None:
    code = f"""
import sys
sys.argv = {["clearprop", *words]}
from clearprop.cli import main
try:
    main()
except SystemExit:
    pass
"""
    assert imported(code, (*HEAVY, "rich", "numpy")).splitlines()[-1] == "[]"


def test_training_imports_no_more_than_it_uses() -> None:
    code = """
import clearprop as cp
net, data = cp.mlp([2, 3, 2], seed=0), cp.data.load("circles", seed=0)
cp.fit(net, data, engine="batch", epochs=1)
cp.check(net, data.train)
"""
    assert imported(code, (*HEAVY, "rich", "typer")) == "[]\n"
