"""Exports: what each format computes from raw values is what `predict` does, to 1e-6, on models of every kind."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import clearprop as cp
from clearprop.data.kept_rows import as_csv
from clearprop.errors import DataError, MissingExtraError, OptionError, UnknownNameError, UnsupportedError
from clearprop.export import FORMATS, blueprint, c_source, js_source, numpy_source, onnx_file
from clearprop.export.raw_examples import encoded, made_up
from support.export_models import MODELS

ENDINGS = {"numpy": ".py", "c": ".c", "js": ".mjs", "onnx": ".onnx", "torch": ".py"}
NEEDED = {"c": "gcc", "js": "node"}
TABLES = "numbers, categories, holes, dates", "regression", "two targets in float64", "binary cross-entropy", "average of three"
CLOSE = 1e-6  # float32 rounds at 6e-8; the sums of a few dozen products of order one stay ten times below this


@pytest.fixture(scope="module", name="models")
def models_fixture() -> dict[str, cp.Model]:
    return {name: make() for name, make in MODELS.items()}


def required(to: str) -> None:
    if to in NEEDED and shutil.which(NEEDED[to]) is None:
        pytest.skip(f"{NEEDED[to]} is not installed")
    if to == "onnx":
        pytest.importorskip("onnxruntime")
    if to == "torch":
        pytest.importorskip("torch")


# --- by programs of the tests, which share no line with those by which an export is tried ---------------------------------


def by_fresh_python(file: Path, model: cp.Model, rows: dict[str, list[str]]) -> list[list[str]]:
    """Run the page where no package but NumPy can be imported."""
    code = """
import sys, runpy
class OnlyNumPy:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top != "numpy":
            raise ImportError(f"{name} is not NumPy")
sys.meta_path.insert(0, OnlyNumPy())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
    table = file.with_suffix(".csv")
    table.write_text(as_csv(rows), newline="")
    result = subprocess.run([sys.executable, "-I", "-c", code, file, table], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return list(csv.reader(io.StringIO(result.stdout)))


WATCHED = {cp.nn.Residual, cp.nn.Embedding, cp.nn.Conv2d}
"""Layers whose C reckons with indices, for which reading beyond an array is watched for, as for tables of many columns."""


def by_strict_gcc(file: Path, model: cp.Model, rows: dict[str, list[str]]) -> list[list[str]]:
    program, flag = file.with_suffix(".exe"), f"-D{file.stem.upper()}_MAIN"
    strict = ["gcc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([*strict, "-fsyntax-only", file], check=True)  # without the program, nothing is unused
    watched = ["-fsanitize=address,undefined"] if {type(layer) for layer in model.net.layers} & WATCHED or len(rows) > 8 else []
    subprocess.run([*strict, "-O1", *watched, flag, file, "-lm", "-o", program], check=True)
    result = subprocess.run([program], input=as_csv(rows).encode(), capture_output=True, check=False)
    assert result.returncode == 0, result.stderr
    return list(csv.reader(io.StringIO(result.stdout.decode())))


def as_number(cell: str) -> float | None:
    return float(cell) if cell.strip() else None


def by_node(file: Path, model: cp.Model, rows: dict[str, list[str]]) -> list[list[Any]]:
    """Numbers are given as numbers here, not as texts."""
    table = [list(row) for row in zip(*rows.values(), strict=True)]
    columns = model.encoder.columns if model.encoder is not None else ()
    if columns:
        numeric = {column.name for column in columns if column.kind == "numeric"}
        given: Any = [
            {
                name: (float(cell) if cell.strip() else None) if name in numeric else cell
                for name, cell in zip(rows, row, strict=True)
            }
            for row in table
        ]
    else:
        given = [[float(cell) for cell in row] for row in table]
    script = file.with_name("run.mjs")
    script.write_text(
        f'import {{ predict }} from "./{file.name}";\nconst rows = {json.dumps(given)};\n'
        "console.log(JSON.stringify(rows.map(predict)));\n"
    )
    answers = json.loads(subprocess.run(["node", script], capture_output=True, text=True, check=True).stdout)
    if model.task == "classification":
        return [["predicted"], *([answer["label"], *answer["probabilities"]] for answer in answers)]
    return [["predicted"], *answers]


def by_onnxruntime(file: Path, model: cp.Model, rows: dict[str, list[str]]) -> list[list[Any]]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    columns = model.encoder.columns if model.encoder is not None else ()
    given = {} if columns else {"X": np.array([[float(cell) for cell in cells] for cells in rows.values()]).T}
    for column in columns:
        cells = rows[column.name]
        if column.kind == "numeric":
            values = np.array([float(cell) if cell.strip() else np.nan for cell in cells])
        elif column.kind == "date":
            form = "ISO8601" if column.form is None else column.form
            values = pd.to_datetime(pd.Series(cells), format=form).to_numpy("datetime64[s]").astype(np.int64)
        else:
            values = np.array(cells, dtype=object)
        given[column.name] = values[:, np.newaxis]
    outputs = session.run(None, given)
    if model.task == "classification":
        return [["predicted"], *([label, *p] for label, p in zip(outputs[0].tolist(), outputs[1].tolist(), strict=True))]
    return [["predicted"], *outputs[0].tolist()]


def by_torch(file: Path, model: cp.Model, rows: dict[str, list[str]]) -> list[list[Any]]:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    cells = [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)]
    given = (
        cells if model.encoder is not None and model.encoder.columns else [[float(c) for c in row.values()] for row in cells]
    )
    if model.task != "classification":
        return [["predicted"], *module.predict(given).tolist()]
    p = module.probabilities(given).tolist()
    return [["predicted"], *([label, *shares] for label, shares in zip(module.predict(given), p, strict=True))]


RUN = {"numpy": by_fresh_python, "c": by_strict_gcc, "js": by_node, "onnx": by_onnxruntime, "torch": by_torch}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("to", RUN)
def test_an_export_answers_as_predict_does(models: dict[str, cp.Model], tmp_path: Path, to: str, name: str) -> None:
    required(to)
    model = models[name]
    plan, file = model._blueprint(), tmp_path / f"way_out{ENDINGS[to]}"
    for part, content in FORMATS.make(to).write(plan, file).items():
        (tmp_path / part).write_bytes(content if isinstance(content, bytes) else content.encode())
    rows = made_up(plan)
    X = encoded(plan, rows)
    table = RUN[to](file, model, rows)[1:]
    if model.task == "classification":
        wanted = model.probabilities(X)
        found = np.array([row[1:] for row in table], np.float64)
        np.testing.assert_allclose(found, wanted, atol=CLOSE, rtol=0)
        labels = model.classes or [0, 1]
        assert [str(row[0]).lower() for row in table] == [str(labels[i]).lower() for i in wanted.argmax(axis=1)]
    else:
        wanted = model.predict(X)
        spread = np.array(model.encoder.target_scaling.spread)
        np.testing.assert_allclose(np.array(table, np.float64) / spread, wanted / spread, atol=CLOSE, rtol=CLOSE)


@pytest.mark.parametrize("to", RUN)
def test_every_activation_is_known_in_every_format(tmp_path: Path, to: str) -> None:
    required(to)
    layers = [
        part for name in cp.nn.ACTIVATIONS for part in (cp.Linear(4, 4, init=cp.Normal(1.0)), cp.nn.ACTIVATIONS.make(name))
    ]
    model = cp.Model(cp.Net(*layers, seed=5), cp.nn.Focal())
    assert model.export(tmp_path / f"a{ENDINGS[to]}", to).difference < CLOSE


@pytest.mark.parametrize("writers", [numpy_source.WRITERS, c_source.WRITERS, js_source.WRITERS, onnx_file.WRITERS])
def test_every_layer_has_a_writer(writers: dict) -> None:
    ours = {kind for kind in cp.nn.LAYERS.entries.values() if kind.__module__.startswith("clearprop.")}
    assert {kind.__name__ for kind in ours - {*writers, *blueprint.FLAT}} == set()


def test_an_activation_with_constants_keeps_them(tmp_path: Path) -> None:
    for layer in (cp.nn.LeakyReLU(0.3), cp.nn.ELU(0.2)):
        model = cp.Model(cp.Net(cp.Linear(3, 3), layer, seed=1, dtype="float64"), cp.CrossEntropy())
        assert model.export(tmp_path / "a.py", "numpy").difference < 1e-14


def test_what_onnxruntime_cannot_run_is_refused(tmp_path: Path) -> None:
    required("onnx")
    model = cp.Model(cp.Net(cp.Linear(3, 3), cp.nn.SELU(), seed=1, dtype="float64"), cp.CrossEntropy())
    with pytest.raises(UnsupportedError, match=r"onnxruntime refuses the export: .*Selu.*astype\('float32'\)"):
        model.export(tmp_path / "a.onnx", "onnx")


def test_in_double_precision_only_rounding_is_left(models: dict[str, cp.Model], tmp_path: Path) -> None:
    model = models["numbers, categories, holes, dates"]
    double = replace(model, net=model.net.astype("float64"))
    assert double.export(tmp_path / "a.py", "numpy").difference < 1e-14


@pytest.mark.parametrize("name", TABLES)
def test_made_up_rows_leave_nothing_out(models: dict[str, cp.Model], name: str) -> None:
    """Every input of the net takes several values, so that a wrong one shows."""
    plan = models[name]._blueprint()
    X = encoded(plan, made_up(plan))
    alike = [feature for feature, x in zip(plan.features, X.T, strict=True) if (x == x[0]).all()]
    assert alike == []


# --- the trial at export time ---------------------------------------------------------------------------------------------


def test_a_wrong_page_is_refused_and_nothing_is_written(
    models: dict[str, cp.Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(numpy_source.WRITERS, cp.ReLU, lambda step: f"{step.y} = np.maximum({step.x}, 0.001)")
    with pytest.raises(UnsupportedError, match=r"differs from predict by [\d.e-]+, more than 0.0001; nothing was written"):
        models["image"].export(tmp_path / "a.py", "numpy")
    monkeypatch.setitem(numpy_source.WRITERS, cp.ReLU, lambda step: f"{step.y} = np.maximums({step.x}, 0)")
    with pytest.raises(UnsupportedError, match=r"python refuses the export: AttributeError: .*maximums"):
        models["image"].export(tmp_path / "a.py", "numpy")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_installed_is_said(models: dict[str, cp.Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    for to, needed in (("c", "a C compiler (gcc or cc)"), ("js", "node")):
        exported = models["image"].export(tmp_path / f"a{ENDINGS[to]}", to)
        assert exported.in_words() == f"Not tried, since {needed} is not installed."
        assert all(file.is_file() for file in exported.files)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'clearprop\[onnx\]'"):
        models["image"].export(tmp_path / "a.onnx", "onnx")


def test_rows_of_a_file_are_tried_beside_the_made_up_ones(models: dict[str, cp.Model], tmp_path: Path) -> None:
    model = models["average of three"]
    (tmp_path / "rows.csv").write_text("extra,island,count,size (mm)\n1,biscoe,3,40.5\n2,,unknown,\n")
    plain = model.export(tmp_path / "a.py", "numpy")
    assert model.export(tmp_path / "a.py", "numpy", tmp_path / "rows.csv").examples == plain.examples + 2
    (tmp_path / "rows.csv").write_text("other\n1\n")
    assert model.export(tmp_path / "a.py", "numpy", tmp_path / "rows.csv").examples == plain.examples


def test_examples_that_cannot_be_read_are_refused_and_nothing_is_written(models: dict[str, cp.Model], tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(b"a,b\n\xff,\xfe\n")
    with pytest.raises(DataError, match=r"rows\.csv' are no CSV file in UTF-8"):
        models["image"].export(tmp_path / "a.py", "numpy", tmp_path / "rows.csv")
    with pytest.raises(DataError, match=r"There is no file .* with examples"):
        models["image"].export(tmp_path / "a.py", "numpy", tmp_path / "other.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


class Square(cp.Layer):
    def forward(self, x, training=False):
        return x * x, x

    def backward(self, saved, dy):
        return dy * 2 * saved


@pytest.mark.parametrize("to", RUN)
def test_a_layer_that_is_not_known_is_refused_in_one_sentence(tmp_path: Path, to: str) -> None:
    required(to)
    model = cp.Model(cp.Net(cp.Linear(2, 2), Square(), seed=0), cp.CrossEntropy())
    with pytest.raises(UnsupportedError, match=r"Square\(\) (cannot be written in|has no counterpart in) [\w ]+; .*Linear"):
        model.export(tmp_path / f"a{ENDINGS[to]}", to)


def test_what_cannot_be_exported(tmp_path: Path, models: dict[str, cp.Model]) -> None:
    model = models["image"]
    with pytest.raises(UnknownNameError, match="no export format called 'onxx'; did you mean 'onnx'"):
        model.export(tmp_path / "a.onnx", "onxx")
    with pytest.raises(OptionError, match=r"is a \.c file, not '.*a\.py'"):
        model.export(tmp_path / "a.py", "c")
    for wrong in (replace(model, loss=cp.MeanSquaredError()), replace(model, loss=cp.BinaryCrossEntropy())):
        with pytest.raises(UnsupportedError, match="with 10 outputs gives no class probabilities that can be exported"):
            wrong.export(tmp_path / "a.py", "numpy")
    net = model.net.copy()
    net.theta[3] = np.nan
    with pytest.raises(OptionError, match="NaN or infinite values among its parameters"):
        replace(model, net=net).export(tmp_path / "a.py", "numpy")
    with pytest.raises(OptionError, match="does not say how many inputs"):
        cp.Model(cp.Net(cp.Tanh()), cp.CrossEntropy()).export(tmp_path / "a.py", "numpy")


# --- what a page says of bad rows -----------------------------------------------------------------------------------------

WRONG_ROWS = {
    "a number": ({"size (mm)": "12,5"}, r"size \(mm\).*12,5.*no number"),
    "a date": ({"day": "31.02.2020"}, r"day.*31\.02\.2020.*no date"),
}


@pytest.mark.parametrize("wrong", WRONG_ROWS)
@pytest.mark.parametrize("to", ["numpy", "c", "js"])
def test_a_cell_that_cannot_be_read_is_named(models: dict[str, cp.Model], tmp_path: Path, to: str, wrong: str) -> None:
    required(to)
    model = models["numbers, categories, holes, dates"]
    plan, file, form = model._blueprint(), tmp_path / f"a{ENDINGS[to]}", FORMATS.make(to)
    for part, content in form.write(plan, file).items():
        (tmp_path / part).write_text(content)
    rows = {name: cells[:1] for name, cells in made_up(plan).items()}
    assert form.run(plan, file, rows).shape == (1, 3)
    change, message = WRONG_ROWS[wrong]
    with pytest.raises(UnsupportedError, match=f"(?s){message}"):
        form.run(plan, file, {**rows, **{name: [cell] for name, cell in change.items()}})
    with pytest.raises(UnsupportedError, match=r"(?s)lacks the column .?island"):
        form.run(plan, file, {name: cells for name, cells in rows.items() if name != "island"})


# --- names that come from a file end neither a literal nor a comment ------------------------------------------------------

HOSTILE = [
    'a"b', "it's", "*/ int x; /*", '"""\nimport os\nos.mkdir("GOTCHA")\n"""', "??/", "back\\", "new\nline", "</script>",
    "`${process.exit(3)}`", "\u2028separator", "{{ 7 * 7 }}", "{% raw %}", "//", "int", "%s%n", "x", "X", "net/z1", "label",
    "probabilities", "\u202eabc", "日本", "a\rb", "__proto__", "constructor", "z1", "W1",
]  # fmt: skip


@pytest.mark.parametrize("to", RUN)
def test_names_of_columns_and_classes_may_hold_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str) -> None:
    required(to)
    monkeypatch.chdir(tmp_path)
    rng, n = np.random.default_rng(0), 60
    table = pd.DataFrame(
        {
            name: rng.normal(size=n) if i % 2 else rng.choice([text for text in HOSTILE if "\r" not in text][i % 9 :: 9], n)
            for i, name in enumerate(HOSTILE)
        }
    )
    table["kind"] = rng.choice(['*/ "', "'''\n", "\\", "??>", "`${1}`", "ok"], n)
    data = cp.data.load(table, target="kind")
    model = replace(cp.Model.of(cp.mlp([data.n_in, 4, data.n_out]), cp.CrossEntropy(), data), name='*/ """ \\ \n')
    exported = model.export(tmp_path / f"it's a {to}{ENDINGS[to]}", to)
    assert exported.difference < CLOSE
    assert not (tmp_path / "GOTCHA").exists()
    assert {path.name for path in tmp_path.iterdir()} == {file.name for file in exported.files}


# --- the command ----------------------------------------------------------------------------------------------------------


def test_the_command_writes_and_tries_a_run(tmp_path: Path, models: dict[str, cp.Model]) -> None:
    from typer.testing import CliRunner

    from clearprop.cli import app

    def run(*words: object) -> Any:
        return CliRunner().invoke(app, [str(word) for word in words])

    run("train", "circles", "--epochs", 1, "--effort", "quick", "--out", tmp_path / "run", "--quiet")
    kept = list(csv.reader(io.StringIO((tmp_path / "run" / "examples.csv").read_text())))
    assert (kept[0], len(kept)) == (["x1", "x2"], 21)
    result = run("export", tmp_path / "run", "--to", "numpy", "--out", tmp_path / "circles.py")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1].startswith("Tried on 32 examples: the largest difference from predict is ")
    assert run("export", tmp_path / "run", "--to", "numpy", "--out", tmp_path / "c.py", "--quiet").output == ""
    for words, message in (
        (("export", tmp_path / "run", "--to", "numpi", "--out", tmp_path / "c.py"), "did you mean 'numpy'"),
        (("export", tmp_path / "run", "--to", "numpy", "--out", tmp_path / "c.c"), "is a .py file"),
        (("export", tmp_path / "nowhere", "--to", "numpy", "--out", tmp_path / "c.py"), "There is no model file"),
    ):
        result = run(*words)
        assert result.exit_code == 2
        assert message in result.stderr
        assert "Traceback" not in result.stderr
